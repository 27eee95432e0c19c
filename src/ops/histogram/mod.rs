//! Counts voxels by value.
//!
//! `counts[v]` = number of voxels whose stored value is `v`: one bin for each value of an 8- or 16-bit integer type. f32 voxels
//! fall into N bins between N + 1 [`Edges`]: bin `i` holds `edges[i] <= x < edges[i + 1]`, the last bin its upper edge too.
//!
//! - **Input**: any run of u8, i8, u16, i16 or f32 voxels, with or without a mask of one byte a voxel (non-zero counts).
//! - **Output**: [`Counts`]; on the device u32 counts, then those of NaN, below and above.
//! - **NaN/Inf**: NaN is counted apart; -∞ is below and +∞ above unless they are edges.
//! - **Exactness**: Exact. Counts are integers; f32 values are compared as order-preserving integer keys (-0 equals +0).
//! - **Cost**: one read of the voxels. GPU: 4,096 bins private to each workgroup; values outside of that window go to global atomics.
//!   CPU: two to four tables a thread that voxels take in turn; runs of eight equal voxels are counted at once.
//! - **Errors**: a mask of another length, 2³² voxels or more in one `encode`.
//! - **Agrees with**: `numpy.bincount`, `cv2.calcHist`, `numpy.histogram` on the same edges (tests/oracles).

mod case;
mod cpu;
mod edges;
mod gpu;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use case::cases;
pub use cpu::{Tally, cpu};
pub use edges::Edges;
pub(crate) use edges::Outside;
pub use gpu::{Binning, SHADER, counts_buffer, counts_from, encode, encode_chunk, run};
pub use window::PrivateWindow;

#[allow(unused_imports, reason = "named in the documentation above")]
use crate::volume::Counts;
