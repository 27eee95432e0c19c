//! The voxels of a target grid from those of a source that lie around their centres.
//!
//! The centre of target voxel i lies at position p = A i + b, in voxels of the source. [`Positions`] holds A and b as whole numbers of 2⁻³² voxels, rounded once, and computes p from the
//! indices, never by adding up: a voxel is the same whatever tile it is computed in.
//!
//! - **Nearest**: the voxel floor(p + 1/2): halfway up.
//! - **Linear**, of 8- and 16-bit integers: p rounded to 2⁻¹⁶ voxels; keys weighed along x, then y, then z by whole 65,536ths, each time rounded half up to sixteenths of a level, at the end to a
//!   level. Of wider integers and of floats: in f64 with the full fraction of p, on the CPU, rounded once.
//! - **Label**: p rounded to 2⁻¹⁵ voxels; of the eight voxels around it the value whose products of three weights sum to the most; of equal sums the value that sorts first. The background takes part as all
//!   other labels do.
//! - **Area**, on the CPU: the mean over the box that a target voxel covers, at least one source voxel along each axis, and as far as the source reaches; in f64, rounded once. It is for
//!   axes that run along axes; where nothing becomes coarser it is the linear mixture.
//!
//! - **Input**: any type on the CPU; on the GPU a [`Brick`](crate::engine::Brick), of all types of up to 32 bits for nearest and label, of up to 16 bits for linear. A box of the source that holds all that the target
//!   looks at.
//! - **Output**: voxels of the same type.
//! - **Border**: inside of the source, up to half a voxel beyond its outermost centres, its outermost voxels go on; beyond lies the fill value. A voxel is inside if its nearest voxel exists.
//! - **NaN/Inf**: a NaN of weight above 0 gives NaN; one of weight 0 is not looked at. Nearest and label move bits.
//! - **Exactness**: Exact, the wide types on the CPU alone. Linear on 8 and 16 bits differs from exact arithmetic by at most 1/2 + 3/32 of a level, and 1/131,072 of the largest
//!   difference of neighbours along each axis: within one level where these are below 53,000 levels in sum, as in every image but noise over all 16 bits, where it is two.
//! - **Cost**: eight reads and seven weighings a voxel, fewer where axes run along axes.
//! - **Errors**: a box that is empty, an output of another length, keys of a type that the kernel does not mix.
//! - **Agrees with**: SimpleITK's `Resample` (nearest bit for bit, linear within the bound, before its cast cuts fractions off), `scipy.ndimage.affine_transform(mode="nearest")` inside.

mod case;
mod cpu;
mod gpu;
mod positions;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{Sampled, cpu};
pub use gpu::{SHADER, encode};
pub use positions::Positions;

use crate::volume::Dtype;

/// How the value of a target voxel comes of the source voxels around its centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// Weighed linearly along each axis.
    Linear,
    /// That of the nearest voxel.
    Nearest,
    /// The one with the largest sum of linear weights.
    Label,
    /// The mean over the box that the target voxel covers.
    Area,
}

impl Sampling {
    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Nearest => "nearest",
            Self::Label => "label",
            Self::Area => "area",
        }
    }

    /// How many voxels on each side of the one that holds a centre are looked at, along each axis of the source.
    pub fn reach(self, positions: &Positions) -> [u64; 3] {
        let own = |along: usize| match self {
            Self::Area => (positions.step[along][along].unsigned_abs() >> 33) + 2,
            _ => 1,
        };
        [own(0), own(1), own(2)]
    }

    /// Whether the kernel does this for voxels of a type.
    pub const fn has_kernel(self, dtype: Dtype) -> bool {
        match self {
            Self::Linear => dtype.is_small_integer(),
            Self::Nearest | Self::Label => dtype.bytes() <= 4,
            Self::Area => false,
        }
    }
}
