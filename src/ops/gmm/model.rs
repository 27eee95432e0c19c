//! What the kernel is told, and what it tells.

use super::MOST_CHANNELS;
use crate::analysis::mixture::{Cholesky, Component, Gaussian, LN_2PI, MOST_CLASSES, Moments};
use crate::{Error, Result};

/// How the stored values of a channel become the numbers x of the model: `x = (stored - centre) · scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    /// In stored values.
    pub centre: f32,
    /// A power of two.
    pub scale: f32,
}

impl Channel {
    /// For stored values of about this mean and standard deviation: x is about 0 and about 1. Whole where `whole` says that the stored
    /// values are, so that x is exact.
    pub fn new(mean: f64, std: f64, whole: bool) -> Self {
        let centre = if whole { mean.round() } else { mean } as f32;
        let exponent = if std > 0.0 && std.is_finite() { -libm::log2(std).round().clamp(-60.0, 60.0) } else { 0.0 };
        Self { centre, scale: libm::exp2(exponent) as f32 }
    }

    /// The stored value at x, as `(at 0, per unit of x)`.
    pub fn line(&self) -> (f64, f64) {
        (f64::from(self.centre), 1.0 / f64::from(self.scale))
    }
}

/// A mixture in f32, as kernels take it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    channels: usize,
    classes: usize,
    /// As `model` in the shader.
    numbers: Vec<f32>,
}

impl Model {
    /// A mixture of classes given in the numbers x of the channels.
    ///
    /// # Errors
    /// [`Error::Usage`] if there are no or too many channels or classes, one has another number of channels, or a covariance is not positive
    /// definite.
    pub fn new(channels: &[Channel], classes: &[Gaussian]) -> Result<Self> {
        let mut model = Self::empty(channels, classes.len())?;
        let d = channels.len();
        for class in classes {
            if class.mean.len() != d || class.covariance.len() != d * (d + 1) / 2 {
                return Err(Error::usage(format!("a class of {} channels among {d}", class.mean.len()), "give one mean each"));
            }
            let cholesky = Cholesky::new(&class.covariance, d)?;
            let offset = libm::log(class.weight) - 0.5 * cholesky.log_determinant - 0.5 * d as f64 * LN_2PI;
            model.push(offset, &class.mean, &cholesky.inverse);
        }
        Ok(model)
    }

    /// A mixture that looks at the first channel only; sums are of all channels, about 0 in the others.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn of_first(channels: &[Channel], classes: &[Component]) -> Result<Self> {
        let mut model = Self::empty(channels, classes.len())?;
        let d = channels.len();
        for class in classes {
            let (mut mean, mut rows) = (vec![0.0; d], vec![0.0; d * (d + 1) / 2]);
            (mean[0], rows[0]) = (class.mean, 1.0 / class.std());
            model.push(class.log_density(class.mean), &mean, &rows);
        }
        Ok(model)
    }

    fn empty(channels: &[Channel], classes: usize) -> Result<Self> {
        let d = channels.len();
        if !(1..=MOST_CHANNELS).contains(&d) {
            return Err(Error::usage(format!("{d} channels"), format!("give 1 to {MOST_CHANNELS}")));
        }
        if !(1..=MOST_CLASSES).contains(&classes) {
            return Err(Error::usage(format!("{classes} classes"), format!("ask for 1 to {MOST_CLASSES}")));
        }
        let numbers = channels.iter().flat_map(|c| [c.centre, c.scale]).collect();
        Ok(Self { channels: d, classes, numbers })
    }

    fn push(&mut self, offset: f64, mean: &[f64], rows: &[f64]) {
        self.numbers.push(offset as f32);
        self.numbers.extend(mean.iter().chain(rows).map(|v| *v as f32));
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// As the kernels read it.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    pub(super) fn channel(&self, c: usize) -> Channel {
        Channel { centre: self.numbers[2 * c], scale: self.numbers[2 * c + 1] }
    }

    /// Offset, mean and rows of a class.
    pub(super) fn class(&self, j: usize) -> (f32, &[f32], &[f32]) {
        let own = &self.numbers[2 * self.channels + j * self.sums_each()..][..self.sums_each()];
        (own[0], &own[1..=self.channels], &own[1 + self.channels..])
    }

    /// Sums for each class, which is also the numbers for each.
    pub(super) fn sums_each(&self) -> usize {
        1 + self.channels + self.channels * (self.channels + 1) / 2
    }
}

/// What an E-step adds up over voxels, in the numbers x of the channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// For the M-step, about the means of the model used.
    pub classes: Vec<Moments>,
    /// Sum of the log-likelihood.
    pub log_likelihood: f64,
    /// Voxels that took part.
    pub count: u64,
    /// Voxels inside the mask that are NaN or infinite in some channel.
    pub not_finite: u64,
}

impl Sums {
    /// Of no voxels.
    pub fn none(channels: usize, classes: usize) -> Self {
        Self { classes: vec![Moments::none(channels); classes], log_likelihood: 0.0, count: 0, not_finite: 0 }
    }

    /// Adds the sums of other voxels under the same model.
    pub fn merge(&mut self, other: &Self) {
        for (a, b) in self.classes.iter_mut().zip(&other.classes) {
            a.voxels += b.voxels;
            a.first.iter_mut().zip(&b.first).for_each(|(a, b)| *a += b);
            a.second.iter_mut().zip(&b.second).for_each(|(a, b)| *a += b);
        }
        self.log_likelihood += other.log_likelihood;
        self.count += other.count;
        self.not_finite += other.not_finite;
    }
}
