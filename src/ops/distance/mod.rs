//! How far each voxel on one side of a mask lies from the nearest voxel on the other, exactly.
//!
//! The squared Euclidean distance between centres, `(wx dx)² + (wy dy)² + (wz dz)²`, the least over all voxels of the other side. The weights are whole numbers in the
//! proportions of the [spacing](Units), so that the squares are whole numbers too and every comparison is exact; millimetres are made from them at the very end.
//!
//! - **Input**: a mask, 0 is background and all else foreground; shape `[nx, ny, nz]`, x fastest; axes of one voxel make it 2-D or 1-D. For the GPU its rows as [bits](super::bits).
//! - **Output**: of each voxel of the foreground the squared distance to the nearest background, in squared units, `u32` where [`Units::fits_u32`], else `u64`; 0 on the
//!   background. [`nearest`] also carries what the nearest background voxel has, its label or its index, ties to the lowest index. Without any background all
//!   values are all ones, and the return value says so.
//! - **Border**: what lies outside of the volume is never background.
//! - **NaN/Inf**: none.
//! - **Exactness**: Exact. In millimetres one correct rounding of `√d² · unit` to `f32` ([`Units::millimetres`]), or of `d² · unit²`. Spacings so odd that 64 bits would not hold
//!   the squares get a coarser unit; its error is [`Units::error`].
//! - **Cost**: CPU: x run by run; y and z a search outwards in lanes, as many steps as the distance along that axis, or a lower envelope where these grow beyond 250. Beside input
//!   and output 128 bytes a row of a column and thread, and 16 bytes a slice and 256 columns: 1.1 MiB for 256³ voxels; what is carried takes 16 bytes a row of 256 columns and
//!   thread more. GPU: a voxel an invocation, as many steps as the distance, in two buffers of the output's size; 64 bits are two words.
//! - **Errors**: a spacing that is no positive number; the CPU panics on buffers of another length and on weights that the type does not hold, the GPU returns an error.
//! - **Agrees with**: `edt.edtsq(black_border=False)` with the same whole weights, `scipy.ndimage.distance_transform_edt` to one unit in the last place of `f32`, and its indices
//!   but for ties, SimpleITK's `SignedMaurerDistanceMap` where that measures to the same voxels: outside of the object.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod case;
mod columns;
mod cpu;
mod envelope;
mod gpu;
mod nearest;
mod search;
#[cfg(test)]
mod tests;
mod units;
mod word;

pub(crate) use case::cases;
pub use cpu::{RowPass, fits, squared, strips};
pub use gpu::{SHADER, encode_columns, encode_rows, largest_axis, run};
pub use nearest::{nearest, search_nearest};
pub use search::Searched;
pub use units::Units;
pub use word::SquareWord;
