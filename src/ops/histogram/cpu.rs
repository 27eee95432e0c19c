//! Counting on one thread of the CPU.

use std::sync::Arc;

use super::edges::{Edges, Outside};
use crate::volume::{Block, Counts, Dtype};

/// Tables that voxels of one block take in turn, so that a run of equal values is not one long chain of increments of one
/// word in memory. Of 16 bits two: four would fill the second-level cache, and noise then runs at the speed of the third.
fn tables_for(dtype: Dtype) -> usize {
    if dtype.bytes() == 1 { 4 } else { 2 }
}

/// Counts the voxels of a block, where a mask is given only those whose mask byte is not zero.
///
/// # Panics
/// If the mask has another length than the block.
pub fn cpu(block: Block<'_>, mask: Option<&[u8]>) -> Counts {
    let mut tally = Tally::exact(block.dtype);
    tally.add(block, mask);
    tally.finish()
}

/// What one thread has counted so far.
#[derive(Debug)]
pub struct Tally {
    counts: Counts,
    edges: Option<Arc<Edges>>,
    /// For integers: one table of u32 after another, indexed by the stored bits; their sign is seen to at the end.
    tables: Vec<u32>,
    /// Voxels in `tables`.
    pending: u64,
}

impl Tally {
    /// One bin for each value of an 8- or 16-bit integer type.
    pub fn exact(dtype: Dtype) -> Self {
        assert!(dtype.is_small_integer(), "{dtype} has no exact histogram");
        Self { counts: Counts::exact(dtype), edges: None, tables: vec![0; tables_for(dtype) * dtype.values()], pending: 0 }
    }

    /// f32 voxels between edges.
    pub fn binned(edges: Arc<Edges>) -> Self {
        let counts = Counts::binned(Dtype::F32, edges.bins());
        Self { counts, edges: Some(edges), tables: Vec::new(), pending: 0 }
    }

    /// Counts a block's voxels.
    ///
    /// # Panics
    /// If the block has another type, or the mask another length.
    pub fn add(&mut self, block: Block<'_>, mask: Option<&[u8]>) {
        assert_eq!(block.dtype, self.counts.dtype, "a block of another type");
        if let Some(mask) = mask {
            assert_eq!(mask.len(), block.len(), "a mask of another length");
        }
        if let Some(edges) = self.edges.clone() {
            self.add_floats(block.bytes, mask, &edges);
            return;
        }
        // Any one bin can get all voxels of the pieces until the next flush.
        const PIECE: usize = 1 << 30;
        let bytes = block.dtype.bytes();
        for (i, piece) in block.bytes.chunks(PIECE * bytes).enumerate() {
            let voxels = piece.len() / bytes;
            if self.pending + voxels as u64 > u64::from(u32::MAX) {
                self.flush();
            }
            self.pending += voxels as u64;
            let mask = mask.map(|m| &m[i * PIECE..i * PIECE + voxels]);
            match (bytes, mask) {
                (1, None) => count8(piece, &mut self.tables),
                (1, Some(mask)) => count8_masked(piece, mask, &mut self.tables),
                (_, None) => count16(piece, &mut self.tables),
                (_, Some(mask)) => count16_masked(piece, mask, &mut self.tables),
            }
        }
    }

    /// The counts.
    pub fn finish(mut self) -> Counts {
        self.flush();
        self.counts
    }

    fn flush(&mut self) {
        if self.pending == 0 {
            return;
        }
        let values = self.counts.bins.len();
        // Signed values, taken as unsigned, have their two halves swapped.
        let (low, high) = match self.counts.dtype {
            Dtype::I8 | Dtype::I16 => (values / 2, 0),
            _ => (0, values / 2),
        };
        for table in self.tables.chunks_exact_mut(values) {
            let (first, second) = table.split_at_mut(values / 2);
            for (half, at) in [(first, low), (second, high)] {
                for (sum, n) in self.counts.bins[at..].iter_mut().zip(half) {
                    *sum += u64::from(std::mem::take(n));
                }
            }
        }
        self.pending = 0;
    }

