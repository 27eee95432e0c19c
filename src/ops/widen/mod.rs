//! Stored values to keys that sort alike, one u32 a voxel, and back: how a chunk becomes a [`Brick`](crate::engine::Brick), and a brick a chunk.
//!
//! `key = stored` for unsigned types, `stored` with its sign turned for signed ones, and of floats all bits turned where they are negative and the sign
//! elsewhere ([`keys`]).
//!
//! - **Input**: u8, i8, u16, i16, u32, i32 or f32, packed as they lie in chunks, in whole units.
//! - **Output**: one u32 a voxel, right-aligned; back: the same bytes.
//! - **NaN/Inf**: kept, payloads, signs of zeros and denormals too.
//! - **Exactness**: Exact: bits are moved and turned over.
//! - **Cost**: one read of the voxels and one write of four bytes each; back the same.
//! - **Errors**: 64-bit types, another number of voxels or of bits, buffers too small.
//! - **Agrees with**: [`keys::key`], value by value.

mod case;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use gpu::SHADER;

use crate::volume::{Block, Dtype, keys};

/// The keys of a block's voxels.
///
/// # Panics
/// If the type has more than 32 bits or `out` another number of voxels.
pub fn cpu(block: Block<'_>, out: &mut [u32]) {
    let (dtype, bytes) = (block.dtype, block.dtype.bytes());
    assert!(bytes <= 4 && out.len() == block.len(), "{} {dtype} voxels to {} keys", block.len(), out.len());
    for (key, voxel) in out.iter_mut().zip(block.bytes.chunks_exact(bytes)) {
        let stored = voxel.iter().rev().fold(0, |stored, byte| stored << 8 | u64::from(*byte));
        *key = keys::key(dtype, stored) as u32;
    }
}

/// The stored values of keys, little-endian.
///
/// # Panics
/// As [`cpu`].
pub fn cpu_narrow(dtype: Dtype, narrow: &[u32], out: &mut [u8]) {
    let bytes = dtype.bytes();
    assert!(bytes <= 4 && out.len() == narrow.len() * bytes, "{} keys to {} bytes of {dtype}", narrow.len(), out.len());
    for (key, voxel) in narrow.iter().zip(out.chunks_exact_mut(bytes)) {
        voxel.copy_from_slice(&keys::stored(dtype, u64::from(*key)).to_le_bytes()[..bytes]);
    }
}
