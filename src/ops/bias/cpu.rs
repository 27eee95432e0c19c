//! Sums and gains on all threads.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::analysis::tissue::{BlockGrid, BlockSums, LevelSpace, MOST_NODE, NODES_PER_NAT, NodePair};
use crate::ops::hmrf::{OUTSIDE, SoftWeights};

/// Working values.
const WORKING: usize = 1 << 14;

/// round(1024 ln w), 0 for w = 0.
pub(super) fn logarithms() -> &'static [u32; WORKING] {
    static TABLE: OnceLock<Box<[u32; WORKING]>> = OnceLock::new();
    TABLE.get_or_init(|| Box::new(std::array::from_fn(|w| (1024.0 * libm::log(w.max(1) as f64)).round() as u32)))
}

/// round(2¹⁴ e⁻ᵇ) for b from -[`MOST_NODE`] on.
pub(super) fn gains() -> &'static [u32] {
    static TABLE: OnceLock<Vec<u32>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let gain = |b: i32| (16384.0 * libm::exp(-f64::from(b) / NODES_PER_NAT)).round() as u32;
        (-MOST_NODE..=MOST_NODE).map(gain).collect()
    })
}

/// Adds the weights and logarithms of some slices, from slice `first` on, to the sums over blocks. `weights` has the slices themselves from its slice `from` on.
///
/// # Panics
/// If lengths do not fit.
pub fn add_block_sums(
    (working, first): (&[u16], usize),
    (weights, from): (&SoftWeights, usize),
    grid: &BlockGrid,
    sums: &mut BlockSums,
) {
    let [nx, ny, nz] = grid.shape;
    let (slice, last) = (nx * ny, first + working.len() / (nx * ny));
    assert!(working.len().is_multiple_of(slice) && last <= nz, "working values of another length");
    let (classes, logs) = (weights.classes(), logarithms());
    let layer = grid.blocks[0] * grid.blocks[1] * classes;
    let layers = sums.weights.par_chunks_mut(layer).zip(sums.logs.par_chunks_mut(layer)).enumerate();
    layers.for_each(|(block_z, (sums, log_sums))| {
        let side = block_z << grid.shift[2]..(block_z + 1) << grid.shift[2];
        for z in side.start.max(first)..side.end.min(last) {
            for y in 0..ny {
                let (row, at) = ((y >> grid.shift[1]) * grid.blocks[0], (z - first) * slice + y * nx);
                for (x, value) in working[at..at + nx].iter().enumerate().filter(|(_, value)| **value != OUTSIDE) {
                    let (block, log) = ((row + (x >> grid.shift[0])) * classes, logs[usize::from(*value) % WORKING]);
                    for class in 0..classes {
                        let weight = u32::from(weights.of_class(class)[from * slice + at + x]);
                        sums[block + class] += weight;
                        log_sums[block + class] += weight * log;
                    }
                }
            }
        }
    });
}

/// Nodes of a row of voxels: mixed along y and z.
struct NodeRow<'a> {
    grid: &'a BlockGrid,
    nodes: &'a [i32],
    mixed: Vec<i32>,
    along_x: Vec<NodePair>,
}

impl<'a> NodeRow<'a> {
    fn new(grid: &'a BlockGrid, nodes: &'a [i32]) -> Self {
        let along_x = (0..grid.shape[0]).map(|x| grid.between(0, x)).collect();
        Self { grid, nodes, mixed: vec![0; grid.blocks[0]], along_x }
    }

    fn go_to(&mut self, [y, z]: [usize; 2]) {
        let (grid, nodes) = (self.grid, self.nodes);
        let (y, z) = (grid.between(1, y), grid.between(2, z));
        let row = |y: usize, z: usize| &nodes[(z * grid.blocks[1] + y) * grid.blocks[0]..][..grid.blocks[0]];
        let (all_y, all_z) = (2 << grid.shift[1], 2 << grid.shift[2]);
        let rows = [0, 1, 2, 3].map(|i| row(y.nodes[i & 1], z.nodes[i >> 1]));
        for (x, mixed) in self.mixed.iter_mut().enumerate() {
            let mix = |i: usize| rows[i][x] * (all_y - y.part) + rows[i + 1][x] * y.part;
            *mixed = mix(0) * (all_z - z.part) + mix(2) * z.part;
        }
    }

    /// 13 bits of a node, 12 of weights: within 32 bits with the sign.
    #[inline(always)]
    fn at(&self, x: usize) -> i32 {
        let NodePair { nodes: [a, b], part } = self.along_x[x];
        let (bits, all) = (self.grid.bits(), 2 << self.grid.shift[0]);
        (self.mixed[a] * (all - part) + self.mixed[b] * part + (1 << (bits - 1))) >> bits
    }
}

/// Writes the levels of some slices, from slice `first` on. Of two channels, `channel` 0 is written first and 1 is added to it.
///
/// # Panics
/// If lengths do not fit, or a node is too large.
pub fn correct(
    (working, first): (&[u16], usize),
    (nodes, grid): (&[i32], &BlockGrid),
    (space, channel): (LevelSpace, usize),
    levels: &mut [u16],
) {
    let [nx, ny, nz] = grid.shape;
    let slice = nx * ny;
    assert!(levels.len() == working.len() && first * slice + working.len() <= nz * slice, "arrays of other lengths");
    assert!(nodes.len() == grid.len() && nodes.iter().all(|node| node.abs() <= MOST_NODE), "other nodes");
    let (gains, bits, top) = (gains(), 14 + space.bits(), space.top());
    let slices = levels.par_chunks_exact_mut(slice).zip(working.par_chunks_exact(slice)).enumerate();
    slices.for_each_init(
        || NodeRow::new(grid, nodes),
        |row, (z, (levels, working))| {
            for (y, (levels, working)) in levels.chunks_exact_mut(nx).zip(working.chunks_exact(nx)).enumerate() {
                row.go_to([y, first + z]);
                for (x, (level, value)) in levels.iter_mut().zip(working).enumerate() {
                    if *value == OUTSIDE {
                        *level = OUTSIDE;
                        continue;
                    }
                    let gain = gains[(row.at(x) + MOST_NODE) as usize];
                    let own = ((u32::from(*value) * gain + (1 << (bits - 1))) >> bits).min(top) as u16;
                    *level = if channel == 0 { own } else { *level << 8 | own };
                }
            }
        },
    );
}

/// Writes b of every voxel of slice `z`, in 1/4096 nat.
///
/// # Panics
/// If lengths do not fit.
pub fn log_field((nodes, grid): (&[i32], &BlockGrid), z: usize, out: &mut [i32]) {
    let [nx, ny, _] = grid.shape;
    assert!(out.len() == nx * ny && nodes.len() == grid.len(), "arrays of other lengths");
    let mut row = NodeRow::new(grid, nodes);
    for (y, out) in out.chunks_exact_mut(nx).enumerate() {
        row.go_to([y, z]);
        out.iter_mut().enumerate().for_each(|(x, out)| *out = row.at(x));
    }
}
