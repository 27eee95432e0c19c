//! An exact histogram: the one thing that decisions are made from.

use super::Dtype;

/// How many voxels hold each value.
///
/// For 8- and 16-bit integers bin `i` counts the stored value `dtype.first() + i`. For f32 the bins lie between
/// [`Edges`](crate::ops::histogram::Edges) and `nan`, `below`, `above` count what lies in no bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Type of the voxels counted.
    pub dtype: Dtype,
    /// Voxels in each bin.
    pub bins: Vec<u64>,
    /// NaN voxels.
    pub nan: u64,
    /// Voxels below the first edge, -∞ included.
    pub below: u64,
    /// Voxels above the last edge, +∞ included.
    pub above: u64,
}

impl Counts {
    /// No voxels counted, one bin per value of an 8- or 16-bit integer type.
    pub fn exact(dtype: Dtype) -> Self {
        Self::binned(dtype, dtype.values())
    }

    /// No voxels counted, `bins` bins.
    pub fn binned(dtype: Dtype, bins: usize) -> Self {
        Self { dtype, bins: vec![0; bins], nan: 0, below: 0, above: 0 }
    }

    /// Adds the counts of other voxels. Both must have the same type and number of bins.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!((self.dtype, self.bins.len()), (other.dtype, other.bins.len()), "counts of different kinds");
        for (sum, n) in self.bins.iter_mut().zip(&other.bins) {
            *sum += n;
        }
        self.nan += other.nan;
        self.below += other.below;
        self.above += other.above;
    }

    /// Voxels in bins.
    pub fn total(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// The occupied bins of an integer histogram as (stored value, count), ascending.
    pub fn occupied(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        let first = self.dtype.first();
        self.bins.iter().enumerate().filter(|(_, n)| **n > 0).map(move |(i, &n)| (first + i as i32, n))
    }

    /// Sets the bins of stored values for which `keep` is false to zero and returns how many voxels those held.
    pub fn retain(&mut self, keep: impl Fn(i32) -> bool) -> u64 {
        let first = self.dtype.first();
        let mut dropped = 0;
        for (i, n) in self.bins.iter_mut().enumerate() {
            if *n > 0 && !keep(first + i as i32) {
                dropped += std::mem::take(n);
            }
        }
        dropped
    }
}
