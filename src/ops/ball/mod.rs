//! Masks grown and shrunk by balls of any radius, through the exact [distance](super::distance).
//!
//! One of two values takes every voxel whose centre lies no further than the radius from the centre of one that has it already: the greater one for a dilation, the less one for an
//! erosion.
//!
//! - **Input**: voxels of any type that have two values, shape `[nx, ny, nz]`, x fastest; whole weights along the axes and the square of the radius in the same units
//!   ([`Units`]).
//! - **Output**: the same type, one of the two values.
//! - **Border**: what lies outside of the volume counts as neither; so the outermost voxel going on makes no difference.
//! - **NaN/Inf**: none: voxels have one of two values.
//! - **Exactness**: Exact: squares are whole numbers.
//! - **Cost**: one distance map of the box, whatever the radius; beside it a byte and a square of 4 or 8 bytes a voxel. GPU: the same, with a bit in place of the byte.
//! - **Errors**: the CPU panics on a box or an output of another length, the GPU returns an error.
//! - **Agrees with**: `scipy.ndimage.distance_transform_edt(mask, sampling) > radius` for an erosion, of the other side for a dilation; SimpleITK's `BinaryErode` with a ball where the spacing is
//!   the same along all axes, its border apart.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode, scratch_bytes};

use super::distance::Units;

/// What a ball does to a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskBall {
    /// Stored bits of the value that grows.
    pub grows: u64,
    /// Stored bits of the value that gives way.
    pub yields: u64,
    radius: Radius,
}

/// A radius in whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Radius {
    weights: [u64; 3],
    square: u64,
}

/// What a radius in mm forgives: 2.1 mm holds three steps of 0.7 mm, though 3 * 0.7 > 2.1 in floats.
const TOLERANCE: f64 = 1e-9;

impl Radius {
    /// Of so many mm among voxels of `spacing_mm`. None if an axis has no spacing, or the volume of this shape lies within the radius of each of its voxels.
    pub fn in_mm(radius_mm: f64, spacing_mm: [f64; 3], shape: [usize; 3]) -> Option<Self> {
        // Thrice the volume: borders may be extended by as much on both sides.
        let room = Units::new(spacing_mm, shape.map(|n| if n > 1 { 3 * n } else { 1 }))?;
        let square = (radius_mm * (1.0 + TOLERANCE) / room.unit_mm).powi(2);
        let diagonal: u64 = (0..3).map(|a| (room.weights[a] * (shape[a] as u64 - 1)).pow(2)).sum();
        (square < diagonal as f64).then_some(Self { weights: room.weights, square: square as u64 })
    }

    /// Voxels from the centre along x, y and z.
    pub fn reach(&self) -> [u64; 3] {
        self.weights.map(|weight| self.square.isqrt().checked_div(weight).unwrap_or(0))
    }
}

impl MaskBall {
    /// A value grows into the other one, both as stored bits.
    pub fn new([grows, yields]: [u64; 2], radius: Radius) -> Self {
        Self { grows, yields, radius }
    }

    /// Voxels from the centre along x, y and z.
    pub fn reach(&self) -> [u64; 3] {
        self.radius.reach()
    }
}
