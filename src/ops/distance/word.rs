//! The integers that hold squared distances.

use std::fmt::Debug;
use std::ops::Add;

/// A type for squared distances: `u32` below 2³¹, `u64` below 2⁶².
pub trait SquareWord: bytemuck::Pod + Default + Ord + Add<Output = Self> + Debug + Send + Sync {
    /// No background yet. Greater than every distance, and a further square added to it does not wrap, nor change the sign that comparisons in vectors look at.
    const FAR: Self;

    /// All ones: there is no background at all.
    const NONE: Self;

    /// Whether it takes two words of 32 bits on a device.
    const WIDE: bool;

    /// From a number below [`SquareWord::FAR`] or `FAR` itself.
    fn from_square(square: u64) -> Self;

    /// As a number.
    fn square(self) -> u64;

    /// Whether this is less than the other one, by the comparison that vectors know.
    fn below(self, other: Self) -> bool;
}

impl SquareWord for u32 {
    const FAR: Self = 1 << 31;
    const NONE: Self = Self::MAX;
    const WIDE: bool = false;

    #[inline(always)]
    fn from_square(square: u64) -> Self {
        square as Self
    }

    #[inline(always)]
    fn square(self) -> u64 {
        u64::from(self)
    }

    #[inline(always)]
    fn below(self, other: Self) -> bool {
        self < other
    }
}

impl SquareWord for u64 {
    const FAR: Self = 1 << 62;
    const NONE: Self = Self::MAX;
    const WIDE: bool = true;

    #[inline(always)]
    fn from_square(square: u64) -> Self {
        square
    }

    #[inline(always)]
    fn square(self) -> u64 {
        self
    }

    // All sums are below 2⁶³, and AVX2 compares 64 bits with a sign only.
    #[inline(always)]
    fn below(self, other: Self) -> bool {
        (self as i64) < (other as i64)
    }
}

/// The squares of 0 to n - 1 steps, then [`SquareWord::FAR`].
pub(super) fn squares<T: SquareWord>(n: usize, weight: u64) -> Vec<T> {
    (0..n as u64).map(|k| T::from_square((weight * k).pow(2))).chain([T::FAR]).collect()
}
