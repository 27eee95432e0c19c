//! The value of a given rank among the voxels of a window around each: minimum, median, maximum and all between.
//!
//! Of the n stored values of the window in ascending order number k, counted from 0. n is odd: the median is number (n - 1) / 2, minimum and maximum are
//! numbers 0 and n - 1.
//!
//! - **Input**: any type on the CPU; on the GPU a [`Brick`](crate::engine::Brick), hence all types of up to 32 bits. The whole of it or a box inside is filtered; the rest is only looked at, as the halo of a tile.
//! - **Footprint**: a box or a [ball](FootprintShape::Ball) that reaches up to [`MAX_REACH`] voxels along each axis, or all voxels within a
//!   [reach](Footprint::in_mm) in mm.
//! - **Output**: voxels of the same type; geometry and rescale unchanged. Every result is one of the window's values, bit for bit.
//! - **Border**: beyond the ends of the input its outermost voxels go on, and count as often as they occur.
//! - **NaN/Inf**: a window that holds a NaN gives one of its NaN, whatever the rank: the greatest by [key](crate::volume::keys) if one has no sign,
//!   else the least. Infinities are values as others, and -0 lies just below +0.
//! - **Exactness**: Exact: keys are compared and values moved.
//! - **Cost**: CPU: a few additions for each 32 voxels of a block of 32 x 16 x 16 with its halo, for each value that some of its results may have (boxes of 3 x 3 and 3 x 3 x 3: about 90 minima and maxima for each vector of voxels, 32 bytes); where
//!   results differ much, a look at each row of a window, or at the voxels that have one of few values. Beside input and output less than 2 MiB a
//!   thread, 6 MiB for types of more than 16 bits. GPU: a read of
//!   each voxel of the window, most of them from a cache, for each bit in which its values differ. Minimum and maximum of boxes: about log2 of the reach minima along each axis; of balls one for each row of half the window.
//! - **Errors**: a reach of more than [`MAX_REACH`]; a radius that is not positive, holds the centre alone or goes too far. `cpu` panics at a box that is
//!   not inside the input, an input or output of another length, a rank that the window does not have.
//! - **Agrees with**: `scipy.ndimage.rank_filter`, `median_filter`, `minimum_filter` and `maximum_filter` with `mode="nearest"` and `size` or
//!   `footprint`, bit for bit but for NaN and the signs of zeros; SimpleITK's `Median`. `skimage.morphology.ball` is the ball of one reach
//!   along all axes; SimpleITK's `sitkBall` is larger.

mod case;
mod cpu;
mod footprint;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use footprint::{Footprint, FootprintRow, FootprintShape, MAX_REACH};
pub use gpu::{GpuFootprint, SHADER, encode};
