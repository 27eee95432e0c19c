//! What an adaptive equalisation did.

use super::header::shape;
use super::pictures::{greys, shade};
use super::words::{count, number};
use super::{Note, Provenance, Rows};
use crate::Result;
use crate::pipelines::AdaptiveMapping;
use crate::report::{Histogram, Panel, Plot, Shade, Slice, Svg, figure};
use crate::volume::{Counts, Rescale, Rescales, Unit};

/// An adaptive equalisation, decided on.
#[derive(Debug, Clone, Copy)]
pub struct AdaptiveFinding<'a> {
    /// The equalisation.
    pub mapping: &'a AdaptiveMapping,
}

impl AdaptiveFinding<'_> {
    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        let least = Note::ClipIsLeast { bins: self.mapping.rule().bins, voxels: self.tile_voxels() };
        self.mapping.limit_is_least().then_some(least).into_iter().collect()
    }

    fn tile_voxels(&self) -> u64 {
        self.mapping.lattice().size().iter().map(|n| u64::from(*n)).product()
    }

    /// Axes that tiles have.
    fn axes(&self) -> usize {
        if self.mapping.by_slice() { 2 } else { 3 }
    }

    /// Type and shape of the result, the tiles, and what did not count.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let (mapping, out) = (self.mapping, self.mapping.header());
        let own = |all: [u32; 3]| all[..self.axes()].iter().map(|n| u64::from(*n)).collect::<Vec<_>>();
        let mut rows = Rows::new();
        rows.key("shape", shape(out));
        rows.key("dtype", out.meaning.dtype.name());
        rows.key("tiles", own(mapping.lattice().tiles()));
        rows.key("tile_voxels", own(mapping.lattice().size()));
        rows.key("by_slice", mapping.by_slice());
        rows.key("bins", u64::from(mapping.rule().bins));
        rows.key("clip", mapping.rule().clip);
        rows.key("clip_voxels", self.limit());
        rows.key("count", mapping.before().total());
        rows.key("padding", mapping.before().padding);
        rows.key("outside", mapping.before().outside);
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// What a bin of a tile keeps all of whose voxels count; none without a limit.
    fn limit(&self) -> Option<u64> {
        let rule = self.mapping.rule();
        (rule.clip > 0.0).then(|| u64::from(rule.limit(self.tile_voxels())))
    }

    /// Shape, type, voxels and device, then the tiles and the limit.
    pub fn text(&self, provenance: &Provenance) -> String {
        let (mapping, out) = (self.mapping, self.mapping.header());
        let by = |all: [u32; 3]| all[..self.axes()].iter().map(u32::to_string).collect::<Vec<_>>().join(" x ");
        let limit = self.limit().map_or("no clip limit".to_owned(), |voxels| {
            let s = if voxels == 1 { "" } else { "s" };
            format!("clip limit {} ({} voxel{s} a bin)", number(mapping.rule().clip), count(voxels))
        });
        format!(
            "{} {}, {} voxels counted, on {}\n  {} tiles of {} voxels {}, {} bins, {limit}\n",
            out.grid.shape,
            out.meaning.dtype,
            count(mapping.before().total()),
            provenance.device,
            by(mapping.lattice().tiles()),
            by(mapping.lattice().size()),
            if mapping.by_slice() { "over each slice" } else { "over the volume" },
            count(u64::from(mapping.rule().bins))
        )
    }

    /// Original and equalised side by side, from the same slices of both, each with its histogram; `after` counts all voxels of the result.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, [slices, results]: [&[Slice]; 2], after: &Counts) -> Result<Svg> {
        let (header, out) = (self.mapping.input(), self.mapping.header());
        let before = self.mapping.before();
        let grey = shade(header, before.statistics().as_ref());
        let levels = Shade::over(out, 0.0, f64::from(self.mapping.rule().top));
        let plain = Rescales::Uniform(Rescale::IDENTITY);
        let counted = Histogram::of(&[(Rescale::IDENTITY, after)], Unit::Unknown);
        let panels = [
            Panel {
                title: "Original".into(),
                pictures: greys(header, slices, &header.meaning.rescale, &grey)?,
                plot: Some(Plot::from(Histogram::of(&before.pairs(), header.meaning.unit))),
                ..Panel::default()
            },
            Panel {
                title: format!("Equalised by tiles to {} levels", count(u64::from(self.mapping.rule().top) + 1)),
                pictures: greys(header, results, &plain, &levels)?,
                plot: Some(Plot::from(Histogram { unit: "level".into(), ..counted })),
                ..Panel::default()
            },
        ];
        figure::side_by_side("Adaptive histogram equalisation", &panels)
    }
}
