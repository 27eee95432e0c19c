//! Rays along one axis, each of whose voxels become one: the greatest, the least, their sum, or the one in the middle.
//!
//! A slab is a run of voxels along the axis; a box of voxels with so many slabs gives a box of results with one voxel for each of them along that axis. What is
//! known of the rays ([`Rays`]) can be carried from one box to the next along the axis, so that slabs may be thicker than what memory holds; only the middle wants its
//! rays whole.
//!
//! - **Input**: any type on the CPU; on the GPU a [`Brick`](crate::engine::Brick), hence types of up to 32 bits. Values are compared as [keys](crate::volume::keys).
//! - **Output**: for each ray a key or a sum and the number of voxels that count; [`Rays::selected`], [`Rays::mean`] and [`Rays::sum`] make values of them.
//! - **Border**: none: a slab is what there is of it.
//! - **NaN/Inf**: a ray that holds a NaN gives NaN. Infinities are values as others, and -0 lies just below +0; in sums they do what IEEE 754 says.
//! - **Exactness**: Exact: keys are compared, whole numbers of up to 32 bits summed in 64. Floats and 64-bit whole numbers are summed as f64 in the order of the ray,
//!   on the CPU alone.
//! - **Cost**: one read of each voxel; the middle reads its rays once for each bit of the type on the GPU, and selects on the CPU.
//! - **Errors**: a slab that is not inside the box, bytes or rays of another length, another type's brick, sums of a type that only the CPU sums.
//! - **Agrees with**: `numpy.max`, `min` and `sum` along an axis; `numpy.sort` for the middle: of an even number of voxels the lower of the two.

mod case;
mod cpu;
mod gpu;
mod rays;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{GpuRays, SHADER, encode};
pub use rays::Rays;

use std::ops::Range;

use crate::volume::Dtype;

/// What the voxels of a ray become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The greatest stored value.
    Greatest,
    /// The least.
    Least,
    /// Their sum.
    Sum,
    /// The stored value in the middle; of an even number the upper one of the two, or the lower.
    Middle {
        /// Which of the two.
        upper: bool,
    },
}

/// Rays through a box of voxels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beams {
    /// Type of the voxels.
    pub dtype: Dtype,
    /// Along which axis: 0 for x, 1 for y, 2 for z.
    pub axis: usize,
    /// What becomes of them.
    pub fold: Fold,
    /// From and to which voxel of the axis, for each slab.
    pub slabs: Vec<Range<u32>>,
    /// First and last key of voxels that have no part.
    pub padding: Option<(u64, u64)>,
}

impl Beams {
    /// Rays along x, y and z that a box of this shape has: one for each slab along the axis.
    pub fn size(&self, shape: [u32; 3]) -> [u32; 3] {
        let mut size = shape;
        size[self.axis] = self.slabs.len() as u32;
        size
    }

    /// Number of rays through a box of this shape.
    pub fn rays(&self, shape: [u32; 3]) -> usize {
        self.size(shape).iter().map(|n| *n as usize).product()
    }

    /// Whether sums are kept as f64, which only the CPU does.
    pub const fn sums_floats(&self) -> bool {
        matches!(self.fold, Fold::Sum) && (!self.dtype.is_integer() || self.dtype.bytes() == 8)
    }

    /// What keys are turned by before the greatest of them is kept: all of their bits for the least.
    const fn turn(&self) -> u64 {
        match self.fold {
            Fold::Least => u64::MAX >> (64 - 8 * self.dtype.bytes()),
            _ => 0,
        }
    }

    fn fits(&self, shape: [u32; 3]) -> bool {
        self.slabs.iter().all(|slab| slab.start < slab.end && slab.end <= shape[self.axis])
    }
}
