//! The exact way: one histogram, one table for labels and one for each class's posterior.

use super::Segment;
use crate::Result;
use crate::analysis::mixture::{self, ClassSpan, Classifier, Mixture, Trials};
use crate::pipelines::{Bins, Counted, Input, Region, Run};
use crate::volume::{Dtype, Padding, Rescale, Table};

/// What the histogram decides.
pub(super) struct Exact {
    pub mixture: Mixture,
    pub trials: Trials,
    pub classifier: Classifier,
    /// Where classes lie among the values that occur.
    pub spans: Vec<ClassSpan>,
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
    pub fn new(input: &Input<'_>, job: &Segment, run: &Run<'_>) -> Result<Self> {
        let header = input.header();
        let (values, step) = counted(input, &job.region, run)?;
        let (mixture, trials) = mixture::search(&values, step, &job.settings(super::Method::Exact))?;
        let classifier = if job.monotone { Classifier::monotone(&mixture) } else { Classifier::new(&mixture) };
        let spans = mixture::spans(&classifier, values.iter().map(|v| v.0));
        let (padding, range) = (header.meaning.padding, job.region.range);
        let rescales = input.groups().rescales.clone();
        Ok(Self { mixture, trials, classifier, spans, values, step, rescales, padding, range, dtype: header.meaning.dtype })
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

/// The real values that take part with their counts, ascending, and their step: of several rescales the finest, for the floor must not blur what the
/// file can tell apart.
pub(super) fn counted(input: &Input<'_>, region: &Region, run: &Run<'_>) -> Result<(Vec<(f64, u64)>, f64)> {
    let counted = Counted::of(input, &Region { with_padding: false, ..*region }, Bins::Following, run)?;
    Ok((counted.values.entries().iter().map(|e| (e.value, e.count)).collect(), counted.step()))
}
