//! Remapping on one thread of the CPU.

use crate::ops::histogram::Edges;
use crate::ops::histogram::Outside;
use crate::volume::{Block, Dtype, Table};

/// Writes the results for a block of integers to `out`, little-endian.
///
/// # Panics
/// If the block's type is not the table's, or `out` has another number of voxels.
pub fn cpu(block: Block<'_>, table: &Table, out: &mut [u8]) {
    assert_eq!(block.dtype, table.from(), "a table for another type");
    assert_eq!(out.len(), block.len() * table.to().bytes(), "an output of another length");
    let sign = crate::ops::sign_of(block.dtype);
    match (block.dtype.bytes(), table.to().bytes()) {
        (1, 1) => map8::<1>(block.bytes, sign as u8, table.entries(), out),
        (1, 2) => map8::<2>(block.bytes, sign as u8, table.entries(), out),
        (1, _) => map8::<4>(block.bytes, sign as u8, table.entries(), out),
        (_, 1) => map16::<1>(block.bytes, sign as u16, table.entries(), out),
        (_, 2) => map16::<2>(block.bytes, sign as u16, table.entries(), out),
        (_, _) => map16::<4>(block.bytes, sign as u16, table.entries(), out),
    }
}

/// Writes the results for a block of f32 to `out`: the entry of each value's bin, `nan` (bits of the output type) for NaN.
///
/// # Panics
/// If the block is not f32, the table has not one entry a bin, or `out` has another number of voxels.
pub fn cpu_floats(block: Block<'_>, edges: &Edges, table: &Table, nan: u32, out: &mut [u8]) {
    assert_eq!((block.dtype, table.from()), (Dtype::F32, Dtype::F32), "a table over bins is for float32");
    assert_eq!(table.entries().len(), edges.bins(), "a table for other bins");
    let size = table.to().bytes();
    assert_eq!(out.len(), block.len() * size, "an output of another length");
    let last = edges.bins() - 1;
    for (four, out) in block.bytes.chunks_exact(4).zip(out.chunks_exact_mut(size)) {
        let x = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let bits = if x.is_nan() {
            nan
        } else {
            table.entries()[match edges.bin(x) {
                Ok(bin) => bin,
                Err(Outside::Below) => 0,
                Err(Outside::Above) => last,
            }]
        };
        out.copy_from_slice(&bits.to_le_bytes()[..size]);
    }
}

fn map8<const OUT: usize>(bytes: &[u8], sign: u8, entries: &[u32], out: &mut [u8]) {
    let entries: &[u32; 256] = entries.try_into().unwrap_or_else(|_| unreachable!("one entry a value"));
    let narrow: [[u8; OUT]; 256] = std::array::from_fn(|i| low_bytes(entries[i]));
    let (results, _) = out.as_chunks_mut::<OUT>();
    for (result, byte) in results.iter_mut().zip(bytes) {
        *result = narrow[usize::from(byte ^ sign)];
    }
}

fn map16<const OUT: usize>(bytes: &[u8], sign: u16, entries: &[u32], out: &mut [u8]) {
    let entries: &[u32; 65_536] = entries.try_into().unwrap_or_else(|_| unreachable!("one entry a value"));
    let (pairs, _) = bytes.as_chunks::<2>();
    let (results, _) = out.as_chunks_mut::<OUT>();
    for (result, pair) in results.iter_mut().zip(pairs) {
        *result = low_bytes(entries[usize::from(u16::from_le_bytes(*pair) ^ sign)]);
    }
}

fn low_bytes<const N: usize>(word: u32) -> [u8; N] {
    let bytes = word.to_le_bytes();
    std::array::from_fn(|i| bytes[i])
}
