//! What one group of numbers looks like.

use crate::analysis::exact_sum::ExactSum;

/// n, mean, deviation and quartiles of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupSummary {
    /// How many values.
    pub n: usize,
    /// Mean, of the exact sum.
    pub mean: f64,
    /// Variance over n - 1; 0 of one value.
    pub variance: f64,
    /// Least value.
    pub min: f64,
    /// Lower quartile, between two values by straight lines (type 7 of Hyndman & Fan 1996, as numpy).
    pub q1: f64,
    /// Median.
    pub median: f64,
    /// Upper quartile.
    pub q3: f64,
    /// Greatest value.
    pub max: f64,
}

impl GroupSummary {
    /// Of finite values; none if there is none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (mean, variance) = mean_and_variance(values);
        // A mean that is rounded past the ends would give a constant a deviation.
        let (mean, variance) = if min == max { (min, 0.0) } else { (mean, variance) };
        let [q1, median, q3] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
        Some(Self { n: values.len(), mean, variance, min, q1, median, q3, max })
    }

    /// Standard deviation over n - 1.
    pub fn std(&self) -> f64 {
        self.variance.sqrt()
    }

    /// From the lower to the upper quartile.
    pub fn iqr(&self) -> f64 {
        self.q3 - self.q1
    }

    /// The variance of the mean.
    pub(super) fn mean_variance(&self) -> f64 {
        self.variance / self.n as f64
    }
}

/// Mean of the exact sum, and variance over n - 1 in a second pass, corrected for the rounding of the mean (Chan, Golub & LeVeque 1983).
fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let sum = |of: &dyn Fn(f64) -> f64| {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(of(*value)));
        sum.value()
    };
    let mean = sum(&|v| v) / n;
    if values.len() < 2 {
        return (mean, 0.0);
    }
    let off = sum(&|v| v - mean);
    let squares = sum(&|v| ((v - mean) * (v - mean)).min(f64::MAX));
    (mean, ((squares - off * off / n) / (n - 1.0)).max(0.0))
}

/// The value below which a share of the sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let (a, b) = (sorted[low], sorted[(low + 1).min(sorted.len() - 1)]);
    // Exact at both ends, and never past them.
    if part == 0.0 { a } else { (a * (1.0 - part) + b * part).clamp(a, b) }
}
