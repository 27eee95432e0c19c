//! EM over a histogram.

use super::{Compensated, Component, Fit, FitSettings, LN_2PI, MOST_CLASSES, Mixture, empty_class};
use crate::{Error, Result};

/// A class with less than this share of the voxels (less than one voxel, of any volume that fits a disk) is gone.
pub(super) const LEAST_WEIGHT: f64 = 1e-13;

/// Voxels in the coordinate in which EM runs.
pub(super) struct Problem {
    pub frame: Frame,
    /// (value, count), ascending.
    pub data: Vec<(f64, f64)>,
    /// The least variance of a class.
    pub floor: f64,
}

impl Problem {
    /// Of voxels given as (real value, count), ascending, each value once and finite.
    pub fn new(values: &[(f64, u64)], step: f64) -> Result<Self> {
        let frame = Frame::new(values)?;
        let floor = (step / frame.scale).powi(2) / 12.0;
        let data = values.iter().map(|(v, n)| (frame.inner(*v), *n as f64)).collect();
        Ok(Self { frame, data, floor })
    }

    /// The same voxels with neighbouring values taken together, so that at most `most` are left.
    #[must_use]
    pub fn coarse(&self, most: usize) -> Self {
        let together = |run: &[(f64, f64)]| {
            let n: f64 = run.iter().map(|d| d.1).sum();
            (run.iter().map(|(v, m)| v * m).sum::<f64>() / n, n)
        };
        let data = self.data.chunks(self.data.len().div_ceil(most)).map(together).collect();
        Self { data, ..*self }
    }

    /// EM from these components until it stands still; what it came to, in the inner coordinate and in no order.
    ///
    /// # Errors
    /// [`Error::Usage`] if a class loses all voxels.
    pub fn climb(&self, mut components: Vec<Component>, settings: &FitSettings) -> Result<Summit> {
        let k = components.len();
        let (mut previous, mut iterations, mut converged) = (f64::NEG_INFINITY, 0, false);
        while iterations < settings.max_iterations && !converged {
            let step = expect(&self.data, &components);
            iterations += 1;
            components = maximise(&components, &step, self.floor).map_err(|label| empty_class(label, k, iterations))?;
            converged = (step.log_likelihood - previous).abs() <= settings.tolerance;
            previous = step.log_likelihood;
        }
        let log_likelihood = expect(&self.data, &components).log_likelihood - libm::log(self.frame.scale);
        let fit = Fit { log_likelihood, iterations, converged, count: self.frame.count, parameters: 3 * k as u32 - 1 };
        Ok(Summit { components, fit })
    }

    /// The same from where EM stopped before; iterations add up.
    ///
    /// # Errors
    /// As [`Problem::climb`].
    pub fn on(&self, from: Summit, settings: &FitSettings) -> Result<Summit> {
        let before = from.fit.iterations.min(settings.max_iterations - 1);
        let left = FitSettings { max_iterations: settings.max_iterations - before, ..settings.clone() };
        let summit = self.climb(from.components, &left)?;
        Ok(Summit { fit: Fit { iterations: summit.fit.iterations + before, ..summit.fit }, ..summit })
    }

    /// In real units, in order.
    pub fn mixture(&self, summit: Summit) -> Mixture {
        let Frame { scale, .. } = self.frame;
        let real = |c: Component| Component { mean: self.frame.outer(c.mean), variance: c.variance * scale * scale, ..c };
        let mut components = summit.components;
        components.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        Mixture { components: components.into_iter().map(real).collect(), fit: summit.fit }
    }
}

/// Where EM stopped.
pub(super) struct Summit {
    pub components: Vec<Component>,
    pub fit: Fit,
}

/// The coordinate in which EM runs: mean 0, standard deviation 1.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    centre: f64,
    scale: f64,
    count: u64,
}

impl Frame {
    fn new(values: &[(f64, u64)]) -> Result<Self> {
        let count: u64 = values.iter().map(|v| v.1).sum();
        if count == 0 {
            return Err(Error::no_voxel());
        }
        let centre = Compensated::of(values.iter().map(|(v, n)| v * *n as f64)) / count as f64;
        let variance = Compensated::of(values.iter().map(|(v, n)| (v - centre) * (v - centre) * *n as f64)) / count as f64;
        let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        Ok(Self { centre, scale, count })
    }

    pub fn inner(&self, real: f64) -> f64 {
        (real - self.centre) / self.scale
    }

    fn outer(&self, inner: f64) -> f64 {
        inner * self.scale + self.centre
    }
}

/// What the M-step needs of the E-step. Moments are about the old means: their differences vanish as EM converges, so that
/// no digits are lost to cancellation.
pub(super) struct Expected {
    pub log_likelihood: f64,
    count: f64,
    voxels: [f64; MOST_CLASSES],
    first: [f64; MOST_CLASSES],
    second: [f64; MOST_CLASSES],
}

pub(super) fn expect(data: &[(f64, f64)], components: &[Component]) -> Expected {
    let k = components.len();
    let mut constants = [[0.0; 3]; MOST_CLASSES];
    for (constant, c) in constants.iter_mut().zip(components) {
        // A weight of 0 gives -∞ and then a responsibility of 0.
        *constant = [libm::log(c.weight) - 0.5 * (libm::log(c.variance) + LN_2PI), c.mean, -0.5 / c.variance];
    }
    let constants = &constants[..k];
    let (mut likelihood, mut count) = (Compensated::default(), 0.0);
    let mut sums = [[Compensated::default(); 3]; MOST_CLASSES];
    let mut density = [0.0; MOST_CLASSES];
    let mut distance = [0.0; MOST_CLASSES];
    for &(value, n) in data {
        let (mut best, mut most) = (0, f64::NEG_INFINITY);
        for (j, [offset, mean, factor]) in constants.iter().enumerate() {
            distance[j] = value - mean;
            density[j] = offset + factor * distance[j] * distance[j];
            if density[j] > most {
                (best, most) = (j, density[j]);
            }
        }
        let mut total = 1.0;
        for (j, d) in density[..k].iter_mut().enumerate() {
            *d = if j == best { 1.0 } else { exp(*d - most) };
            total += if j == best { 0.0 } else { *d };
        }
        likelihood.add(n * (most + libm::log(total)));
        count += n;
        for j in 0..k {
            let share = n * density[j] / total;
            if share > 0.0 {
                sums[j][0].add(share);
                sums[j][1].add(share * distance[j]);
                sums[j][2].add(share * distance[j] * distance[j]);
            }
        }
    }
    let column = |i: usize| std::array::from_fn(|j| sums[j][i].value());
    Expected { log_likelihood: likelihood.value() / count, count, voxels: column(0), first: column(1), second: column(2) }
}

/// e^x for x ≤ 0; what f64 cannot hold beside 1 is not computed.
fn exp(x: f64) -> f64 {
    if x < -700.0 { 0.0 } else { libm::exp(x) }
}

/// The parameters of most likelihood under the floor; or the number of a class, from 1, that is gone.
pub(super) fn maximise(old: &[Component], expected: &Expected, floor: f64) -> std::result::Result<Vec<Component>, usize> {
    old.iter()
        .enumerate()
        .map(|(j, c)| {
            let voxels = expected.voxels[j];
            let weight = voxels / expected.count;
            if weight.is_nan() || weight <= LEAST_WEIGHT {
                return Err(j + 1);
            }
            let shift = expected.first[j] / voxels;
            let variance = (expected.second[j] / voxels - shift * shift).max(floor);
            Ok(Component { weight, mean: c.mean + shift, variance })
        })
        .collect()
}
