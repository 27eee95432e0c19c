//! Statistics in real units.

use super::Note;
use super::header::shape;
use super::rows::{Rows, Value};
use crate::analysis::statistics::{PERCENTILES, Statistics};
use crate::pipelines::{Counted, FloatStatistics, Side};
use crate::volume::Header;

/// Statistics of an image or of a part of it, and what was left out of them.
#[derive(Debug, Clone)]
pub struct StatisticsFinding<'a> {
    /// The image.
    pub header: &'a Header,
    /// Of the finite voxels that count.
    pub statistics: Statistics,
    /// Voxels that hold padding.
    pub padding: u64,
    /// NaN voxels.
    pub nan: u64,
    /// Infinite voxels.
    pub infinite: u64,
}

impl<'a> StatisticsFinding<'a> {
    /// Of voxels that were counted one by one; none if no voxel counts.
    pub fn counted(header: &'a Header, counted: &Counted) -> Option<Self> {
        let statistics = counted.statistics()?;
        Some(Self { header, statistics, padding: counted.padding, nan: 0, infinite: 0 })
    }

    /// Of true floats; none if no voxel counts.
    pub fn floats(header: &'a Header, floats: FloatStatistics) -> Option<Self> {
        let (nan, infinite) = (floats.nan, floats.infinite);
        Some(Self { header, statistics: floats.statistics?, padding: 0, nan, infinite })
    }

    /// Of one side of a mask; none if it has no finite voxel.
    pub fn side(header: &'a Header, side: &Side) -> Option<Self> {
        let Side { padding, nan, infinite, .. } = *side;
        Some(Self { header, statistics: side.statistics.clone()?, padding, nan, infinite })
    }

    /// What was counted, statistics, percentiles, what was left out.
    pub fn rows(&self) -> Rows {
        let (header, s) = (self.header, &self.statistics);
        let unit = header.meaning.unit.symbol();
        let among = |value: f64| Value::among(value, s.max - s.min, unit);
        let mut rows = Rows::new();
        rows.add("shape", "shape", shape(header), "");
        rows.add("size", "size", header.grid.shape.voxels(), "");
        rows.add("dtype", "dtype", header.origin.file_dtype.unwrap_or(header.meaning.dtype).name(), "");
        rows.key("unit", unit);
        rows.add("count", "count", s.count, "");
        rows.add("min", "min", among(s.min), unit);
        rows.add("max", "max", among(s.max), unit);
        rows.add("mean", "mean", among(s.mean), unit);
        rows.add("median", "median", among(s.median), unit);
        rows.add("variance", "variance", s.variance, "");
        rows.add("std", "std", s.std, unit);
        let mut percentiles = Rows::new();
        for (p, value) in PERCENTILES.iter().zip(s.percentiles) {
            percentiles.add(p.to_string(), format!("percentile {p}"), among(value), unit);
        }
        rows.key("percentiles", percentiles);
        rows.add("entropy", "entropy", s.entropy_bits, "bits");
        rows.add("padding", "padding", self.padding, "");
        let told = self.nan + self.infinite > 0;
        rows.add_if(told, "nan", "NaN", self.nan, "");
        rows.add_if(told, "infinite", "infinite", self.infinite, "");
        rows
    }

    /// That padding takes part, if any does.
    pub fn padding_note(&self) -> Option<Note> {
        let percent = 100.0 * self.padding as f64 / self.header.grid.shape.voxels() as f64;
        (self.padding > 0).then_some(Note::PaddingCounts { voxels: self.padding, percent })
    }
}
