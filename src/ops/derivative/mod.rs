//! Derivatives by differences of neighbours: the magnitude of the gradient, and the Laplacian.
//!
//! The gradient's: along each axis `e = floor(|next - previous| · r + 1/2)`, then `floor(sqrt(Σ e²) + 1/2)`. The Laplacian: the sum of
//! `floor(|next - 2 · voxel + previous| · r + 1/2)` with its sign. r is the finest spacing over that of the axis, for the Laplacian squared, as a whole number over 2¹⁵, and scaled: by 128
//! and 32 for integers, by 1/4 and 1/16 for levels, so that no result passes 2²⁴. [`Derivative::step`] says what a result of 1 means.
//!
//! - **Input**: integers of 8 and 16 bits, or [levels](super::whole); the spacing of the voxels in mm along x, y and z, 1 where there is none.
//! - **Output**: levels; geometry unchanged. In the unit of the voxels per mm, or per mm².
//! - **Border**: beyond the ends of the input its outermost voxels go on, so that a difference spans one voxel there; other rules come by [`extend`](super::extend).
//! - **NaN/Inf**: a NaN among a voxel and its neighbours gives the canonical NaN. Levels have no infinities.
//! - **Exactness**: Exact: whole numbers, the same on every device. Against f64: within half a level for equal spacings (1/256 of the unit of the voxels, for integers, in the gradient); of
//!   others r is right to 2⁻¹⁶ of the difference.
//! - **Cost**: one pass that reads seven voxels for each, most of them from a cache. CPU: a square root for each voxel, in vectors. GPU: 24 steps of a root in whole numbers.
//! - **Errors**: a spacing that is not positive. `cpu` panics at a box that is not inside the input, or an input or output of another length.
//! - **Agrees with**: SimpleITK's `GradientMagnitude` and `Laplacian`, which compute in float32; `scipy.ndimage.laplace` with `mode="nearest"` for a spacing of 1.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode};

use crate::volume::Dtype;
use crate::{Error, Result};

/// What is made of the differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DerivativeKind {
    /// The length of the gradient.
    GradientMagnitude,
    /// The sum of the second derivatives.
    Laplacian,
}

/// A derivative on a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Derivative {
    kind: DerivativeKind,
    /// Of differences along x, y and z, over 2^15.
    factors: [u32; 3],
    finest_mm: f64,
}

impl Derivative {
    /// One where voxels lie so far apart along x, y and z.
    ///
    /// # Errors
    /// [`Error::Usage`] for a spacing that is not positive and finite.
    pub fn new(kind: DerivativeKind, spacing_mm: [f64; 3]) -> Result<Self> {
        if spacing_mm.iter().any(|s| !s.is_finite() || *s <= 0.0) {
            return Err(Error::usage(format!("derivatives among voxels of {spacing_mm:?} mm"), "correct the spacing first"));
        }
        let finest_mm = spacing_mm.into_iter().fold(f64::INFINITY, f64::min);
        let factors = spacing_mm.map(|spacing| {
            let ratio = finest_mm / spacing;
            let ratio = if kind == DerivativeKind::Laplacian { ratio * ratio } else { ratio };
            (ratio * f64::from(1u32 << 15)).round_ties_even() as u32
        });
        Ok(Self { kind, factors, finest_mm })
    }

    /// What is made of the differences.
    pub fn kind(&self) -> DerivativeKind {
        self.kind
    }

    /// How much of a difference of 1 per mm, or per mm², a level of the result is.
    pub fn step(&self, dtype: Dtype) -> f64 {
        // Products lose `shift` bits of the 15 that factors have.
        let scale = f64::from(1u32 << self.shift(dtype)) / f64::from(1u32 << 15);
        match self.kind {
            // From one neighbour to the other it is two voxels.
            DerivativeKind::GradientMagnitude => scale / (2.0 * self.finest_mm),
            DerivativeKind::Laplacian => scale / (self.finest_mm * self.finest_mm),
        }
    }

    /// Bits by which products of differences and factors are shortened, so that results are levels.
    fn shift(&self, dtype: Dtype) -> u32 {
        match (self.kind, dtype == Dtype::F32) {
            (DerivativeKind::GradientMagnitude, false) => 8,
            (DerivativeKind::GradientMagnitude, true) => 17,
            (DerivativeKind::Laplacian, false) => 10,
            (DerivativeKind::Laplacian, true) => 19,
        }
    }
}
