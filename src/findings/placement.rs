//! What became of voxels that were put onto another grid.

use super::header::shape;
use super::words::{by, number, real};
use super::{Provenance, Rows, Value};
use crate::ops::resample::Sampling;
use crate::volume::Header;

/// A volume on a grid of its own, and how its voxels came to be.
#[derive(Debug, Clone, Copy)]
pub struct PlacementFinding<'a> {
    /// Of the result.
    pub header: &'a Header,
    /// How values came of those around them; none where voxels were only moved.
    pub sampling: Option<Sampling>,
    /// Voxels that lie outside of the image.
    pub outside: u64,
    /// What stands there, in real units.
    pub fill: f64,
}

impl PlacementFinding<'_> {
    /// Shape, type and geometry of the result, the method, and what lies outside.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let Header { grid, meaning, .. } = self.header;
        let geometry = grid.geometry.as_ref();
        let position = geometry.and_then(|g| g.position.as_ref());
        let mut rows = Rows::new();
        rows.key("shape", shape(self.header));
        rows.key("dtype", meaning.dtype.name());
        rows.key("unit", meaning.unit.symbol());
        rows.key("spacing_mm", geometry.map(|g| g.spacing_mm));
        rows.key("orientation", position.map(|p| p.orientation_code()));
        rows.key("origin_lps_mm", position.map(|p| p.origin_mm));
        rows.key("method", self.sampling.map(Sampling::name));
        rows.key("outside", Value::digits(self.outside));
        rows.key("fill", (self.outside > 0).then_some(self.fill));
        rows.key("notes", provenance.notes(&[]));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape, type, spacing and orientation, then the method and what lies outside.
    pub fn text(&self, provenance: &Provenance) -> String {
        let Header { grid, meaning, .. } = self.header;
        let mut text = format!("{} {}", grid.shape, meaning.dtype);
        if let Some(geometry) = &grid.geometry {
            text += &format!(" at {} mm", by(geometry.spacing_mm));
            if let Some(position) = &geometry.position {
                text +=
                    &format!(", {} from ({}) mm (LPS+)", position.orientation_code(), position.origin_mm.map(number).join(", "));
            }
        }
        text += &format!(", on {}\n", provenance.device);
        if let Some(sampling) = self.sampling {
            text += &format!("  method {}\n", sampling.name());
        }
        if self.outside > 0 {
            let percent = 100.0 * self.outside as f64 / grid.shape.voxels() as f64;
            let share = if percent < 0.05 { "less than 0.1".to_owned() } else { format!("{percent:.1}") };
            text += &format!("  {share} % of the voxels lie outside of the image: {}\n", real(self.fill, meaning.unit.symbol()));
        }
        text
    }
}
