//! Which values a workgroup counts privately.

use crate::volume::{Block, Dtype};

/// A range of 2^`log2` bins that holds the frequent values. Only speed depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivateWindow {
    pub(super) first: u32,
    pub(super) log2: u32,
}

/// Private bins are 4,096 = 2^12 (`PRIVATE` in the shader; a test compares the two).
pub(super) const MOST_LOG2: u32 = 12;
const SAMPLES: usize = 1 << 14;

impl PrivateWindow {
    /// A guess from the type alone: all values of 8-bit types, 0 to 4,095 of u16, -1,024 to 3,071 of i16 (CT).
    pub fn of(dtype: Dtype) -> Self {
        match dtype {
            Dtype::U8 | Dtype::I8 => Self { first: 0, log2: 8 },
            Dtype::I16 => Self { first: 0x8000 - 1024, log2: MOST_LOG2 },
            _ => Self { first: 0, log2: MOST_LOG2 },
        }
    }

    /// The smallest window that holds nearly all of a sample of these voxels.
    pub fn from_sample(block: Block<'_>) -> Self {
        let (Dtype::U16 | Dtype::I16) = block.dtype else { return Self::of(block.dtype) };
        const CELL: usize = 256;
        let mut cells = [0u32; 65_536 / CELL];
        let stride = (block.len() / SAMPLES).max(1);
        for pair in block.bytes.chunks_exact(2).step_by(stride) {
            let stored = u16::from_le_bytes([pair[0], pair[1]]);
            let bin = if block.dtype == Dtype::I16 { stored ^ 0x8000 } else { stored };
            cells[usize::from(bin) / CELL] += 1;
        }
        let best = |log2: u32| {
            let width = (1 << log2) / CELL;
            let sum = |at: usize| cells[at..at + width].iter().sum::<u32>();
            (0..=cells.len() - width).map(|at| (sum(at), std::cmp::Reverse(at))).max().map(|(n, at)| (n, at.0)).unwrap_or((0, 0))
        };
        let (most, _) = best(MOST_LOG2);
        let enough = most - most / 256;
        (8..=MOST_LOG2)
            .map(|log2| (log2, best(log2)))
            .find(|(_, (n, _))| *n >= enough)
            .map_or(Self::of(block.dtype), |(log2, (_, cell))| Self { first: (cell * CELL) as u32, log2 })
    }
}
