//! What a projection did.

use super::header::shape;
use super::pictures::real_values;
use super::words::{count, real};
use super::{Note, Provenance, Rows};
use crate::pipelines::{How, Projection};
use crate::report::{Plane, Shade, Slice};
use crate::volume::{Dtype, Header};

/// A projection, decided on, with the plane that its slabs are parallel to.
#[derive(Debug, Clone, Copy)]
pub struct ProjectionFinding<'a> {
    /// The projection.
    pub projection: &'a Projection,
    /// Of its slabs.
    pub plane: Plane,
}

impl ProjectionFinding<'_> {
    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        let (slices, of) = self.thickness();
        let mut notes = Vec::new();
        if slices < of {
            notes.push(Note::ThinSlab { slices, of });
        }
        let header = self.projection.header();
        if self.projection.how() == How::Sum && header.meaning.dtype == Dtype::F32 {
            notes.push(Note::RoundedSums);
        }
        notes
    }

    /// Slices of the last slab and of the first.
    fn thickness(&self) -> (u64, u64) {
        let thick = |slab: &std::ops::Range<u64>| slab.end - slab.start;
        let slabs = self.projection.slabs();
        (slabs.last().map_or(0, thick), slabs.first().map_or(0, thick))
    }

    fn axis(&self) -> &'static str {
        ["x", "y", "z"][self.projection.axis()]
    }

    /// Type and shape of the result, its slabs, and how they were made.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let header = self.projection.header();
        let (last, first) = self.thickness();
        let mut rows = Rows::new();
        rows.key("shape", shape(header));
        rows.key("dtype", header.meaning.dtype.name());
        rows.key("unit", header.meaning.unit.symbol());
        rows.key("how", self.projection.how().name());
        rows.key("along", self.plane.name());
        rows.key("axis", self.axis());
        rows.key("slabs", self.projection.slabs().len());
        rows.key("slab_slices", first);
        rows.key("slab_mm", self.projection.slab_mm());
        rows.key("last_slab_slices", last);
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape, type and device, then how rays ran.
    pub fn text(&self, provenance: &Provenance) -> String {
        let Header { grid, meaning, .. } = self.projection.header();
        format!(
            "{} {}, on {}\n  {} along voxel axis {} ({}): {}\n",
            grid.shape,
            meaning.dtype,
            provenance.device,
            self.projection.how().name(),
            self.axis(),
            self.plane.name(),
            self.slabs()
        )
    }

    /// Such as `8 slabs of 4 slices, 10 mm`.
    fn slabs(&self) -> String {
        let (number, (_, slices)) = (self.projection.slabs().len() as u64, self.thickness());
        let mm = self.projection.slab_mm().map_or(String::new(), |mm| format!(", {}", real(mm, "mm")));
        let plural = |n: u64| if n == 1 { "" } else { "s" };
        format!("{} slab{} of {} slice{}{mm}", count(number), plural(number), count(slices), plural(slices))
    }

    /// What to write beneath the picture of a slab: how it was made, and how thick it is.
    pub fn caption(&self, slab: usize) -> String {
        let range = &self.projection.slabs()[slab];
        let (how, slices) = (self.projection.how().name(), range.end - range.start);
        let mm = self.projection.image().grid.geometry.as_ref().map(|g| slices as f64 * g.spacing_mm[self.projection.axis()]);
        match mm {
            Some(mm) => format!("{how} of {}", real((mm * 1e6).round() / 1e6, "mm")),
            None => format!("{how} of {slices} slices"),
        }
    }

    /// Whether slabs go through most of the volume.
    fn is_thick(&self) -> bool {
        let all = self.projection.image().grid.shape.axis(self.projection.axis());
        self.projection.slabs().iter().any(|slab| 2 * (slab.end - slab.start) > all)
    }

    /// Greys for the slabs: those of the image, unless they leave, of slabs through most of the volume, more than a quarter of the pixels black or white, as a window on soft tissue does the bones of a whole body; sums have a range of their own.
    pub fn shade(&self, image: Shade, slices: &[Slice]) -> Shade {
        let header = self.projection.header();
        let ends = slices.iter().filter_map(|slice| slice.ends(&header.meaning.rescale));
        match ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) {
            Some((low, high)) if self.projection.how() == How::Sum => Shade::over(header, low, high),
            Some(ends) if self.is_thick() && blinds(&image, &real_values(header, slices)) => {
                let values = real_values(header, slices);
                let at = |share: usize| values[(values.len() - 1) * share / 100];
                let (low, high) = if at(1) < at(99) { (at(1), at(99)) } else { ends };
                Shade::over(header, low, high)
            }
            _ => image,
        }
    }
}

/// Whether more than a quarter of the values are black or white.
fn blinds(shade: &Shade, values: &[f64]) -> bool {
    let half = shade.window.width / 2.0;
    4 * values.iter().filter(|value| (*value - shade.window.center).abs() > half).count() > values.len()
}
