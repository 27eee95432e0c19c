//! The histogram as numbers and as a figure.

use super::rows::Rows;
use crate::pipelines::Counted;
use crate::report::{Histogram, Plot, Svg, figure};
use crate::volume::Header;
use crate::{Error, Result};

/// Voxels between two real values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// The lower end; the value itself where every value has its bin.
    pub low: f64,
    /// The upper end, or the same value.
    pub high: f64,
    /// How many voxels.
    pub count: u64,
}

/// A histogram in real values.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramFinding {
    /// Ascending.
    pub bins: Vec<Bin>,
    /// The unit of the values; empty if unknown.
    pub unit: &'static str,
    /// As a figure draws it.
    pub bars: Histogram,
}

impl HistogramFinding {
    /// In so many bins of equal width, or in one for each stored value. True floats stay in the bins that they were counted in.
    ///
    /// # Errors
    /// [`Error::Usage`] if no voxel counts.
    pub fn new(counted: &Counted, header: &Header, bins: Option<usize>) -> Result<Self> {
        let (bins, bars) = match (&counted.edges, bins) {
            (Some(_), _) => between(counted, header),
            (None, None) => exact(counted, header)?,
            (None, Some(bins)) => even(counted, header, bins)?,
        };
        Ok(Self { bins, unit: header.meaning.unit.symbol(), bars })
    }

    /// A column for each: ends, count, share of all voxels and the share up to and including the bin.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        rows.key("unit", self.unit);
        rows.extend(self.ends());
        rows.extend(self.shares());
        rows
    }

    /// The same as a table, where one column holds both ends if they are one.
    pub fn table(&self) -> Rows {
        let mut rows = Rows::new();
        if self.bins.iter().all(|b| b.low == b.high) {
            rows.key("value", self.column(|b| b.low));
        } else {
            rows.extend(self.ends());
        }
        rows.extend(self.shares());
        rows
    }

    fn ends(&self) -> Rows {
        let mut rows = Rows::new();
        rows.add("low", "from", self.column(|b| b.low), self.unit);
        rows.add("high", "to", self.column(|b| b.high), self.unit);
        rows
    }

    fn shares(&self) -> Rows {
        let total: u64 = self.bins.iter().map(|b| b.count).sum();
        let mut sum = 0;
        let mut rows = Rows::new();
        rows.add("count", "voxels", self.bins.iter().map(|b| b.count).collect::<Vec<_>>(), "");
        rows.add("share", "share", self.column(|b| b.count as f64 / total as f64), "");
        let up_to = |b: &Bin| {
            sum += b.count;
            sum as f64 / total as f64
        };
        rows.add("cdf", "share up to here", self.column(up_to), "");
        rows
    }

    fn column(&self, of: impl FnMut(&Bin) -> f64) -> Vec<f64> {
        self.bins.iter().map(of).collect()
    }

    /// Bars and cumulative curve.
    pub fn figure(&self) -> Svg {
        figure::plot("", &Plot::from(self.bars.clone()))
    }
}

/// Every value has its bin.
fn exact(counted: &Counted, header: &Header) -> Result<(Vec<Bin>, Histogram)> {
    let entries = counted.values.entries();
    if entries.is_empty() {
        return Err(Error::no_voxel());
    }
    let bins = entries.iter().map(|e| Bin { low: e.value, high: e.value, count: e.count }).collect();
    Ok((bins, Histogram::of(&counted.pairs(), header.meaning.unit)))
}

/// As numpy.histogram: equal widths from the smallest to the largest value, which belongs to the last bin.
fn even(counted: &Counted, header: &Header, number: usize) -> Result<(Vec<Bin>, Histogram)> {
    let (first, last) = counted.values.ends().ok_or_else(Error::no_voxel)?;
    let (low, high) = if first < last { (first, last) } else { (first - 0.5, first + 0.5) };
    let edge = |i: usize| if i == number { high } else { low + (high - low) * i as f64 / number as f64 };
    let mut bins: Vec<Bin> = (0..number).map(|i| Bin { low: edge(i), high: edge(i + 1), count: 0 }).collect();
    for entry in counted.values.entries() {
        let at = bins.partition_point(|b| b.low <= entry.value).saturating_sub(1);
        bins[at].count += entry.count;
    }
    let bars = bars(&bins, Histogram::of(&counted.pairs(), header.meaning.unit).unit);
    Ok((bins, bars))
}

/// True floats between the edges that they were counted in.
fn between(counted: &Counted, header: &Header) -> (Vec<Bin>, Histogram) {
    let group = &counted.groups[0];
    let edges = counted.edges.iter().flat_map(|edges| edges.values().windows(2));
    let bin = |(ends, n): (&[f32], &u64)| {
        let (a, b) = (group.rescale.real(f64::from(ends[0])), group.rescale.real(f64::from(ends[1])));
        Bin { low: a.min(b), high: a.max(b), count: *n }
    };
    let mut bins: Vec<Bin> = edges.zip(&group.counts.bins).map(bin).collect();
    bins.sort_by(|a, b| a.low.total_cmp(&b.low));
    let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
    let bars = bars(&bins, unit.into());
    (bins, bars)
}

fn bars(bins: &[Bin], unit: String) -> Histogram {
    let values = bins.iter().filter(|b| b.count > 0).map(|b| (f64::midpoint(b.low, b.high), b.count)).collect();
    Histogram { values, step: bins.first().map_or(1.0, |b| b.high - b.low), unit }
}
