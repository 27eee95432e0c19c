//! Remapping on one thread of the CPU.

use crate::ops::histogram::Edges;
use crate::ops::histogram::Outside;
use crate::volume::{Block, Dtype, Table, keys};

/// Writes the results for a block of integers to `out`, little-endian. For many blocks, [`Prepared`] does once what they share.
///
/// # Panics
/// If the block's type is not the table's, or `out` has another number of voxels.
pub fn cpu(block: Block<'_>, table: &Table, out: &mut [u8]) {
    Prepared::new(table).map(block, out);
}

/// A table as small as its results and in the order of the stored bits: what is looked up stays in the nearest cache, and no voxel
/// pays for its sign.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    table: &'a Table,
    entries: Entries,
}

#[derive(Debug, Clone)]
enum Entries {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    Longs(Vec<u32>),
}

impl<'a> Prepared<'a> {
    /// Of a table over an integer type.
    ///
    /// # Panics
    /// If the table is over the bins of f32 voxels.
    pub fn new(table: &'a Table) -> Self {
        assert!(table.from().is_small_integer(), "a table over bins needs their edges");
        let (values, sign) = (table.entries().len(), keys::sign_bit(table.from()) as usize);
        let at = |stored: usize| table.entries()[stored ^ sign];
        let entries = match table.to().bytes() {
            1 => Entries::Bytes((0..values).map(|i| at(i) as u8).collect()),
            2 => Entries::Words((0..values).map(|i| at(i) as u16).collect()),
            _ => Entries::Longs((0..values).map(at).collect()),
        };
        Self { table, entries }
    }

    /// Writes the results for a block to `out`, little-endian.
    ///
    /// # Panics
    /// If the block's type is not the table's, or `out` has another number of voxels.
    pub fn map(&self, block: Block<'_>, out: &mut [u8]) {
        assert_eq!(block.dtype, self.table.from(), "a table for another type");
        assert_eq!(out.len(), block.len() * self.table.to().bytes(), "an output of another length");
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return unsafe { self.map_avx2(block.bytes, out) };
        }
        self.map_portable(block.bytes, out);
    }

    /// The same code; with AVX2 the compiler gathers sixteen results in a register and stores them at once.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    pub(super) fn map_avx2(&self, bytes: &[u8], out: &mut [u8]) {
        self.map_portable(bytes, out);
    }

    #[inline(always)]
    pub(super) fn map_portable(&self, bytes: &[u8], out: &mut [u8]) {
        match (self.table.from().bytes(), &self.entries) {
            (1, Entries::Bytes(e)) => map8(bytes, e, out, |n| [n]),
            (1, Entries::Words(e)) => map8(bytes, e, out, u16::to_le_bytes),
            (1, Entries::Longs(e)) => map8(bytes, e, out, u32::to_le_bytes),
            (_, Entries::Bytes(e)) => map16_to_8(bytes, e, out),
            (_, Entries::Words(e)) => map16(bytes, e, out, u16::to_le_bytes),
            (_, Entries::Longs(e)) => map16(bytes, e, out, u32::to_le_bytes),
        }
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

#[inline(always)]
fn map8<T: Copy, const OUT: usize>(bytes: &[u8], entries: &[T], out: &mut [u8], split: impl Fn(T) -> [u8; OUT]) {
    let entries: &[T; 256] = entries.try_into().unwrap_or_else(|_| unreachable!("one entry a value"));
    for (result, &byte) in out.as_chunks_mut().0.iter_mut().zip(bytes) {
        *result = split(entries[usize::from(byte)]);
    }
}

#[inline(always)]
fn map16<T: Copy, const OUT: usize>(bytes: &[u8], entries: &[T], out: &mut [u8], split: impl Fn(T) -> [u8; OUT]) {
    let entries: &[T; 65_536] = entries.try_into().unwrap_or_else(|_| unreachable!("one entry a value"));
    for (result, pair) in out.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        *result = split(entries[usize::from(u16::from_le_bytes(*pair))]);
    }
}

/// Four results make one store: stores of single bytes are what limits the plain loop.
#[inline(always)]
fn map16_to_8(bytes: &[u8], entries: &[u8], out: &mut [u8]) {
    let entries: &[u8; 65_536] = entries.try_into().unwrap_or_else(|_| unreachable!("one entry a value"));
    let (fours, rest) = bytes.as_chunks::<8>();
    let (results, out_rest) = out.as_chunks_mut::<4>();
    for (result, four) in results.iter_mut().zip(fours) {
        let stored = u64::from_le_bytes(*four);
        *result = [0, 16, 32, 48].map(|shift| entries[usize::from((stored >> shift) as u16)]);
    }
    for (result, pair) in out_rest.iter_mut().zip(rest.as_chunks().0) {
        *result = entries[usize::from(u16::from_le_bytes(*pair))];
    }
}
