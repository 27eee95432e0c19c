//! The Gaussian of a volume, and sharpening by it.
//!
//! Along z, y and x in turn, `floor(Σ weight · value + 1/2)` over `ceil(4 σ)` voxels on each side. Weights are whole numbers of 20 bits that sum to 2²⁰; values have
//! 8 bits behind the point between the axes and are rounded at the end, halves up. [Levels](super::whole) have weights of 25 bits, and 3 bits behind the point.
//! Sharpening adds `amount · (voxel - Gaussian)`, whose size is rounded once, halves up, and ends at the ends of the type.
//!
//! - **Input**: integers of 8 and 16 bits, or levels; σ along x, y and z in voxels, 0 along an axis that stays as it is.
//! - **Output**: voxels of the same type; geometry and rescale unchanged.
//! - **Border**: beyond the ends of the input its outermost voxels go on; other rules come by [`extend`](super::extend).
//! - **NaN/Inf**: a window that holds a NaN gives the canonical NaN, even where weights round to 0. Levels have no infinities.
//! - **Exactness**: Exact: whole numbers, the same on every device. Against the filter in f64 over the same window, rounding included: 16 bits within 0.65 of a level,
//!   even for noise and edges over all of them; levels within 3.5 of 2²⁴ (within 1.2 up to σ 8). (12 bits of weights and 4 behind the point, which fit one word of 32 bits,
//!   are off by up to 8 levels at edges of 65,535.)
//! - **Cost**: CPU: about 2 (2 reach + 1) operations in vectors of four for each axis and voxel, and 8 MiB beside input and output. GPU: three passes; each reads a voxel
//!   (2 reach + 1) times, most of them from a cache, in two parts of 12 bits or four of 7, as words have 32 bits.
//! - **Errors**: σ that is negative or not finite, 0 along all axes, or above [`MAX_SIGMA`]; an amount that is not above 0 or above [`MAX_AMOUNT`]. `cpu` panics at a box that is
//!   not inside the input, or an input or output of another length.
//! - **Agrees with**: `scipy.ndimage.gaussian_filter` on float64 with `mode="nearest"` and `radius=ceil(4 * sigma)`, as said above. SciPy on integers truncates after every axis.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;
mod weights;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{GpuSmoothing, SHADER, encode};

use crate::volume::Dtype;
use crate::{Error, Result};

/// Voxels of a row that are summed at a time: eight vectors of AVX2.
const LANES: usize = 32;

/// The largest σ, in voxels: windows of 257 voxels along an axis.
pub const MAX_SIGMA: f64 = 32.0;

/// The most that sharpening adds of what a Gaussian takes away.
pub const MAX_AMOUNT: f64 = 8.0;

/// Amounts are in steps of one by this.
const ONE: u32 = 1 << 12;

/// A Gaussian, and how much sharper than it a result is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothing {
    sigma_voxels: [f64; 3],
    /// In steps of 1/4096.
    amount: Option<u32>,
}

impl Smoothing {
    /// Of this standard deviation along x, y and z, in voxels.
    ///
    /// # Errors
    /// [`Error::Usage`] if one is negative, not finite or above [`MAX_SIGMA`], or all are 0.
    pub fn new(sigma_voxels: [f64; 3]) -> Result<Self> {
        if sigma_voxels.iter().any(|s| !s.is_finite() || *s < 0.0) || sigma_voxels == [0.0; 3] {
            return Err(Error::usage(format!("a Gaussian of {sigma_voxels:?} voxels"), "give a positive standard deviation"));
        }
        if sigma_voxels.iter().any(|s| *s > MAX_SIGMA) {
            let what = format!("a Gaussian of {sigma_voxels:?} voxels");
            return Err(Error::usage(what, format!("{MAX_SIGMA} voxels are the most; make the voxels larger first")));
        }
        Ok(Self { sigma_voxels, amount: None })
    }

    /// The input and `amount` times what the Gaussian takes away from it, in steps of 1/4096.
    ///
    /// # Errors
    /// [`Error::Usage`] if the amount is not above 0, or above [`MAX_AMOUNT`].
    pub fn sharpening(self, amount: f64) -> Result<Self> {
        let steps = (amount * f64::from(ONE)).round_ties_even();
        if !(1.0..=MAX_AMOUNT * f64::from(ONE)).contains(&steps) {
            return Err(Error::usage(format!("an amount of {amount}"), format!("give one above 0, at most {MAX_AMOUNT}")));
        }
        Ok(Self { amount: Some(steps as u32), ..self })
    }

    /// Voxels on each side along x, y and z.
    pub fn reach(&self) -> [u32; 3] {
        self.sigma_voxels.map(weights::reach)
    }

    fn amount(&self) -> Option<u32> {
        self.amount
    }

    /// Along x, y and z: of the centre, then of both voxels one away, and so on.
    fn weights(&self, dtype: Dtype) -> [Vec<u32>; 3] {
        let bits = weights::Fixed::of(dtype).weight;
        self.sigma_voxels.map(|sigma| weights::weights(sigma, bits))
    }
}
