//! A smooth gain over a volume: sums over blocks of voxels, from which it is estimated, and the gain of each voxel, from nodes in the middles of blocks.
//!
//! - **Input**: working values of 14 bits as u16, [`OUTSIDE`](crate::ops::hmrf::OUTSIDE) where a voxel takes no part; shape `[nx, ny, nz]`, x fastest; a [`BlockGrid`](crate::analysis::tissue::BlockGrid); nodes in
//!   1/4096 nat, within ±5120.
//! - **Output**: for each block and class the [sum](add_block_sums) of weights and of weights times round(1024 ln w); [levels](correct) of 10 bits, or of 8 bits for each of two channels.
//! - **Formula**: b(voxel) = the nodes around it mixed by whole weights, one shift in the end, halves rounded up; level = (w · round(2¹⁴ e⁻ᵇ) + 2¹⁷) >> 18, at most 1023; of two channels each (… + 2¹⁹) >> 20, at most 254, and 256 times the first with the second. Beyond the
//!   outermost nodes the gain stays.
//! - **Border**: a block may reach beyond the volume.
//! - **NaN/Inf**: none.
//! - **Exactness**: Exact: whole numbers; a block has at most 512 voxels, so that its sums fit 32 bits.
//! - **Cost**: 2 bytes read and 2 written for levels; 2 bytes and K weights read for sums.
//! - **Errors**: none; panics if a length does not fit.
//! - **Agrees with**: no other tool bit for bit; fields beside injected ones in CORRECTNESS.md.

mod case;
mod cpu;
mod gpu;

#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{add_block_sums, correct, log_field};
pub use gpu::{GpuGain, SHADER};
