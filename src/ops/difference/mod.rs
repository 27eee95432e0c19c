//! What one volume has more than another, voxel by voxel: the last step of top-hat, black-hat and morphological gradient.
//!
//! - **Input**: two boxes of voxels of one type, the first nowhere less than the second.
//! - **Output**: the first less the second, without sign: u8, u16, u32 or u64 as wide as the input ([`result`]); floats stay floats.
//! - **Border**: none.
//! - **NaN/Inf**: a NaN in either gives the quiet NaN of positive sign; the same infinity in both does too.
//! - **Exactness**: Exact: whole numbers are subtracted as such; floats in their own precision, by the CPU alone.
//! - **Cost**: CPU and GPU: two reads and a write a voxel.
//! - **Errors**: the GPU refuses bricks that hold other keys, boxes that do not lie inside of them, and floats. `cpu` panics at buffers of different lengths.
//! - **Agrees with**: `numpy.subtract` of types that hold the result.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode};

use crate::volume::Dtype;

/// The type of differences of this one.
pub fn result(dtype: Dtype) -> Dtype {
    match dtype {
        Dtype::I8 => Dtype::U8,
        Dtype::I16 => Dtype::U16,
        Dtype::I32 => Dtype::U32,
        Dtype::I64 => Dtype::U64,
        other => other,
    }
}
