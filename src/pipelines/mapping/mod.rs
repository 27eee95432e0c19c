//! The whole job of every point-wise method, equalisation among them: count, decide, write.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::counted::both;
use super::map::{BinTable, map_curve};
use super::{Bins, Counted, Input, Mask, Region, Run, copy, count_between, differences, map, map_bins};
use crate::analysis::distribution::Distribution;
use crate::analysis::pieces::{Levels, levels, pieces};
use crate::analysis::steps::{Chain, Composed, Scale, Step};
use crate::io::Sink;
use crate::ops::histogram::Edges;
use crate::ops::pointwise::Polyline;
use crate::views::Tap;
use crate::volume::{Counts, Dtype, Header, Rescale, Rescales, Table};
use crate::{Error, Hint, Result};

/// Which steps, into which type, and which voxels they take their statistics from.
#[derive(Debug, Clone)]
pub struct Pointwise {
    /// The steps.
    pub steps: Chain,
    /// u8, u16, i16 or f32; by default as [`Chain::compose`] says.
    pub to: Option<Dtype>,
    /// Which values count in decisions; all voxels are mapped, but that classes are given only to what counts: where a mask or a range selects
    /// voxels, classes are numbered from 1, and 0 is all else. Padding that does not count becomes [`Composed::padded`].
    pub region: Region,
    /// Of the values that count those that decide: what an equalisation spreads over all levels.
    pub range: Option<(f64, f64)>,
    /// Where fewer than two values decide, the voxels stay as they are; else that is an error of steps that need more.
    pub keep_constant: bool,
}

impl Pointwise {
    /// Steps on all values but padding.
    pub fn new(steps: Chain) -> Self {
        Self { steps, to: None, region: Region::default(), range: None, keep_constant: false }
    }

    /// Histogram equalisation of the real values in `range` to u8 or u16, by default 8 bits for 8-bit files and 16 for all others; what lies
    /// outside becomes the lowest or the highest level. Padding never takes part and becomes 0.
    pub fn equalize(to: Option<Dtype>, range: Option<(f64, f64)>, region: Region) -> Self {
        let region = Region { with_padding: false, ..region };
        Self { steps: Chain::of(Step::Equalize), to, region, range, keep_constant: true }
    }
}

/// A chain of steps decided on, ready to be written.
pub struct Mapping {
    input: Input<'static>,
    /// Of classes: what it leaves out becomes 0.
    mask: Option<Mask>,
    with_padding: bool,
    header: Header,
    counted: Counted,
    composed: Composed,
    plan: Plan,
    classes: Vec<u64>,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping").field("header", &self.header).field("composed", &self.composed).finish_non_exhaustive()
    }
}

enum Plan {
    /// One table for each rescale.
    Tables(Vec<Table>),
    /// Runs of f32 values, by an integer each.
    Levels(BinTable),
    /// f32 to f32.
    Curve(Polyline, f64),
    /// Fewer than two values: the voxels stay as they are.
    Copy,
}

