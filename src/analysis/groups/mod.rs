//! Whether two groups of numbers differ, and by how much: tests of two samples, least squares with covariates, sizes of effects, p for several questions at once.
//! Columns of f64 in, numbers out; no table, no names. All values given must be finite.
//!
//! - [`GroupSummary`]: n, mean, deviation, quartiles of one group.
//! - [`TwoSampleTest`]: Welch's t (the default: Delacre, Lakens & Leys 2017, doi 10.5334/irsp.82), Student's t, paired t, Mann-Whitney's U.
//! - [`LeastSquares`]: a linear model by Householder's QR, with each coefficient's t, and columns that depend on others named.
//! - [`student_p`], [`student_quantile`]: Student's distribution, p from the upper tail, so that 1e-300 is as exact as 0.05.
//! - [`holm`], [`benjamini_hochberg`]: p adjusted for several questions.
//!
//! What is not defined is `Err` of an [`Undefined`], never a NaN.

mod adjusted;
mod effect;
mod least_squares;
mod ranks;
mod student;
mod summary;
#[cfg(test)]
mod tests;
mod two_samples;
mod undefined;

pub use adjusted::{benjamini_hochberg, holm};
pub use effect::hedges_correction;
pub use least_squares::{Coefficient, Dependent, LeastSquares};
pub use ranks::{MannWhitney, mann_whitney};
pub use student::{student_p, student_quantile};
pub use summary::GroupSummary;
pub use two_samples::{Difference, TwoSampleTest, paired, student, welch};
pub use undefined::Undefined;
