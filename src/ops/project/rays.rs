//! What is known of rays, and what becomes of it.

use super::{Beams, Fold};
use crate::volume::{Dtype, keys};

/// What is known of rays, in the order of the voxels of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rays {
    /// Of each the greatest key (of turned keys where the least is wanted; all bits for NaN), the key in the middle, the sum of the keys, or the bits of the f64 sum of
    /// the values.
    pub values: Vec<u64>,
    /// How many of its voxels count.
    pub counts: Vec<u32>,
}

impl Rays {
    /// So many rays that have met no voxel.
    pub fn none(rays: usize) -> Self {
        Self { values: vec![0; rays], counts: vec![0; rays] }
    }

    /// The stored value that was selected, right-aligned; none where no voxel counts.
    pub fn selected(&self, beams: &Beams, ray: usize) -> Option<u64> {
        if self.counts[ray] == 0 {
            return None;
        }
        let (value, (first, last)) = (self.values[ray], keys::numbers(beams.dtype));
        let key = value ^ beams.turn();
        let nan = value == all(beams.dtype) || !(first..=last).contains(&key);
        Some(if nan && !beams.dtype.is_integer() { nan_of(beams.dtype) } else { keys::stored(beams.dtype, key) })
    }

    /// The stored value nearest to the mean of those that count, halves up; none where none does.
    pub fn mean(&self, beams: &Beams, ray: usize) -> Option<u64> {
        let count = self.counts[ray];
        if count == 0 {
            return None;
        }
        if beams.sums_floats() {
            let mean = f64::from_bits(self.values[ray]) / f64::from(count);
            let mut bytes = [0; 8];
            let to = &mut bytes[..beams.dtype.bytes()];
            beams.dtype.encode(if beams.dtype.is_integer() { (mean + 0.5).floor() } else { mean }, to);
            return Some(if mean.is_nan() { nan_of(beams.dtype) } else { u64::from_le_bytes(bytes) });
        }
        let (sum, count) = (u128::from(self.values[ray]), u128::from(count));
        Some(keys::stored(beams.dtype, ((2 * sum + count) / (2 * count)) as u64))
    }

    /// The sum of the stored values that count, and how many they are. Of whole numbers of up to 32 bits it is exact where it is below 2⁵³.
    pub fn sum(&self, beams: &Beams, ray: usize) -> (f64, u32) {
        let count = self.counts[ray];
        if beams.sums_floats() {
            return (f64::from_bits(self.values[ray]), count);
        }
        // Key 0 is the least stored value.
        let least = -i128::from(keys::sign_bit(beams.dtype));
        ((i128::from(self.values[ray]) + least * i128::from(count)) as f64, count)
    }

    /// Whether a fold wants rays whole.
    pub const fn wants_whole(fold: Fold) -> bool {
        matches!(fold, Fold::Middle { .. })
    }
}

const fn all(dtype: Dtype) -> u64 {
    u64::MAX >> (64 - 8 * dtype.bytes())
}

/// The one NaN that results have.
const fn nan_of(dtype: Dtype) -> u64 {
    match dtype {
        Dtype::F64 => 0x7ff8 << 48,
        _ => 0x7fc0_0000,
    }
}
