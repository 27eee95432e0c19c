//! Mixtures of several channels: the M-step from sums over voxels, which the E-step's kernel gives.

use super::em::LEAST_WEIGHT;
use super::{Component, Fit, Mixture, empty_class};
use crate::{Error, Result};

/// One class of a mixture of d channels, in any coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    /// Share of the voxels.
    pub weight: f64,
    /// Mean of each channel.
    pub mean: Vec<f64>,
    /// Lower triangle of the covariance, row by row: d (d + 1) / 2 numbers.
    pub covariance: Vec<f64>,
}

impl From<&Component> for Gaussian {
    fn from(c: &Component) -> Self {
        Self { weight: c.weight, mean: vec![c.mean], covariance: vec![c.variance] }
    }
}

impl Gaussian {
    /// Standard deviation of a channel.
    pub fn std(&self, channel: usize) -> f64 {
        self.covariance[at(channel, channel)].sqrt()
    }

    /// The class in one channel, whatever the others.
    pub fn marginal(&self, channel: usize) -> Component {
        let variance = self.covariance[at(channel, channel)];
        Component { weight: self.weight, mean: self.mean[channel], variance }
    }

    /// The covariance of two channels.
    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        self.covariance[at(a.max(b), a.min(b))]
    }

    /// The same class in the coordinate `centre + scale · x` of each channel.
    #[must_use]
    pub fn scaled(&self, centre: &[f64], scale: &[f64]) -> Self {
        let mean = self.mean.iter().enumerate().map(|(a, m)| centre[a] + scale[a] * m).collect();
        let covariance = pairs(self.mean.len()).zip(&self.covariance).map(|((a, b), c)| scale[a] * scale[b] * c).collect();
        Self { weight: self.weight, mean, covariance }
    }
}

/// A fitted mixture of several channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// The classes, ascending by the mean of the first channel.
    pub components: Vec<Gaussian>,
    /// How the fit went.
    pub fit: Fit,
}

impl From<&Mixture> for Joint {
    fn from(mixture: &Mixture) -> Self {
        Self { components: mixture.components.iter().map(Gaussian::from).collect(), fit: mixture.fit }
    }
}

/// Sorts classes by the mean of the first channel.
pub fn ordered(mut components: Vec<Gaussian>) -> Vec<Gaussian> {
    components.sort_by(|a, b| a.mean[0].total_cmp(&b.mean[0]));
    components
}

/// Place in a packed lower triangle; `a` is not below `b`.
pub(crate) fn at(a: usize, b: usize) -> usize {
    a * (a + 1) / 2 + b
}

/// The index pairs of a packed lower triangle.
pub(crate) fn pairs(channels: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..channels).flat_map(|a| (0..=a).map(move |b| (a, b)))
}

/// Sums over voxels of one class: of its responsibility r, of r (x - m) and of r (x - m)(x - m)ᵀ, where m is the mean that the E-step
/// used. About the old mean, so that nothing cancels once EM nears its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Sum of responsibilities.
    pub voxels: f64,
    /// One for each channel.
    pub first: Vec<f64>,
    /// Lower triangle, row by row.
    pub second: Vec<f64>,
}

impl Moments {
    /// No voxels.
    pub fn none(channels: usize) -> Self {
        Self { voxels: 0.0, first: vec![0.0; channels], second: vec![0.0; channels * (channels + 1) / 2] }
    }

    /// The class of most likelihood among `count` voxels: a pivot of its covariance that falls below `floor` (a variance for each channel) is
    /// raised to it.
    ///
    /// # Errors
    /// [`Error::Usage`] if the class has lost its voxels; `label` of `classes` and `iteration` are for the message.
    pub fn maximise(
        &self,
        old: &Gaussian,
        count: f64,
        floor: &[f64],
        (label, classes, iteration): (usize, usize, u32),
    ) -> Result<Gaussian> {
        let weight = self.voxels / count;
        if weight.is_nan() || weight <= LEAST_WEIGHT {
            return Err(empty_class(label, classes, iteration));
        }
        let shift: Vec<f64> = self.first.iter().map(|s| s / self.voxels).collect();
        let mean = old.mean.iter().zip(&shift).map(|(m, s)| m + s).collect();
        let mut covariance: Vec<f64> =
            pairs(shift.len()).zip(&self.second).map(|((a, b), s)| s / self.voxels - shift[a] * shift[b]).collect();
        Cholesky::floored(&mut covariance, floor);
        Ok(Gaussian { weight, mean, covariance })
    }
}

