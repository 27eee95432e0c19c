//! The voxel operations: one room each, with its CPU path, its GPU path, its tests and, under the same stem, its shader.
//!
//! An operation is plain functions with the same nouns: `cpu` for one block on one thread, `encode` to record into the caller's command encoder, `run`
//! for everyone else. Operations know nothing of files.

pub mod equalize;
pub mod gmm;
pub mod histogram;
pub mod lut;
pub mod mask;
pub mod median;
pub mod pointwise;
pub mod scan;
pub mod selfcheck;
#[cfg(test)]
pub(crate) mod testing;
pub mod widen;

use crate::engine::Shader;
use crate::volume::Dtype;

/// Every kernel. A test compares this list with the folders `shaders/` and `src/ops/`.
pub const CATALOGUE: &[&Shader] = &[
    &equalize::SHADER,
    &gmm::SHADER,
    &histogram::SHADER,
    &lut::SHADER,
    &mask::SHADER,
    &median::SHADER,
    &pointwise::SHADER,
    &scan::SHADER,
    &widen::SHADER,
];

/// What to XOR a stored value with to get its place among the values of its type, smallest first.
pub(crate) fn sign_of(dtype: Dtype) -> u32 {
    match dtype {
        Dtype::I8 => 0x80,
        Dtype::I16 => 0x8000,
        _ => 0,
    }
}
