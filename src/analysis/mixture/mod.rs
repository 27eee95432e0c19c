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
//! - **Start**: a likelihood has several maxima, and which one EM comes to depends on where it starts. By default it starts from each of
//!   [`STARTS`], all of them deterministic, and the highest maximum found counts; that it is the highest of all nobody can promise. Maxima that lie
//!   within [`TIE`] of it are taken for the same, and the first start in the list that leads there wins. Each start has up to [`ROUNDS`] iterations, and EM goes on to its end from the winner. A start that ends in a collapsed class is left out
//!   unless all do: one that sits on a single value, or on two neighbours (a variance of at most four times the floor), with fewer than half as many
//!   voxels as an even share. There the likelihood is high because of the floor, not because of a tissue; a background of one value is more than that
//!   and stays. Tables of more than [`COARSE`] values choose among the starts with neighbours taken together, and EM goes on over all values from the
//!   best.
//! - **Order**: classes ascend by mean and are numbered from 1; on equal posteriors the lower class wins.
//! - **Criteria**: BIC and AIC count k - 1 weights and, for d channels, k (d + d (d + 1) / 2) means and covariances.
//! - **Agrees with**: scikit-learn's `GaussianMixture` run to convergence, on the voxels one by one (tests/oracles).

mod classes;
mod em;
mod joint;
mod search;
mod split;
mod start;
#[cfg(test)]
mod tests;

pub use classes::{ClassSpan, Classifier, spans};
pub use joint::{Cholesky, Gaussian, Joint, Moments, ordered};
pub use search::{COARSE, ROUNDS, TIE, Trial, Trials, fit, search};

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
    /// So many classes, the best of all starts, to convergence.
    pub fn classes(classes: usize) -> Self {
        Self { classes, start: Start::Best, max_iterations: 10_000, tolerance: 1e-12 }
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

/// Where EM starts. All are deterministic; most cut the distinct values into runs, one for each class.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// From each of [`STARTS`]; the highest likelihood counts.
    Best,
    /// The runs of least variance within: multi-Otsu's partition, which is the optimum of k-means.
    Otsu,
    /// Runs of as nearly equal numbers of voxels as whole values allow.
    Quantile,
    /// Lloyd's k-means from [`Start::Quantile`].
    KMeans,
    /// Runs as wide as each other, over the whole range.
    Even,
    /// Between quantile and even: runs of equal sums of the square roots of the counts.
    Roots,
    /// Half as many voxels in each run as in the one below.
    Falling,
    /// Twice as many.
    Rising,
    /// A class of all voxels, and [`Start::Otsu`] of one class fewer.
    Broad,
    /// From one class on, the class whose split in two raises the likelihood most is split, until there are enough.
    Split,
    /// These means, equal weights, and the variance around the nearest of them.
    Means(Vec<f64>),
}

/// The starts that [`Start::Best`] tries, in the order in which they win ties.
pub const STARTS: [Start; 9] = [
    Start::Otsu,
    Start::Quantile,
    Start::KMeans,
    Start::Even,
    Start::Roots,
    Start::Falling,
    Start::Rising,
    Start::Broad,
    Start::Split,
];

impl Start {
    /// A word for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Otsu => "otsu",
            Self::Quantile => "quantile",
            Self::KMeans => "kmeans",
            Self::Even => "even",
            Self::Roots => "roots",
            Self::Falling => "falling",
            Self::Rising => "rising",
            Self::Broad => "broad",
            Self::Split => "split",
            Self::Means(_) => "means",
        }
    }
}

/// The name; with the means, where these were given.
impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        let Self::Means(means) = self else { return Ok(()) };
        means.iter().enumerate().try_for_each(|(i, mean)| write!(f, "{}{mean}", if i == 0 { '=' } else { ',' }))
    }
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
