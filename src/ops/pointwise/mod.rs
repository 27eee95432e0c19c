//! Maps f32 voxels through a function given as straight pieces: what a [chain of steps](crate::analysis::steps) is to true floats.
//!
//! `out = start + slope · (in - first)` of the piece in which `in` lies; below the first and above the last piece the results of the ends.
//!
//! - **Input**: f32, and up to 131,072 pieces from [`pieces`](crate::analysis::pieces::pieces).
//! - **Output**: f32, voxel by voxel; geometry unchanged. (Integer results of float voxels are runs of values: [`lut`](super::lut), Exact.)
//! - **NaN/Inf**: NaN gives the canonical NaN; -∞ and +∞ the results of the ends.
//! - **Exactness**: Bounded, by [`Pieces::bound`]: 2⁻²⁰ of the largest result. Half of it is the distance of the pieces from the function,
//!   the rest leaves room for the rounding of `start`, `slope` and three f32 operations, which devices may fuse. The piece is found by
//!   exact comparison of integer keys.
//! - **Cost**: one read and one write of the voxels, and a binary search over the pieces.
//! - **Errors**: another type than f32, no pieces, an output of another length.
//! - **Agrees with**: the chain in f64; `numpy.interp` over the ends of continuous pieces.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{Polyline, cpu};
pub use gpu::{GpuPolyline, SHADER, encode, encode_chunk, run};

#[allow(unused_imports, reason = "named in the documentation above")]
use crate::analysis::pieces::Pieces;
