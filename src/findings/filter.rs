//! What a step that looks at neighbours did.

use super::header::shape;
use super::pictures::greys;
use super::{Provenance, Rows};
use crate::Result;
use crate::pipelines::Filter;
use crate::report::{Panel, Shade, Slice, Svg, figure};
use crate::volume::Header;

/// A filter, and the volume that it was applied to: type, rescale and grid stay.
#[derive(Debug, Clone, Copy)]
pub struct FilterFinding<'a> {
    /// Of input and result, as stored.
    pub header: &'a Header,
    /// What was done.
    pub filter: Filter,
}

impl FilterFinding<'_> {
    /// Type and shape of the result, and the step.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let mut step = Rows::new();
        step.key("step", self.filter.name());
        let mut rows = Rows::new();
        rows.key("shape", shape(self.header));
        rows.key("dtype", self.header.meaning.dtype.name());
        rows.key("unit", self.header.meaning.unit.symbol());
        rows.key("steps", vec![step]);
        rows.key("notes", provenance.notes(&[]));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape, type and device, then the step.
    pub fn text(&self, provenance: &Provenance) -> String {
        let Header { grid, meaning, .. } = self.header;
        format!("{} {}, on {}\n  {}\n", grid.shape, meaning.dtype, provenance.device, self.filter.name())
    }

    /// Slices before and after, in the greys of the image before. `before` is the header that the first slices were taken with: of wide types it is
    /// a narrowed one.
    ///
    /// # Errors
    /// What drawing gives.
    pub fn figure(&self, (before, shade): (&Header, &Shade), slices: [&[Slice]; 2]) -> Result<Svg> {
        let panel = |title: &str, header: &Header, slices: &[Slice]| {
            let pictures = greys(header, slices, &header.meaning.rescale, shade)?;
            Ok::<_, crate::Error>(Panel { title: title.into(), pictures, ..Panel::default() })
        };
        let panels = [panel("Original", before, slices[0])?, panel(self.filter.name(), self.header, slices[1])?];
        figure::side_by_side("Filter", &panels)
    }
}
