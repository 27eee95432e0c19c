//! Straight pieces on one thread of the CPU.

use crate::analysis::pieces::Pieces;
use crate::volume::keys::order_key;
use crate::volume::{Block, Dtype};

/// Pieces ready for voxels.
#[derive(Debug, Clone)]
pub struct Polyline {
    pub(super) keys: Vec<u32>,
    /// First value, result there, slope.
    pub(super) lines: Vec<[f32; 3]>,
}

impl Polyline {
    /// These pieces.
    ///
    /// # Panics
    /// If there are none, or they do not ascend: [`pieces`](crate::analysis::pieces::pieces) makes others.
    pub fn new(pieces: &Pieces) -> Self {
        let keys: Vec<u32> = pieces.from.iter().map(|x| order_key(x.to_bits())).collect();
        assert!(!keys.is_empty() && keys.windows(2).all(|pair| pair[0] < pair[1]), "pieces do not ascend");
        let lines = pieces.from.iter().zip(&pieces.start).zip(&pieces.slope).map(|((x, y), s)| [*x, *y, *s]).collect();
        Self { keys, lines }
    }

    /// The result for one value.
    pub fn get(&self, x: f32) -> f32 {
        if x.is_nan() {
            return f32::NAN;
        }
        let key = order_key(x.to_bits());
        let last = self.keys.len() - 1;
        match self.keys.partition_point(|k| *k <= key) {
            0 => self.lines[0][1],
            n if n > last => self.lines[last][1],
            n => {
                let [from, start, slope] = self.lines[n - 1];
                start + slope * (x - from)
            }
        }
    }
}

/// Writes the results for a block of f32 to `out`, little-endian f32.
///
/// # Panics
/// If the block is not f32, or `out` has another number of voxels.
pub fn cpu(block: Block<'_>, curve: &Polyline, out: &mut [u8]) {
    assert_eq!(block.dtype, Dtype::F32, "pieces are for float32");
    assert_eq!(out.len(), block.bytes.len(), "an output of another length");
    for (four, out) in block.bytes.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
        let x = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        out.copy_from_slice(&curve.get(x).to_le_bytes());
    }
}
