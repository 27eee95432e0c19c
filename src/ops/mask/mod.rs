//! Keeps voxels where a mask is not zero and sets all others to a background value; combines masks.
//!
//! `out = mask != 0 ? in : background`, as bits: never a literal AND, which with a mask of 255 would destroy 16-bit values. [`combine`] gives
//! a mask of 0 and 1 from two, by a [`Rule`]: and, or, xor, not, and their inversions.
//!
//! - **Input**: any run of voxels with a mask of one byte a voxel (non-zero keeps) or one bit a voxel (lowest bit first): u8, i8, u16, i16 and
//!   f32 on the GPU, every type on the CPU.
//! - **Output**: voxels of the same type; geometry and rescale unchanged. Combined masks: one byte a voxel, 0 or 1.
//! - **NaN/Inf**: kept as they are, payload included; any bits may be the background.
//! - **Exactness**: Exact: values are moved as bits.
//! - **Cost**: one read of voxels and mask, one write of voxels. No branch on the mask.
//! - **Errors**: a mask or an output of another length, a background that is wider than the type.
//! - **Agrees with**: `cv2.bitwise_and(img, img, mask=m)` for background 0, `numpy.where` (tests/oracles).

mod case;
mod combine;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use combine::{Rule, combine};
pub use cpu::{Keep, cpu};
pub use gpu::{GpuMask, Packing, SHADER, encode, encode_chunk, encode_combine, run, run_combine};