/// The inverse of the Cholesky factor of a covariance: its rows turn a distance into independent ones of variance 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Cholesky {
    /// Lower triangle of the inverse factor, row by row.
    pub inverse: Vec<f64>,
    /// ln of the determinant of the covariance.
    pub log_determinant: f64,
}

impl Cholesky {
    /// Of a positive definite covariance, as [`Moments::maximise`] gives it.
    ///
    /// # Errors
    /// [`Error::Usage`] if it is not positive definite.
    pub fn new(covariance: &[f64], channels: usize) -> Result<Self> {
        let mut own = covariance.to_vec();
        let factor = Self::factor(&mut own, &vec![0.0; channels]);
        let mut inverse = vec![0.0; covariance.len()];
        let mut log_determinant = 0.0;
        for (a, b) in pairs(channels) {
            let pivot = factor[at(a, a)];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return Err(Error::usage("a class has no extent in some direction", "leave out channels that repeat each other"));
            }
            if a == b {
                inverse[at(a, a)] = 1.0 / pivot;
                log_determinant += 2.0 * libm::log(pivot);
            } else {
                let sum: f64 = (b..a).map(|c| factor[at(a, c)] * inverse[at(c, b)]).sum();
                inverse[at(a, b)] = -sum / pivot;
            }
        }
        Ok(Self { inverse, log_determinant })
    }

    /// Raises pivots below the floor.
    fn floored(covariance: &mut [f64], floor: &[f64]) {
        Self::factor(covariance, floor);
    }

    /// The factor; the diagonal of the covariance grows by as much as pivots had to be raised.
    fn factor(covariance: &mut [f64], floor: &[f64]) -> Vec<f64> {
        let mut factor = vec![0.0; covariance.len()];
        for (a, b) in pairs(floor.len()) {
            let sum: f64 = (0..b).map(|c| factor[at(a, c)] * factor[at(b, c)]).sum();
            let left = covariance[at(a, b)] - sum;
            if a == b {
                let raised = left.max(floor[a]);
                covariance[at(a, a)] += raised - left;
                factor[at(a, a)] = raised.max(0.0).sqrt();
            } else {
                factor[at(a, b)] = left / factor[at(b, b)];
            }
        }
        factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_two_by_two_factor_by_hand() {
        // [[4, 2], [2, 5]] = L Lᵀ with L = [[2, 0], [1, 2]]; L⁻¹ = [[1/2, 0], [-1/4, 1/2]]; determinant 16.
        let c = Cholesky::new(&[4.0, 2.0, 5.0], 2).unwrap();
        assert_eq!(c.inverse, [0.5, -0.25, 0.5]);
        assert!((c.log_determinant - 16f64.ln()).abs() < 1e-15);
        assert!(Cholesky::new(&[4.0, 2.0, 1.0], 2).is_err(), "singular");
    }

    #[test]
    fn three_channels_times_their_inverse_are_one() {
        let covariance = [4.0, 1.0, 9.0, -2.0, 3.0, 16.0];
        let c = Cholesky::new(&covariance, 3).unwrap();
        let full = |a: usize, b: usize| covariance[at(a.max(b), a.min(b))];
        for a in 0..3 {
            for b in 0..3 {
                // W C Wᵀ = 1 with W lower triangular.
                let w = |i: usize, j: usize| if j <= i { c.inverse[at(i, j)] } else { 0.0 };
                let product: f64 =
                    (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).map(|(i, j)| w(a, i) * full(i, j) * w(b, j)).sum();
                assert!((product - f64::from(u8::from(a == b))).abs() < 1e-14, "{a} {b}: {product}");
            }
        }
    }

    #[test]
    fn a_repeated_channel_gets_the_floor_and_stays_positive() {
        let old = Gaussian { weight: 1.0, mean: vec![0.0; 2], covariance: vec![1.0, 0.0, 1.0] };
        let m = Moments { voxels: 10.0, first: vec![5.0, 5.0], second: vec![12.5, 12.5, 12.5] };
        let g = m.maximise(&old, 10.0, &[0.01, 0.01], (1, 1, 1)).unwrap();
        assert_eq!((g.mean[0], g.covariance(0, 0), g.covariance(1, 0)), (0.5, 1.0, 1.0));
        assert!((g.covariance(1, 1) - 1.01).abs() < 1e-12);
        Cholesky::new(&g.covariance, 2).unwrap();
        let gone = Moments::none(2).maximise(&old, 10.0, &[0.0; 2], (2, 3, 7)).unwrap_err();
        assert!(gone.to_string().contains("class 2 of 3"), "{gone}");
    }
}
