//! The integers that hold squared distances.

use std::fmt::Debug;
use std::ops::Add;

use super::columns::{outwards, search};

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

    /// The nearest over each column of `rows`, all of the same length, by the best way that the CPU knows.
    fn search(rows: &mut [&mut [Self]], weight: u64);
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

    fn search(rows: &mut [&mut [Self]], weight: u64) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return search(rows, weight, |rows, y, squares| unsafe { super::avx2::outwards_u32(rows, y, squares) });
        }
        search(rows, weight, outwards::<Self, 32, false>);
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

    fn search(rows: &mut [&mut [Self]], weight: u64) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return search(rows, weight, |rows, y, squares| unsafe { super::avx2::outwards_u64(rows, y, squares) });
        }
        search(rows, weight, outwards::<Self, 16, false>);
    }
}

/// The search for numbers of which none may be missed that is as near as the best so far and less than it: those that carry an index in their low bits.
pub(super) trait Ties: SquareWord {
    fn search_ties(rows: &mut [&mut [Self]], weight: u64);
}

impl Ties for u64 {
    fn search_ties(rows: &mut [&mut [Self]], weight: u64) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return search(rows, weight, |rows, y, squares| unsafe { super::avx2::outwards_ties(rows, y, squares) });
        }
        search(rows, weight, outwards::<Self, 16, true>);
    }
}
