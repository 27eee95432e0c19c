//! Masking on one thread of the CPU.

use crate::volume::Block;

/// Which voxels of a block are kept.
#[derive(Debug, Clone, Copy)]
pub enum Keep<'a> {
    /// One byte a voxel; non-zero keeps.
    Bytes(&'a [u8]),
    /// One bit a voxel, the lowest bit of a byte first; bit 0 of the first byte is the block's first voxel.
    Bits(&'a [u8]),
}

/// Bytes of packed mask that are spread at a time: 512 voxels, which stay in the first-level cache.
const SPREAD: usize = 64;

/// Writes the block's voxels to `out`, with those that are not kept replaced by `background`: the bits of the block's type, zero-extended.
///
/// # Panics
/// If mask or `out` have another number of voxels than the block, or the background more bits than the type.
pub fn cpu(block: Block<'_>, keep: Keep<'_>, background: u64, out: &mut [u8]) {
    let size = block.dtype.bytes();
    assert_eq!(out.len(), block.bytes.len(), "an output of another length");
    assert!(size == 8 || background >> (8 * size) == 0, "a background of more bits than {}", block.dtype);
    match keep {
        Keep::Bytes(mask) => {
            assert_eq!(mask.len(), block.len(), "a mask of another length");
            select(size, block.bytes, mask, background, out);
        }
        Keep::Bits(mask) => {
            assert_eq!(mask.len(), block.len().div_ceil(8), "a mask of another length");
            let mut spread = [0; 8 * SPREAD];
            let parts = block.bytes.chunks(8 * SPREAD * size).zip(out.chunks_mut(8 * SPREAD * size));
            for ((bytes, out), bits) in parts.zip(mask.chunks(SPREAD)) {
                for (eight, byte) in spread.as_chunks_mut::<8>().0.iter_mut().zip(bits) {
                    // Byte i of the product's bits is not zero where bit i is set, which is all that is asked of a mask.
                    *eight = ((u64::from(*byte) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201).to_le_bytes();
                }
                select(size, bytes, &spread[..bytes.len() / size], background, out);
            }
        }
    }
}

/// Compilers turn each of these loops into vector compares and selects.
fn select(size: usize, bytes: &[u8], mask: &[u8], background: u64, out: &mut [u8]) {
    macro_rules! each {
        ($uint:ty) => {{
            let background = background as $uint;
            let (values, _) = bytes.as_chunks::<{ size_of::<$uint>() }>();
            let (results, _) = out.as_chunks_mut::<{ size_of::<$uint>() }>();
            for ((result, value), m) in results.iter_mut().zip(values).zip(mask) {
                let kept: $uint = if *m != 0 { <$uint>::MAX } else { 0 };
                *result = (<$uint>::from_le_bytes(*value) & kept | background & !kept).to_le_bytes();
            }
        }};
    }
    match size {
        1 => each!(u8),
        2 => each!(u16),
        4 => each!(u32),
        _ => each!(u64),
    }
}
