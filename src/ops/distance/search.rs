//! The search over columns, by the best way that the CPU knows.

use super::columns::{outwards, search};
use super::word::SquareWord;

/// Squared distances that are searched over columns.
pub trait Searched: SquareWord {
    /// The nearest over each column of `rows`, all of the same length.
    fn search(rows: &mut [&mut [Self]], weight: u64);
}

impl Searched for u32 {
    fn search(rows: &mut [&mut [Self]], weight: u64) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return search(rows, weight, |rows, y, squares| unsafe { super::avx2::outwards_u32(rows, y, squares) });
        }
        search(rows, weight, outwards::<Self, 32, false>);
    }
}

impl Searched for u64 {
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
pub(super) trait Ties: Searched {
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
