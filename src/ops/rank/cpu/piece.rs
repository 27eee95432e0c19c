//! The block of voxels that is worked on at a time, with its halo, as rows of fixed width.

use std::ops::Range;

use super::super::Footprint;

/// Results beside each other in a block: one vector of bytes.
pub const WIDTH: usize = 32;

/// Voxels in a row of a block: with the halo of both sides, filled up.
pub const STRIDE: usize = 64;

/// What a look at a row takes in; the longest run of a window has 21.
pub const LOOK: usize = 32;

/// Rows of results in a block: more would share one search among voxels too far apart, fewer would have more halo than inside.
const ROWS: usize = 256;

/// Places along an axis are bytes.
const MOST_ROWS: usize = 128;

/// Different codes are 16 bits: a block with its halo has no more voxels than that, two codes left over.
const MOST_VOXELS: usize = (1 << 16) - 2;

/// What part of a tile is worked on, and where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// Place of the first result in the tile.
    pub origin: [usize; 3],
    /// Results along x, y and z, at most [`WIDTH`] along x.
    pub size: [usize; 3],
    pub reach: [usize; 3],
}

impl Piece {
    /// The blocks that make up `inner`, x fastest.
    pub fn all(inner: &[Range<usize>; 3], window: &Footprint) -> impl Iterator<Item = Self> {
        let reach = window.reach().map(|r| r as usize);
        let [_, y, z] = inner.clone();
        let size = size(inner.each_ref().map(ExactSizeIterator::len), reach);
        let block = move |x: &Range<usize>, y: usize, z: usize, ends: [usize; 3]| Self {
            origin: [x.start, y, z],
            size: [x.len(), size[1].min(ends[1] - y), size[2].min(ends[2] - z)],
            reach,
        };
        let ends = inner.each_ref().map(|range| range.end);
        let x: Vec<Range<usize>> = inner[0].clone().step_by(WIDTH).map(|x| x..(x + WIDTH).min(ends[0])).collect();
        z.step_by(size[2])
            .flat_map(move |z| y.clone().step_by(size[1]).map(move |y| (y, z)))
            .flat_map(move |(y, z)| x.iter().map(|x| block(x, y, z, ends)).collect::<Vec<_>>())
    }

    /// Rows with those of the halo, along y and z.
    pub fn rows(&self) -> [usize; 2] {
        [self.size[1] + 2 * self.reach[1], self.size[2] + 2 * self.reach[2]]
    }

    /// Voxels of a row that are looked at, from its first on.
    pub fn width(&self) -> usize {
        self.size[0] + 2 * self.reach[0]
    }

    /// Reads the block's voxels with their halo, row by row, and one row more, which is only there to be read past the end. Beyond the ends of the tile and
    /// of the block's width the outermost voxels go on.
    #[inline(always)]
    pub fn gather<T, const BYTES: usize>(
        &self,
        voxels: &[[u8; BYTES]],
        shape: [usize; 3],
        load: impl Fn([u8; BYTES]) -> T,
        rows: &mut Vec<[T; STRIDE]>,
    ) where
        T: Copy + Default,
    {
        let [high, deep] = self.rows();
        rows.resize(high * deep + 1, [T::default(); STRIDE]);
        let near = |axis: usize, at: usize| (self.origin[axis] + at).saturating_sub(self.reach[axis]).min(shape[axis] - 1);
        let before = self.reach[0].saturating_sub(self.origin[0]);
        let first = near(0, 0);
        let count = (self.width() - before).min(shape[0] - first);
        for (i, row) in rows[..high * deep].iter_mut().enumerate() {
            let from = &voxels[(near(2, i / high) * shape[1] + near(1, i % high)) * shape[0]..][first..first + count];
            row[before..before + count].iter_mut().zip(from).for_each(|(value, bytes)| *value = load(*bytes));
            let (left, right) = (row[before], row[before + count - 1]);
            row[..before].fill(left);
            row[before + count..].fill(right);
        }
    }
}

/// Rows of results: as deep as high, unless the input is flat.
fn size(inner: [usize; 3], reach: [usize; 3]) -> [usize; 3] {
    let deep = inner[2].min(16);
    let high = inner[1].min(ROWS / deep.max(1)).min(MOST_ROWS);
    let mut size = [inner[0].min(WIDTH), high.max(1), inner[2].min(ROWS / high.max(1)).clamp(1, MOST_ROWS)];
    let voxels = |size: [usize; 3]| (0..3).map(|a| size[a] + 2 * reach[a]).product::<usize>();
    while voxels(size) > MOST_VOXELS {
        let axis = if size[1] > size[2] { 1 } else { 2 };
        size[axis] -= 1;
    }
    size
}
