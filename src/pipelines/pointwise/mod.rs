//! The whole job of every point-wise method: count, decide, write.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::Result;
use crate::analysis::distribution::Distribution;
use crate::analysis::pieces::{Levels, levels, pieces};
use crate::analysis::steps::{Chain, Composed, Scale};
use crate::io::{Sink, Source};
use crate::ops::histogram::Edges;
use crate::ops::pointwise::Curve;
use crate::pipelines::cuts::Groups;
use crate::pipelines::map::map_curve;
use crate::pipelines::narrow::{Census, Resolved};
use crate::pipelines::select::{Mask, Region, Selected, float_bins, narrowest, one_rescale, select};
use crate::pipelines::{Device, Group, Observer, Watch, count, count_floats, gather, map, map_floats};
use crate::volume::{Counts, Dtype, Header, Rescale, Rescales, Table};

/// Which steps, into which type, and which voxels they take their statistics from.
#[derive(Debug, Clone)]
pub struct Pointwise {
    /// The steps.
    pub steps: Chain,
    /// u8, u16, i16 or f32; by default as [`Chain::compose`] says.
    pub to: Option<Dtype>,
    /// Which values count in decisions; all voxels are mapped. Padding that does not count becomes [`Composed::padded`].
    pub region: Region,
}

/// A chain of steps decided on, ready to be written.
pub struct Mapping {
    source: Box<dyn Source>,
    header: Header,
    groups: Groups,
    selected: Selected,
    /// The real values that count.
    values: Distribution,
    /// Bins of true floats.
    bins: Option<usize>,
    composed: Composed,
    plan: Plan,
    classes: Vec<u64>,
}

enum Plan {
    /// One table for each rescale.
    Tables(Vec<Table>),
    /// Runs of f32 values, by an integer each.
    Levels(Edges, Table),
    /// f32 to f32.
    Curve(Curve, f64),
}

impl Mapping {
    /// Counts the voxels and decides.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if no voxel counts or the steps cannot be decided ([`Chain::compose`]); what reading gives;
    /// [`crate::Error::Interrupted`].
    pub fn new(
        input: Resolved,
        mask: Option<&Mask>,
        job: &Pointwise,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        match input.as_float32() {
            Resolved::Exact(source) => Self::exact(source, mask, job, device, observer, watch),
            Resolved::Floats(source, census) => Self::floats(source, census, mask, job, device, observer, watch),
        }
    }

    fn exact(
        source: Box<dyn Source>,
        mask: Option<&Mask>,
        job: &Pointwise,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let input = source.header();
        let counts = count(source.as_ref(), mask, device, observer, watch)?;
        let selected = select(counts, input.padding, &job.region);
        let groups = Groups::of(input);
        let real: Vec<(Rescale, &Counts)> = selected.groups.iter().map(|g| (g.rescale, &g.counts)).collect();
        let values = Distribution::exact(&real);
        let composed = job.steps.compose(values.clone(), input, job.to)?;
        let padding = input.padding.filter(|_| !job.region.with_padding);
        let tables = groups.rescales.iter().map(|r| composed.table(input.dtype, *r, padding)).collect();
        let mut classes = Vec::new();
        if let Some(thresholds) = composed.thresholds() {
            classes = vec![0; thresholds.len() + 1];
            composed.after().entries().iter().for_each(|e| classes[e.value as usize] += e.count);
        }
        let header = described(input, &composed);
        let plan = Plan::Tables(tables);
        Ok(Self { header, groups, selected, values, bins: None, composed, plan, classes, source })
    }