    fn add_floats(&mut self, bytes: &[u8], mask: Option<&[u8]>, edges: &Edges) {
        for (i, four) in bytes.chunks_exact(4).enumerate() {
            if mask.is_some_and(|m| m[i] == 0) {
                continue;
            }
            let x = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            if x.is_nan() {
                self.counts.nan += 1;
                continue;
            }
            match edges.bin(x) {
                Ok(bin) => self.counts.bins[bin] += 1,
                Err(Outside::Below) => self.counts.below += 1,
                Err(Outside::Above) => self.counts.above += 1,
            }
        }
    }
}

fn count8(bytes: &[u8], tables: &mut [u32]) {
    let (t, _) = tables.as_chunks_mut::<256>();
    let [a, b, c, d] = t else { unreachable!("exact() makes four tables") };
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        if word == word.rotate_left(8) {
            a[usize::from(eight[0])] += 8;
            continue;
        }
        a[usize::from(eight[0])] += 1;
        b[usize::from(eight[1])] += 1;
        c[usize::from(eight[2])] += 1;
        d[usize::from(eight[3])] += 1;
        a[usize::from(eight[4])] += 1;
        b[usize::from(eight[5])] += 1;
        c[usize::from(eight[6])] += 1;
        d[usize::from(eight[7])] += 1;
    }
    for &byte in rest {
        a[usize::from(byte)] += 1;
    }
}

/// One store for each voxel is what limits this; so runs of eight equal voxels, of which air and padding consist, take one for all.
fn count16(bytes: &[u8], tables: &mut [u32]) {
    let [a, b] = pair_of(tables);
    let (eights, rest) = bytes.as_chunks::<16>();
    for eight in eights {
        let words: &[[u8; 8]] = eight.as_chunks().0;
        let (low, high) = (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]));
        if low == high && low == low.rotate_left(16) {
            a[usize::from(low as u16)] += 8;
            continue;
        }
        let (pairs, _) = eight.as_chunks::<2>();
        for two in pairs.as_chunks::<2>().0 {
            a[usize::from(u16::from_le_bytes(two[0]))] += 1;
            b[usize::from(u16::from_le_bytes(two[1]))] += 1;
        }
    }
    for pair in rest.as_chunks().0 {
        a[usize::from(u16::from_le_bytes(*pair))] += 1;
    }
}

fn count8_masked(bytes: &[u8], mask: &[u8], tables: &mut [u32]) {
    let (tables, _) = tables.as_chunks_mut::<256>();
    let [a, b, ..] = tables else { unreachable!("exact() makes four tables") };
    let (eights, rest) = bytes.as_chunks::<8>();
    let (masks, mask_rest) = mask.as_chunks::<8>();
    for (eight, mask) in eights.iter().zip(masks) {
        // Masks are empty over most of a volume.
        if u64::from_le_bytes(*mask) == 0 {
            continue;
        }
        for i in 0..4 {
            a[usize::from(eight[2 * i])] += u32::from(mask[2 * i] != 0);
            b[usize::from(eight[2 * i + 1])] += u32::from(mask[2 * i + 1] != 0);
        }
    }
    for (&byte, &m) in rest.iter().zip(mask_rest) {
        a[usize::from(byte)] += u32::from(m != 0);
    }
}

fn count16_masked(bytes: &[u8], mask: &[u8], tables: &mut [u32]) {
    let [a, b] = pair_of(tables);
    let (eights, rest) = bytes.as_chunks::<16>();
    let (masks, mask_rest) = mask.as_chunks::<8>();
    for (eight, mask) in eights.iter().zip(masks) {
        if u64::from_le_bytes(*mask) == 0 {
            continue;
        }
        let (pairs, _) = eight.as_chunks::<2>();
        for i in 0..4 {
            a[usize::from(u16::from_le_bytes(pairs[2 * i]))] += u32::from(mask[2 * i] != 0);
            b[usize::from(u16::from_le_bytes(pairs[2 * i + 1]))] += u32::from(mask[2 * i + 1] != 0);
        }
    }
    for (pair, &m) in rest.as_chunks().0.iter().zip(mask_rest) {
        a[usize::from(u16::from_le_bytes(*pair))] += u32::from(m != 0);
    }
}

fn pair_of(tables: &mut [u32]) -> [&mut [u32; 65_536]; 2] {
    let (tables, _) = tables.as_chunks_mut();
    let [a, b] = tables else { unreachable!("exact() makes two tables") };
    [a, b]
}
