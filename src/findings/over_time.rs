//! What a reduction over time did.

use super::header::shape;
use super::words::count;
use super::{Provenance, Rows};
use crate::pipelines::{OverTime, Reduction};

/// A reduction that was written.
#[derive(Debug, Clone, Copy)]
pub struct ReductionFinding<'a> {
    /// What was decided.
    pub reduction: &'a Reduction,
    /// Voxels of the result that are NaN or infinite.
    pub not_finite: u64,
}

impl ReductionFinding<'_> {
    fn name(&self) -> &'static str {
        match self.reduction.how() {
            OverTime::Mean => "mean",
            OverTime::Std { .. } => "std",
            OverTime::Tsnr { .. } => "tsnr",
            OverTime::Difference { .. } => "difference",
        }
    }

    /// Type and shape of the result, and how it was made.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let (header, image) = (self.reduction.header(), self.reduction.image());
        let mut rows = Rows::new();
        rows.key("shape", shape(header));
        rows.key("dtype", header.meaning.dtype.name());
        rows.key("unit", header.meaning.unit.symbol());
        rows.key("how", self.name());
        rows.key("over", "t");
        rows.key("volumes", image.grid.shape.volumes());
        match self.reduction.how() {
            OverTime::Std { ddof } | OverTime::Tsnr { ddof } => rows.key("ddof", u64::from(ddof)),
            OverTime::Difference { reference } => rows.key("reference", reference),
            OverTime::Mean => {}
        }
        rows.key("not_finite", self.not_finite);
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// Shape and type, then what was made of how many volumes.
    pub fn text(&self) -> String {
        let (header, image) = (self.reduction.header(), self.reduction.image());
        let what = match self.reduction.how() {
            OverTime::Mean => "mean".into(),
            OverTime::Std { ddof: 0 } => "standard deviation (over n)".into(),
            OverTime::Std { ddof } => format!("standard deviation (over n - {ddof})"),
            OverTime::Tsnr { ddof: 0 } => "mean over standard deviation (over n)".into(),
            OverTime::Tsnr { ddof } => format!("mean over standard deviation (over n - {ddof})"),
            OverTime::Difference { reference: None } => "each volume minus the one before".into(),
            OverTime::Difference { reference: Some(t) } => format!("each volume minus volume {t}"),
        };
        let odd = match self.not_finite {
            0 => String::new(),
            n => format!("  {} voxels are NaN or infinite\n", count(n)),
        };
        let volumes = image.grid.shape.volumes();
        format!("{} {}\n  {what}, of {volumes} volumes\n{odd}", header.grid.shape, header.meaning.dtype)
    }
}
