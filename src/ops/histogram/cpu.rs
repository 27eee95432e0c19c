//! Counting on one thread of the CPU.

use std::sync::Arc;

use super::edges::{Edges, Outside};
use crate::volume::{Block, Counts, Dtype};

/// Tables that voxels of one block take in turn, so that a run of equal values is not one long chain of increments of one
/// word in memory.
const TABLES: usize = 4;

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
    /// For integers: [`TABLES`] tables of u32, interleaved by table, not by bin.
    tables: Vec<u32>,
    /// Voxels in `tables`.
    pending: u64,
}

impl Tally {
    /// One bin for each value of an 8- or 16-bit integer type.
    pub fn exact(dtype: Dtype) -> Self {
        assert!(dtype.is_small_integer(), "{dtype} has no exact histogram");
        Self { counts: Counts::exact(dtype), edges: None, tables: vec![0; TABLES * dtype.values()], pending: 0 }
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
            match (block.dtype, mask) {
                (Dtype::U8, None) => count8(piece, 0, &mut self.tables),
                (Dtype::I8, None) => count8(piece, 0x80, &mut self.tables),
                (Dtype::U16, None) => count16(piece, 0, &mut self.tables),
                (Dtype::I16, None) => count16(piece, 0x8000, &mut self.tables),
                (dtype, Some(mask)) => count_masked(piece, dtype, mask, &mut self.tables),
                _ => unreachable!("exact() takes small integers only"),
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
        for table in self.tables.chunks_exact_mut(values) {
            for (sum, n) in self.counts.bins.iter_mut().zip(table) {
                *sum += u64::from(std::mem::take(n));
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

fn count8(bytes: &[u8], sign: u8, tables: &mut [u32]) {
    let (t, _) = tables.as_chunks_mut::<256>();
    let [a, b, c, d] = t else { unreachable!("exact() makes four tables") };
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ (u64::from(sign) * 0x0101_0101_0101_0101);
        a[(word & 0xff) as usize] += 1;
        b[((word >> 8) & 0xff) as usize] += 1;
        c[((word >> 16) & 0xff) as usize] += 1;
        d[((word >> 24) & 0xff) as usize] += 1;
        a[((word >> 32) & 0xff) as usize] += 1;
        b[((word >> 40) & 0xff) as usize] += 1;
        c[((word >> 48) & 0xff) as usize] += 1;
        d[(word >> 56) as usize] += 1;
    }
    for &byte in rest {
        a[usize::from(byte ^ sign)] += 1;
    }
}

fn count16(bytes: &[u8], sign: u16, tables: &mut [u32]) {
    let (t, _) = tables.as_chunks_mut::<65_536>();
    let [a, b, c, d] = t else { unreachable!("exact() makes four tables") };
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ (u64::from(sign) * 0x0001_0001_0001_0001);
        a[(word & 0xffff) as usize] += 1;
        b[((word >> 16) & 0xffff) as usize] += 1;
        c[((word >> 32) & 0xffff) as usize] += 1;
        d[(word >> 48) as usize] += 1;
    }
    for pair in rest.chunks_exact(2) {
        a[usize::from(u16::from_le_bytes([pair[0], pair[1]]) ^ sign)] += 1;
    }
}

fn count_masked(bytes: &[u8], dtype: Dtype, mask: &[u8], tables: &mut [u32]) {
    let table = &mut tables[..dtype.values()];
    match dtype {
        Dtype::U8 | Dtype::I8 => {
            let sign = if dtype == Dtype::I8 { 0x80 } else { 0 };
            for (&byte, &m) in bytes.iter().zip(mask) {
                table[usize::from(byte ^ sign)] += u32::from(m != 0);
            }
        }
        _ => {
            let sign = if dtype == Dtype::I16 { 0x8000 } else { 0 };
            for (pair, &m) in bytes.chunks_exact(2).zip(mask) {
                table[usize::from(u16::from_le_bytes([pair[0], pair[1]]) ^ sign)] += u32::from(m != 0);
            }
        }
    }
}
