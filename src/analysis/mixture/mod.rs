//! Gaussian mixtures: tissue classes from intensities.
//!
//! A mixture of k normal distributions is fitted by maximum likelihood with EM (Dempster, Laird and Rubin 1977). For one channel
//! EM runs over (value, count) pairs, which *is* EM over the voxels: the same numbers, thousands of times cheaper. All is f64 in a
//! coordinate centred on the data, with compensated sums in ascending order of values and `libm`'s `exp` and `ln`, so that every host
//! gets the same bits.
//!
//! - **Likelihood**: the mean over voxels of ln Σ weight · density, as scikit-learn's `GaussianMixture.score`.
//! - **Convergence**: the change of that mean from one iteration to the next is at most the tolerance.
//! - **Variance floor**: (stored step)² / 12, the variance of what rounding to the stored grid hides. Without one a class that sits on a
//!   single value has unbounded likelihood.
//! - **Order**: classes ascend by mean and are numbered from 1; on equal posteriors the lower class wins.
//! - **Criteria**: BIC and AIC count k - 1 weights and, for d channels, k (d + d (d + 1) / 2) means and covariances.
//! - **Agrees with**: scikit-learn's `GaussianMixture` run to convergence, on the voxels one by one (tests/oracles).

mod classes;
mod em;
mod joint;
mod start;
#[cfg(test)]
mod tests;

pub use classes::{ClassSpan, Classifier, spans};
pub use em::fit;
pub use joint::{Cholesky, Gaussian, Joint, Moments, ordered};

use crate::{Error, Hint, Result};

/// The most classes of a mixture.
pub const MOST_CLASSES: usize = 8;

/// How to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct FitSettings {
    /// Number of classes, 1 to [`MOST_CLASSES`].
    pub classes: usize,
    /// Where EM starts.
    pub start: Start,
    /// Most iterations.
    pub max_iterations: u32,
    /// The change of the mean log-likelihood at which EM has converged.
    pub tolerance: f64,
}

impl FitSettings {
    /// So many classes, from the optimal partition, to convergence.
    pub fn classes(classes: usize) -> Self {
        Self { classes, start: Start::Otsu, max_iterations: 10_000, tolerance: 1e-12 }
    }

    /// # Errors
    /// [`Error::Usage`] if a number is out of its range.
    pub fn check(&self) -> Result<()> {
        if !(1..=MOST_CLASSES).contains(&self.classes) {
            return Err(Error::usage(format!("{} classes", self.classes), format!("ask for 1 to {MOST_CLASSES}")));
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(Error::usage(format!("a tolerance of {}", self.tolerance), "give 0 or more"));
        }
        if self.max_iterations == 0 {
            return Err(Error::usage("no iterations", "allow at least one"));
        }
        let Start::Means(means) = &self.start else { return Ok(()) };
        if means.len() != self.classes {
            return Err(Error::usage(
                format!("{} means for {} classes", means.len(), self.classes),
                "give one mean for each class",
            ));
        }
        if !means.iter().all(|m| m.is_finite()) || !means.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(Error::usage(
                format!("the means {means:?} do not ascend"),
                "give finite means from low to high, no two equal",
            ));
        }
        Ok(())
    }
}

/// Where EM starts. All are deterministic. Each but the last cuts the distinct values into runs, one for each class.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// Runs of as nearly equal numbers of voxels as whole values allow.
    Quantile,
    /// The runs of least variance within: multi-Otsu's partition, which is the optimum of k-means.
    Otsu,
    /// Lloyd's k-means from [`Start::Quantile`].
    KMeans,
    /// These means, equal weights, and the variance around the nearest of them.
    Means(Vec<f64>),
}

/// One class of a mixture of one channel, in real units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// Share of the voxels; all weights sum to 1.
    pub weight: f64,
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
}

impl Component {
    /// Square root of the variance.
    pub fn std(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Weighted density per real unit.
    pub fn density(&self, real: f64) -> f64 {
        libm::exp(self.log_density(real))
    }

    /// ln of the weighted density.
    pub fn log_density(&self, real: f64) -> f64 {
        let distance = real - self.mean;
        libm::log(self.weight) - 0.5 * (libm::log(self.variance) + LN_2PI) - distance * distance / (2.0 * self.variance)
    }
}

/// ln 2π.
pub(crate) const LN_2PI: f64 = 1.837_877_066_409_345_6;

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Mean over the voxels of the log-likelihood, at the parameters given.
    pub log_likelihood: f64,
    /// Iterations of EM.
    pub iterations: u32,
    /// Whether the change fell to the tolerance before the iterations ran out.
    pub converged: bool,
    /// Voxels that took part.
    pub count: u64,
    /// Free parameters of the model.
    pub parameters: u32,
}

impl Fit {
    /// Bayesian information criterion; smaller is better.
    pub fn bic(&self) -> f64 {
        self.deviance() + f64::from(self.parameters) * libm::log(self.count as f64)
    }

    /// Akaike information criterion; smaller is better.
    pub fn aic(&self) -> f64 {
        self.deviance() + 2.0 * f64::from(self.parameters)
    }

    fn deviance(&self) -> f64 {
        -2.0 * self.log_likelihood * self.count as f64
    }
}

/// A fitted mixture of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// The classes, ascending by mean.
    pub components: Vec<Component>,
    /// How the fit went.
    pub fit: Fit,
}

/// A sum that keeps what rounding drops (Neumaier 1974).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    pub fn add(&mut self, term: f64) {
        let next = self.sum + term;
        self.lost += if self.sum.abs() >= term.abs() { (self.sum - next) + term } else { (term - next) + self.sum };
        self.sum = next;
    }

    pub fn value(self) -> f64 {
        self.sum + self.lost
    }

    pub fn of(terms: impl IntoIterator<Item = f64>) -> f64 {
        let mut sum = Self::default();
        terms.into_iter().for_each(|t| sum.add(t));
        sum.value()
    }
}

pub(crate) fn empty_class(label: usize, classes: usize, iteration: u32) -> Error {
    Error::usage(format!("class {label} of {classes} lost all its voxels in iteration {iteration}"), Hint::StartElsewhere)
}
