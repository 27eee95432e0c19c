//! The exact way: one histogram, one table for labels and one for each class's posterior.

use super::Segment;
use crate::Result;
use crate::analysis::mixture::{self, Classifier, Mixture, Run};
use crate::analysis::statistics;
use crate::io::Source;
use crate::pipelines::{Device, Mask, Observer, Region, Watch, count, select};
use crate::volume::{Dtype, Padding, Rescale, Table};

/// What the histogram decides.
pub(super) struct Exact {
    pub mixture: Mixture,
    pub classifier: Classifier,
    /// Runs of classes over the values that occur.
    pub runs: Vec<Run>,
    /// The values that take part, ascending.
    pub values: Vec<(f64, u64)>,
    /// Distance of neighbouring stored values in real units.
    pub step: f64,
    rescales: Vec<Rescale>,
    padding: Option<Padding>,
    range: Option<(f64, f64)>,
    dtype: Dtype,
}

impl Exact {
    pub fn new(
        source: &dyn Source,
        mask: Option<&Mask>,
        job: &Segment,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let header = source.header();
        let (values, step) = counted(source, mask, &job.region, device, observer, watch)?;
        let mixture = mixture::fit(&values, step, &job.settings(super::Method::Exact))?;
        let classifier = if job.monotone { Classifier::monotone(&mixture) } else { Classifier::new(&mixture) };
        let runs = mixture::runs(&classifier, values.iter().map(|v| v.0));
        let (padding, range) = (header.padding, job.region.range);
        let rescales = header.rescale.distinct().0;
        Ok(Self { mixture, classifier, runs, values, step, rescales, padding, range, dtype: header.dtype })
    }

    /// The class of a stored value, 0 for padding and what the range leaves out.
    pub fn labels(&self) -> Vec<Table> {
        self.tables(Dtype::U8, |real| f64::from(self.classifier.label(real)))
    }

    /// The posterior of one class, from 0.
    pub fn posteriors(&self, class: usize) -> Vec<Table> {
        self.tables(Dtype::F32, |real| self.classifier.posteriors(real)[class])
    }

    fn tables(&self, to: Dtype, result: impl Fn(f64) -> f64) -> Vec<Table> {
        let table = |rescale: Rescale| {
            Table::from_fn(self.dtype, to, |stored| {
                let real = rescale.real(f64::from(stored));
                let padded = self.padding.is_some_and(|p| (p.low..=p.high).contains(&f64::from(stored)));
                let outside = self.range.is_some_and(|(low, high)| !(low..=high).contains(&real));
                if padded || outside { 0.0 } else { result(real) }
            })
        };
        self.rescales.iter().map(|r| table(*r)).collect()
    }
}

/// The real values that take part with their counts, ascending, and their step.
pub(super) fn counted(
    source: &dyn Source,
    mask: Option<&Mask>,
    region: &Region,
    device: &Device,
    observer: Option<Observer<'_>>,
    watch: &dyn Watch,
) -> Result<(Vec<(f64, u64)>, f64)> {
    let counts = count(source, mask, device, observer, watch)?;
    let selected = select(counts, source.header().padding, &Region { with_padding: false, ..*region });
    let groups: Vec<(Rescale, _)> = selected.groups.iter().map(|g| (g.rescale, &g.counts)).collect();
    // Of several rescales the finest: the floor must not blur what the file can tell apart.
    let step = groups.iter().map(|(r, _)| r.slope.abs()).fold(f64::INFINITY, f64::min);
    Ok((statistics::distribution(&groups), step))
}
