//! Remaps voxels through a table.
//!
//! `out = table[in]`: for 8- and 16-bit integers the entry of the stored value; for f32 the entry of the bin between given
//! [`Edges`](crate::ops::histogram::Edges), where values below the first edge take the first entry and values above the last edge the last.
//!
//! - **Input**: u8, i8, u16, i16, or f32 with edges.
//! - **Output**: u8, u16, i16 or f32, voxel by voxel; geometry unchanged.
//! - **NaN**: the entry the caller names for it, 0 unless said otherwise.
//! - **Exactness**: Exact: entries are copied as bits.
//! - **Cost**: one read and one write of the voxels.
//! - **Errors**: types that do not fit the table, an output of another length.
//! - **Agrees with**: `numpy.take`, `cv2.LUT`.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{Prepared, cpu, cpu_floats};
pub use gpu::{GpuTable, SHADER, encode, encode_chunk, run};
