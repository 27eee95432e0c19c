//! The median of the 3 x 3 x 3 voxels around each.
//!
//! Of the 27 stored values of the window in ascending order the one in the middle, number 13 counted from 0.
//!
//! - **Input**: any type on the CPU; on the GPU a [`Brick`](crate::engine::Brick), hence all types of up to 32 bits. The whole of it or a box inside is
//!   filtered; the rest is only looked at, as the halo of a tile.
//! - **Output**: voxels of the same type; geometry and rescale unchanged. Every result is one of the window's values, bit for bit.
//! - **Border**: beyond the ends of the input its outermost voxels go on.
//! - **NaN/Inf**: a window that holds a NaN gives one of its NaN: the greatest by [key](crate::volume::keys) if one has no sign, else the least.
//!   Infinities are values as others, and -0 lies just below +0.
//! - **Exactness**: Exact: keys are compared and values moved.
//! - **Cost**: CPU: about 90 minima and maxima for each vector of voxels, 32 bytes; without AVX2 that of [any rank](crate::ops::rank). GPU: 27 reads, most of them from a cache, and 27 comparisons for each bit in which a window's values differ.
//! - **Errors**: a box that is empty or not inside the input, an input or output of another length, another type's brick.
//! - **Agrees with**: `scipy.ndimage.median_filter(size=3, mode="nearest")`, SimpleITK's `Median` of radius 1.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode};
