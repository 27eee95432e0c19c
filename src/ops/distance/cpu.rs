//! Squared distances on the CPU: x run by run, then y and z by [columns](super::columns).
//!
//! Rows are independent in x, slices in y, strips of columns in z, so that a volume larger than memory goes through a file: [`RowPass`] for each row, then [`Searched::search`]
//! for each strip of columns.

use rayon::prelude::*;

use super::search::Searched;
use super::word::{SquareWord, squares};
use crate::ops::bits::{LabelType, Spans};

/// Lanes of a strip of columns through all slices: enough to keep the list of its parts short.
pub(super) const STRIP: usize = 256;

/// Writes the squared distance of each voxel of `mask` to the nearest background voxel of the volume, and says whether there is one; without, all of `out` is all ones.
///
/// # Panics
/// If `mask` or `out` has another length than `shape`, or `T` does not hold the square of the diagonal.
pub fn squared<T: Searched>(mask: &[u8], shape: [usize; 3], weights: [u64; 3], out: &mut [T]) -> bool {
    assert_eq!(mask.len(), shape.iter().product::<usize>(), "a mask of another length");
    assert_eq!(out.len(), mask.len(), "an output of another length");
    if mask.is_empty() {
        return false;
    }
    let ([nx, ny, nz], weights) = squeezed(shape, weights);
    check::<T>([nx, ny, nz], weights);
    let rows = RowPass::new(nx, weights[0]);
    let slices = mask.par_chunks_exact(nx * ny).zip(out.par_chunks_exact_mut(nx * ny));
    let found = slices.map(|(mask, out)| {
        let mut words = vec![0; nx.div_ceil(64)];
        for (mask, row) in mask.chunks_exact(nx).zip(out.chunks_exact_mut(nx)) {
            u8::pack(mask, &mut words);
            rows.squares(&words, row);
        }
        T::search(&mut out.chunks_exact_mut(nx).collect::<Vec<_>>(), weights[1]);
        out[0] != T::FAR
    });
    if !found.reduce(|| false, |a, b| a | b) {
        out.fill(T::NONE);
        return false;
    }
    if nz > 1 {
        let lanes = nx * STRIP.div_ceil(nx).min(ny);
        strips(out, nx * ny, lanes).into_par_iter().for_each(|mut rows| T::search(&mut rows, weights[2]));
    }
    true
}

/// The first axis: how far along its own row each voxel of the foreground lies from the background.
#[derive(Debug)]
pub struct RowPass<T> {
    /// Of 0, 1, 2 ... steps, and backwards: whole runs are copied.
    squares: Vec<T>,
    downwards: Vec<T>,
}

impl<T: SquareWord> RowPass<T> {
    /// For rows of `n` voxels that lie `weight` apart.
    pub fn new(n: usize, weight: u64) -> Self {
        let squares = squares(n, weight);
        Self { downwards: squares.iter().rev().copied().collect(), squares }
    }

    /// The squared distances along a row, whose foreground is the ones of `words`; [`SquareWord::FAR`] where it has no background.
    ///
    /// # Panics
    /// If the row has another length than was said.
    pub fn squares(&self, words: &[u64], out: &mut [T]) {
        let n = out.len();
        assert_eq!(n + 1, self.squares.len(), "a row of another length");
        out.fill(T::default());
        for (start, end) in Spans::of(words, n) {
            let Some(rising) = rising((start, end), n) else { return out.fill(T::FAR) };
            let len = end - start;
            if len < 16 {
                // Too short to call for a copy.
                (0..rising).for_each(|i| out[start + i] = self.squares[i + 1]);
                (0..len - rising).for_each(|i| out[end - 1 - i] = self.squares[i + 1]);
                continue;
            }
            out[start..start + rising].copy_from_slice(&self.squares[1..=rising]);
            out[start + rising..end].copy_from_slice(&self.downwards[n - (len - rising)..n]);
        }
    }

    /// The same, and each voxel of `carried` takes what the nearest one of its row has, at equal distances the first one's; where there is none it stays.
    ///
    /// # Panics
    /// If a row has another length than was said.
    pub fn nearest<C: Copy>(&self, words: &[u64], out: &mut [T], carried: &mut [C]) {
        assert_eq!(out.len(), carried.len(), "a row of another length");
        self.squares(words, out);
        for (start, end) in Spans::of(words, carried.len()) {
            let Some(rising) = rising((start, end), carried.len()) else { return };
            let (before, after) = (start.checked_sub(1).map(|i| carried[i]), carried.get(end).copied());
            if let Some(before) = before {
                carried[start..start + rising].fill(before);
            }
            if let Some(after) = after {
                carried[start + rising..end].fill(after);
            }
        }
    }
}

/// How many voxels of a run are nearest to what lies before it, the middle one included; none if nothing does on either side.
fn rising((start, end): (usize, usize), n: usize) -> Option<usize> {
    match (start > 0, end < n) {
        (true, true) => Some((end - start).div_ceil(2)),
        (true, false) => Some(end - start),
        (false, true) => Some(0),
        (false, false) => None,
    }
}

/// Axes of one voxel moved to the end, which leaves the order of voxels as it is and makes rows and lanes as long as they can be.
pub(super) fn squeezed(shape: [usize; 3], weights: [u64; 3]) -> ([usize; 3], [u64; 3]) {
    let mut axes = [0, 1, 2];
    axes.sort_by_key(|axis| shape[*axis] == 1);
    (axes.map(|axis| shape[axis]), axes.map(|axis| weights[axis]))
}

/// # Panics
/// If `T` does not hold the square of the diagonal, or a weight is 0 on an axis of several voxels.
pub(super) fn check<T: SquareWord>(shape: [usize; 3], weights: [u64; 3]) {
    assert!(fits::<T>(shape, weights), "weights {weights:?} are too large for {shape:?}");
    assert!((0..3).all(|axis| shape[axis] == 1 || weights[axis] > 0), "a weight of 0: {weights:?}");
}

/// Whether `T` holds the square of the diagonal of a box of this shape.
pub fn fits<T: SquareWord>(shape: [usize; 3], weights: [u64; 3]) -> bool {
    let along = |axis: usize| (shape[axis] as u128 - 1).checked_mul(u128::from(weights[axis])).and_then(|d| d.checked_mul(d));
    let diagonal = (0..3).try_fold(0u128, |sum, axis| sum.checked_add(along(axis)?));
    diagonal.is_some_and(|d| d < u128::from(T::FAR.square()))
}

/// The rows of columns that go through blocks of `each` values, as strips of at most `lanes` columns: of each strip, its part of every block.
///
/// # Panics
/// If `lanes` or `each` is 0.
pub fn strips<T>(blocks: &mut [T], each: usize, lanes: usize) -> Vec<Vec<&mut [T]>> {
    let mut strips: Vec<Vec<&mut [T]>> = Vec::new();
    strips.resize_with(each.div_ceil(lanes), || Vec::with_capacity(blocks.len() / each));
    for block in blocks.chunks_exact_mut(each) {
        block.chunks_mut(lanes).zip(&mut strips).for_each(|(part, strip)| strip.push(part));
    }
    strips
}