impl Mapping {
    /// Counts the voxels and decides.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if no voxel counts or the steps cannot be decided ([`Chain::compose`]); what reading gives;
    /// [`crate::Error::Interrupted`].
    pub fn new(input: &Input<'_>, job: &Pointwise, run: &Run<'_>) -> Result<Self> {
        let region = match input.census() {
            // Bins of true floats lie between the values that decide.
            Some(_) => Region { range: both(job.region.range, job.range), ..job.region },
            None => job.region,
        };
        let counted = Counted::of(input, &region, Bins::Following, run)?;
        let header = input.header();
        let values = if input.is_exact() { counted.within(job.range) } else { counted.values.clone() };
        let constant = values.ends().is_some_and(|(low, high)| low == high);
        if constant && let Some(refusal) = differences::hidden(input, region.range, run)? {
            return Err(refusal);
        }
        let steps = if constant && job.keep_constant { &Chain::identity() } else { &job.steps };
        let mut composed = steps.compose(values, header, job.to)?;
        // What is not counted has no class, and must not look as if it had.
        let selects = input.labels().is_some() || job.region.range.is_some();
        let mut mask = None;
        if composed.scale() == Scale::Classes && selects {
            composed = composed.numbered_from_one(job.region.range)?;
            // Results ask for it in any order.
            mask = input.labels().map(|labels| Mask { labels: labels.clone() }.held(run)).transpose()?;
        }
        let plan = match input.census() {
            _ if constant && job.keep_constant => Plan::Copy,
            None => {
                let padding = header.meaning.padding.filter(|_| !job.region.with_padding);
                Plan::Tables(input.groups().rescales.iter().map(|r| composed.table(header.meaning.dtype, *r, padding)).collect())
            }
            Some(census) => {
                let (rescale, ends) = (counted.groups[0].rescale, (census.min as f32, census.max as f32));
                if composed.to() == Dtype::F32 {
                    if composed.first_class() > 0 {
                        return Err(Error::usage("classes of some of the voxels as float32", Hint::WriteIntegers));
                    }
                    let pieces = pieces(&composed, rescale, ends.0, ends.1)?;
                    Plan::Curve(Polyline::new(&pieces), pieces.bound)
                } else {
                    let (edges, results) = match &counted.edges {
                        Some(counted) if composed.first_class() > 0 => surrounded(&composed, rescale, counted)?,
                        _ => leveled(&composed, rescale, ends)?,
                    };
                    let table = Table::from_bins(results.len(), composed.to(), |i| results[i]);
                    Plan::Levels(BinTable { edges, table, nan: 0 })
                }
            }
        };
        let classes = classes(input, &counted, &composed, run)?;
        let written = if matches!(plan, Plan::Copy) { header.clone() } else { described(header, &composed) };
        let input = input.clone().masked(None).observed(None);
        Ok(Self { header: written, input, mask, with_padding: job.region.with_padding, counted, composed, plan, classes })
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read: the input, as the kernels take it.
    pub fn input(&self) -> &Header {
        self.input.header()
    }

    /// The voxels that count; for floats in up to 65,536 bins from the least to the largest that counts, narrow where voxels are many.
    pub fn before(&self) -> &Counted {
        &self.counted
    }

    /// The same voxels counted by their results, without looking at them again; none unless these are uint8 or uint16, or if nothing changes.
    pub fn after(&self) -> Option<Counts> {
        if !matches!(self.composed.to(), Dtype::U8 | Dtype::U16) {
            return None;
        }
        let mut after = Counts::exact(self.composed.to());
        match &self.plan {
            Plan::Tables(tables) => {
                for (table, group) in tables.iter().zip(&self.counted.groups) {
                    table.entries().iter().zip(&group.counts.bins).for_each(|(entry, n)| after.bins[*entry as usize] += n);
                }
            }
            Plan::Levels(_) => {
                let values = self.counted.values.entries().iter();
                values.for_each(|e| after.bins[self.composed.rounded(e.value) as usize] += e.count);
            }
            Plan::Curve(..) | Plan::Copy => return None,
        }
        Some(after)
    }

    /// Whether fewer than two values decide, so that the output is the input.
    pub fn unchanged(&self) -> bool {
        matches!(self.plan, Plan::Copy)
    }

    /// The real values of the voxels that count.
    pub fn values(&self) -> &Distribution {
        &self.counted.values
    }

    /// In how many bins true floats were counted; none where each value was counted.
    pub fn bins(&self) -> Option<usize> {
        self.counted.edges.as_ref().map(|edges| edges.bins())
    }

    /// Whether padding counts like all else.
    pub fn counts_padding(&self) -> bool {
        self.with_padding
    }

    /// How many voxels do not decide because of their value.
    pub fn outside(&self) -> u64 {
        self.counted.outside + self.counted.total() - self.counted()
    }

    /// How many voxels decide.
    pub fn counted(&self) -> u64 {
        self.composed.after().total()
    }

    /// What was decided.
    pub fn composed(&self) -> &Composed {
        &self.composed
    }

    /// How many voxels that count are in each class, from the lowest; empty unless the last step is a threshold.
    pub fn classes(&self) -> &[u64] {
        &self.classes
    }

    /// How far results may lie from the chain in f64, where they are computed in f32 (floats to floats).
    pub fn bound(&self) -> Option<f64> {
        match self.plan {
            Plan::Curve(_, bound) => Some(bound),
            _ => None,
        }
    }

    /// The result for a stored value in a slice, counted through all volumes, of a voxel that a mask, if there is one, selects.
    pub fn result(&self, slice: u64, stored: f64) -> f64 {
        match &self.plan {
            Plan::Tables(tables) => {
                let at = slice * self.input().grid.shape.slice_voxels();
                tables[self.input.groups().run(at, at + 1).1].get(stored as i32)
            }
            Plan::Levels(_) if stored.is_nan() => 0.0,
            Plan::Levels(BinTable { edges, table, .. }) => {
                let run = edges.values().partition_point(|e| f64::from(*e) <= stored).max(1) - 1;
                let bits = table.entries()[run.min(edges.bins() - 1)];
                if table.to() == Dtype::I16 { f64::from(bits as u16 as i16) } else { f64::from(bits) }
            }
            Plan::Curve(curve, _) => f64::from(curve.get(stored as f32)),
            Plan::Copy => stored,
        }
    }

    /// What stands before a sink: of classes, a mask.
    pub(super) fn before_sink<'a>(&'a self, sink: &'a dyn Sink) -> Tap<'a> {
        let voxel_bytes = self.header.meaning.dtype.bytes();
        Tap { inner: sink, voxel_bytes, mask: self.mask.as_ref().map(Mask::source), background: 0, look: None }
    }

    /// The table that is all of it for voxels of type `dtype`, if there is one.
    pub(super) fn table_of(&self, dtype: Dtype) -> Option<&Table> {
        match &self.plan {
            Plan::Tables(tables) if self.input().meaning.dtype == dtype => tables.first().filter(|_| tables.len() == 1),
            _ => None,
        }
    }

    /// Writes the result.
    ///
    /// # Errors
    /// What reading and writing give; [`crate::Error::Interrupted`].
    pub fn write(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let sink = &self.before_sink(sink);
        match &self.plan {
            Plan::Tables(tables) => map(&self.input, tables, sink, run),
            Plan::Levels(bins) => map_bins(&self.input, bins, sink, run),
            Plan::Curve(curve, _) => map_curve(&self.input, curve, sink, run),
            Plan::Copy => copy(&self.input, sink, run),
        }
    }
}

/// How many voxels that count are in each class, from the lowest; none unless the last step is a threshold.
fn classes(input: &Input<'_>, counted: &Counted, composed: &Composed, run: &Run<'_>) -> Result<Vec<u64>> {
    let Some(thresholds) = composed.thresholds() else { return Ok(Vec::new()) };
    let mut classes = vec![0; thresholds.len() + 1];
    match &counted.edges {
        None => composed.after().entries().iter().for_each(|e| classes[e.value as usize] += e.count),
        Some(edges) => {
            // A threshold may lie within a bin, so the runs of one class are counted by themselves.
            let values = edges.values();
            let (runs, results) = leveled(composed, counted.groups[0].rescale, (values[0], values[values.len() - 1]))?;
            let counts = count_between(&input.clone().observed(None), &Arc::new(runs), &run.quiet())?;
            let first = composed.first_class();
            results.iter().zip(&counts.bins).for_each(|(class, n)| classes[*class as usize - first] += n);
        }
    }
    Ok(classes)
}

/// The header of the results.
fn described(input: &Header, composed: &Composed) -> Header {
    let mut header = input.derived(composed.to());
    header.meaning.labels = composed.scale() == Scale::Classes;
    if composed.keeps_unit() {
        header.meaning.unit = input.meaning.unit;
    }
    if header.meaning.labels {
        header.display.inverted = false;
    }
    header.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
    header
}

/// The same over the values that were counted, and 0 below and above them: infinite ones are there, too.
fn surrounded(composed: &Composed, rescale: Rescale, counted: &Edges) -> Result<(Edges, Vec<f64>)> {
    let (low, high) = (counted.values()[0], counted.values()[counted.bins()]);
    let Levels { mut edges, mut results } = levels(composed, rescale, low, high);
    if low > f32::MIN {
        edges.insert(0, f32::MIN);
        results.insert(0, 0.0);
    }
    // The end of the last run belongs to it, unless another run follows.
    let end = edges.len() - 1;
    if high.next_up() < f32::MAX {
        edges[end] = high.next_up();
        edges.push(f32::MAX);
        results.push(0.0);
    }
    Ok((Edges::new(edges)?, results))
}

/// Runs of f32 values that share a result, and their results.
fn leveled(composed: &Composed, rescale: Rescale, (min, max): (f32, f32)) -> Result<(Edges, Vec<f64>)> {
    let Levels { edges, results } = levels(composed, rescale, min, max);
    Ok((Edges::new(edges)?, results))
}