    fn floats(
        source: Box<dyn Source>,
        census: Census,
        mask: Option<&Mask>,
        job: &Pointwise,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let input = source.header();
        let rescale = one_rescale(input)?;
        let (low, high) = narrowest((census.min, census.max), rescale, job.region.range)?;
        if let Some(see) = observer {
            gather(source.as_ref(), see, watch)?;
        }
        let (low, high) = (low as f32, high as f32);
        // A constant volume has one bin all the same.
        let edges = float_bins(source.as_ref(), mask, low, if low < high { high } else { low.next_up() }, device, watch)?;
        let counts = count_floats(source.as_ref(), mask, &edges, device, watch)?;
        let mut ends = edges.values().to_vec();
        if low == high {
            ends[1] = low;
        }
        let values = Distribution::binned(&ends, &counts, rescale);
        let composed = job.steps.compose(values.clone(), input, job.to)?;

        let (min, max) = (census.min as f32, census.max as f32);
        let plan = if composed.to() == Dtype::F32 {
            let pieces = pieces(&composed, rescale, min, max)?;
            Plan::Curve(Curve::new(&pieces), pieces.bound)
        } else {
            let (edges, table) = leveled(&composed, rescale, min, max)?;
            Plan::Levels(edges, table)
        };
        let mut classes = Vec::new();
        if let Some(thresholds) = composed.thresholds() {
            // A threshold may lie within a bin, so the runs of one class are counted by themselves.
            classes = vec![0; thresholds.len() + 1];
            let runs = leveled_as(&composed, rescale, (low, high))?;
            let counts = count_floats(source.as_ref(), mask, &Arc::new(runs.0), device, watch)?;
            runs.1.iter().zip(&counts.bins).for_each(|(class, n)| classes[*class as usize] += n);
        }
        let outside = counts.below + counts.above;
        let selected = Selected { groups: vec![Group { rescale, counts }], padding: 0, outside };
        let (header, groups) = (described(input, &composed), Groups::of(input));
        let bins = Some(edges.bins());
        Ok(Self { header, groups, selected, values, bins, composed, plan, classes, source })
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read: the input, as the kernels take it.
    pub fn input(&self) -> &Header {
        self.source.header()
    }

    /// The voxels that count; for floats in up to 65,536 bins from the least to the largest that counts, narrow where voxels are many.
    pub fn before(&self) -> &Selected {
        &self.selected
    }

    /// The real values of the voxels that count.
    pub fn values(&self) -> &Distribution {
        &self.values
    }

    /// In how many bins true floats were counted; none where each value was counted.
    pub fn bins(&self) -> Option<usize> {
        self.bins
    }

    /// The voxels that count.
    pub fn counted(&self) -> u64 {
        self.composed.after().total()
    }

    /// What was decided.
    pub fn composed(&self) -> &Composed {
        &self.composed
    }

    /// How many voxels that count are in each class, from class 0; empty unless the last step is a threshold.
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

    /// The result for a stored value in a slice, counted through all volumes.
    pub fn result(&self, slice: u64, stored: f64) -> f64 {
        match &self.plan {
            Plan::Tables(tables) => {
                let at = slice * self.input().shape.slice_voxels();
                tables[self.groups.run(at, at + 1).1].get(stored as i32)
            }
            Plan::Levels(..) if stored.is_nan() => 0.0,
            Plan::Levels(edges, table) => {
                let run = edges.values().partition_point(|e| f64::from(*e) <= stored).max(1) - 1;
                let bits = table.entries()[run.min(edges.bins() - 1)];
                if table.to() == Dtype::I16 { f64::from(bits as u16 as i16) } else { f64::from(bits) }
            }
            Plan::Curve(curve, _) => f64::from(curve.get(stored as f32)),
        }
    }

    /// Writes the result.
    ///
    /// # Errors
    /// What reading and writing give; [`crate::Error::Interrupted`].
    pub fn write(&self, sink: &dyn Sink, device: &Device, watch: &dyn Watch) -> Result<()> {
        let source = self.source.as_ref();
        match &self.plan {
            Plan::Tables(tables) => map(source, tables, sink, device, watch),
            Plan::Levels(edges, table) => map_floats(source, edges, table, 0, sink, device, watch),
            Plan::Curve(curve, _) => map_curve(source, curve, sink, device, watch),
        }
    }
}

/// The header of the results.
fn described(input: &Header, composed: &Composed) -> Header {
    let mut header = input.derived(composed.to());
    header.labels = composed.scale() == Scale::Classes;
    if composed.keeps_unit() {
        header.unit = input.unit;
    }
    if header.labels {
        header.inverted = false;
    }
    header.rescale = Rescales::Uniform(Rescale::IDENTITY);
    header
}

/// Runs of f32 values and the table of their results.
fn leveled(composed: &Composed, rescale: Rescale, min: f32, max: f32) -> Result<(Edges, Table)> {
    let (edges, results) = leveled_as(composed, rescale, (min, max))?;
    let table = Table::from_bins(results.len(), composed.to(), |i| results[i]);
    Ok((edges, table))
}

fn leveled_as(composed: &Composed, rescale: Rescale, (min, max): (f32, f32)) -> Result<(Edges, Vec<f64>)> {
    let Levels { edges, results } = levels(composed, rescale, min, max);
    Ok((Edges::new(edges)?, results))
}
