//! Tests of two means: Welch's, Student's, and that of pairs.

use super::effect::hedges_correction;
use super::student::{student_p, student_quantile};
use super::{GroupSummary, Undefined};

/// Which test of two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TwoSampleTest {
    /// Welch's t: variances may differ.
    #[default]
    Welch,
    /// Student's t: one variance for both groups.
    Student,
    /// Student's t of the differences within pairs.
    Paired,
    /// Mann and Whitney's U of ranks.
    MannWhitney,
}

/// How far the first group lies above the second, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// First minus second.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// The difference in standard errors.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Probability of a |t| at least as large if there were no difference.
    pub p: f64,
    /// The difference in deviations, unbiased (Hedges' g); what the deviation is goes with the test. None with one degree of freedom.
    pub hedges_g: Option<f64>,
}

impl Difference {
    /// From a difference, its error, and the deviation that effects are measured in, with its own degrees of freedom.
    pub(super) fn new(difference: f64, (error, df): (f64, f64), (deviation, freedom): (f64, f64)) -> Result<Self, Undefined> {
        let t = difference / error;
        if !(t.is_finite() && df.is_finite() && error > 0.0) {
            return Err(Undefined::Overflow);
        }
        let hedges_g = hedges_correction(freedom).map(|j| difference / deviation * j).filter(|g| g.is_finite());
        Ok(Self { difference, error, t, df, p: student_p(t, df), hedges_g })
    }

    /// Where the difference lies with this confidence, such as 0.95.
    pub fn interval(&self, confidence: f64) -> [f64; 2] {
        let reach = student_quantile((1.0 - confidence) / 2.0, self.df) * self.error;
        [self.difference - reach, self.difference + reach]
    }
}

/// Two groups with two values each at least, not both constant.
fn both(first: &[f64], second: &[f64]) -> Result<[GroupSummary; 2], Undefined> {
    let few = Undefined::TooFew { first: first.len(), second: second.len() };
    let both = [GroupSummary::of(first).ok_or(few)?, GroupSummary::of(second).ok_or(few)?];
    match both {
        [a, b] if a.n < 2 || b.n < 2 => Err(few),
        [a, b] if a.variance == 0.0 && b.variance == 0.0 => Err(Undefined::Constant),
        both => Ok(both),
    }
}

/// Welch's t with the degrees of freedom of Satterthwaite (1946). g divides by √((s₁² + s₂²)/2), not by the pooled deviation that the test does not believe in, with the
/// degrees of freedom of that deviation (Delacre, Lakens, Ley, Liu & Leys 2021, doi 10.31234/osf.io/tu6mp, Hedges' g*).
///
/// # Errors
/// Fewer than two values in a group; both constant.
pub fn welch(first: &[f64], second: &[f64]) -> Result<Difference, Undefined> {
    let [a, b] = both(first, second)?;
    let [va, vb] = [a.mean_variance(), b.mean_variance()];
    let [fa, fb] = [a.n as f64 - 1.0, b.n as f64 - 1.0];
    // Shares of the larger one: squares of small variances would vanish.
    let satterthwaite = |x: f64, y: f64| {
        let top = x.max(y);
        let (x, y) = (x / top, y / top);
        (x + y) * (x + y) / (x * x / fa + y * y / fb)
    };
    let deviation = ((a.variance + b.variance) / 2.0).sqrt();
    let freedom = satterthwaite(a.variance, b.variance);
    Difference::new(a.mean - b.mean, ((va + vb).sqrt(), satterthwaite(va, vb)), (deviation, freedom))
}

/// Student's t with the pooled variance, which g divides by as well.
///
/// # Errors
/// As [`welch`].
pub fn student(first: &[f64], second: &[f64]) -> Result<Difference, Undefined> {
    let [a, b] = both(first, second)?;
    let [na, nb] = [a.n as f64, b.n as f64];
    let df = na + nb - 2.0;
    let pooled = ((na - 1.0) * a.variance + (nb - 1.0) * b.variance) / df;
    Difference::new(a.mean - b.mean, ((pooled * (1.0 / na + 1.0 / nb)).sqrt(), df), (pooled.sqrt(), df))
}

/// Student's t of the differences within pairs: value i of both belongs together. g divides by the deviation of the differences (d_z of Lakens 2013, doi 10.3389/fpsyg.2013.00863).
///
/// # Errors
/// Fewer than two pairs; differences that are all the same.
pub fn paired(first: &[f64], second: &[f64]) -> Result<Difference, Undefined> {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let few = Undefined::TooFewPairs { pairs: differences.len() };
    let of = GroupSummary::of(&differences).filter(|of| of.n > 1).ok_or(few)?;
    if of.variance == 0.0 {
        return Err(Undefined::ConstantDifferences);
    }
    let df = of.n as f64 - 1.0;
    Difference::new(of.mean, (of.mean_variance().sqrt(), df), (of.std(), df))
}
