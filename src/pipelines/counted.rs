//! What was counted: the histogram of the voxels that take part, and all that follows from it without another look at them.

use std::sync::Arc;

use super::{Group, Input, Run, count, count_between};
use crate::analysis::distribution::Distribution;
use crate::analysis::statistics::{self, Statistics};
use crate::ops::histogram::Edges;
use crate::volume::{Counts, Header, Padding, Rescale};
use crate::{Error, Result};

/// Which values count.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Region {
    /// Real values from … to, inclusive.
    pub range: Option<(f64, f64)>,
    /// Whether padding counts.
    pub with_padding: bool,
}

/// Into which bins true floats are counted. Integers have a bin for each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bins {
    /// So many of even width, from the least value that counts to the largest. One pass.
    Even(usize),
    /// At most 65,536, narrow where voxels are many: for decisions. Two passes.
    Following,
}

/// The voxels that take part, counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// One for each rescale, with only what counts.
    pub groups: Vec<Group>,
    /// The bins of true floats.
    pub edges: Option<Arc<Edges>>,
    /// The real values that count.
    pub values: Distribution,
    /// Voxels that hold padding, whether they count or not.
    pub padding: u64,
    /// Voxels outside of the range.
    pub outside: u64,
}

impl Counted {
    /// Counts. Who looks on sees the first pass.
    ///
    /// # Errors
    /// [`Error::Usage`] for true floats none of which can count, or with a rescale for each slice; what reading gives; [`Error::Interrupted`].
    pub fn of(input: &Input<'_>, region: &Region, bins: Bins, run: &Run<'_>) -> Result<Self> {
        match input.census() {
            None => Ok(Self::from_groups(count(input, run)?, input.header().meaning.padding, region)),
            Some(census) => {
                let rescale = one_rescale(input.header())?;
                let (low, high) = narrowest((census.min, census.max), rescale, region.range)?;
                Self::floats(input, (low, high), bins, run)
            }
        }
    }

    /// What counts of histograms of integers.
    pub fn from_groups(groups: Vec<Group>, padding: Option<Padding>, region: &Region) -> Self {
        let (groups, padding, outside) = select(groups, padding, region);
        let values = Distribution::exact(&pairs(&groups));
        Self { values, groups, edges: None, padding, outside }
    }

    fn floats(input: &Input<'_>, (low, high): (f64, f64), bins: Bins, run: &Run<'_>) -> Result<Self> {
        let rescale = one_rescale(input.header())?;
        let (edges, counts) = match bins {
            Bins::Even(number) => {
                // As numpy has it for a constant.
                let (low, high) = if (low as f32) < high as f32 { (low, high) } else { (low - 0.5, high + 0.5) };
                let edges = Arc::new(Edges::at_most(low as f32, high as f32, number)?);
                let counts = count_between(input, &edges, run)?;
                (edges, counts)
            }
            Bins::Following => {
                let (low, high) = (low as f32, high as f32);
                if let Some(edges) = Edges::of_each(low, high)? {
                    let edges = Arc::new(edges);
                    let counts = count_between(input, &edges, run)?;
                    return Ok(Self::between(edges, counts, rescale, Some(high)));
                }
                let rough = Arc::new(Edges::by_magnitude(low, high)?);
                let run = run.one_of(2);
                let counts = count_between(input, &rough, &run)?;
                let edges = Arc::new(Edges::following(&rough, &counts.bins)?);
                let counts = count_between(&input.clone().observed(None), &edges, &run)?;
                (edges, counts)
            }
        };
        Ok(Self::between(edges, counts, rescale, None))
    }

    /// What was counted between edges; the largest value that occurs, where that is known to be all that lies in the last bin.
    fn between(edges: Arc<Edges>, counts: Counts, rescale: Rescale, last: Option<f32>) -> Self {
        let mut ends = edges.values().to_vec();
        if let Some(last) = last {
            ends[edges.bins()] = last;
        }
        let values = Distribution::binned(&ends, &counts, rescale);
        let outside = counts.below + counts.above;
        Self { groups: vec![Group { label: 0, rescale, counts }], edges: Some(edges), values, padding: 0, outside }
    }

    /// Voxels that count.
    pub fn total(&self) -> u64 {
        self.groups.iter().map(|g| g.counts.total()).sum()
    }

    /// Their statistics; none if no voxel counts, and for true floats, which [`super::float_statistics`] looks at.
    pub fn statistics(&self) -> Option<Statistics> {
        if self.edges.is_some() { None } else { statistics::of(&self.pairs()) }
    }

    /// Each rescale with its counts.
    pub fn pairs(&self) -> Vec<(Rescale, &Counts)> {
        pairs(&self.groups)
    }

    /// Distance of neighbouring stored values in real units; of several rescales the finest.
    pub fn step(&self) -> f64 {
        self.groups.iter().map(|g| g.rescale.slope.abs()).fold(f64::INFINITY, f64::min)
    }

    /// The values within a range, and whether there are at least two of them.
    pub(super) fn within(&self, range: Option<(f64, f64)>) -> Distribution {
        range.map_or_else(|| self.values.clone(), |(low, high)| self.values.within(low, high))
    }
}

fn pairs(groups: &[Group]) -> Vec<(Rescale, &Counts)> {
    groups.iter().map(|g| (g.rescale, &g.counts)).collect()
}

/// The one rescale of true floats. Volumes with one for each slice are so rare that one for all is asked for.
pub(super) fn one_rescale(header: &Header) -> Result<Rescale> {
    let several = || Error::usage("float voxels with a rescale for each slice", "convert the volume first");
    header.meaning.rescale.uniform().ok_or_else(several)
}

/// The narrowest of the stored values that float voxels hold, least and largest, and of a range of real ones; as stored values.
fn narrowest(held: (f64, f64), rescale: Rescale, range: Option<(f64, f64)>) -> Result<(f64, f64)> {
    let (mut low, mut high) = held;
    if let Some((a, b)) = range {
        let (a, b) = (rescale.stored(a), rescale.stored(b));
        (low, high) = (low.max(a.min(b)), high.min(a.max(b)));
    }
    // NaN, where nothing is finite, is no range either.
    if low <= high { Ok((low, high)) } else { Err(Error::no_voxel()) }
}

/// Takes out of histograms what does not count; how many voxels hold padding, and how many lie outside of the range.
fn select(mut groups: Vec<Group>, padding: Option<Padding>, region: &Region) -> (Vec<Group>, u64, u64) {
    let (mut padded, mut outside) = (0, 0);
    for group in &mut groups {
        if let Some(p) = padding {
            let pads = |v: i32| (p.low..=p.high).contains(&f64::from(v));
            padded += group.counts.occupied().filter(|(v, _)| pads(*v)).map(|(_, n)| n).sum::<u64>();
            if !region.with_padding {
                group.counts.retain(|v| !pads(v));
            }
        }
        if let Some((low, high)) = region.range {
            let rescale = group.rescale;
            outside += group.counts.retain(|v| (low..=high).contains(&rescale.real(f64::from(v))));
        }
    }
    (groups, padded, outside)
}

/// Two ranges of which both must hold.
pub(super) fn both(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))),
        (one, None) | (None, one) => one,
    }
}
