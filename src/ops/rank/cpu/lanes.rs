//! Keys of one width beside each other in a vector of 32 bytes, and the lesser and greater of each.

use std::arch::x86_64::*;

/// A vector of keys. Its methods need AVX2: they are only called inside functions that have it.
pub trait KeyLanes: Copy {
    type Key: Copy;

    /// # Safety
    /// The CPU has AVX2, and `from` and the keys after it that make up a vector can be read.
    unsafe fn load(from: *const Self::Key) -> Self;

    /// # Safety
    /// The CPU has AVX2, and `to` and the keys after it that make up a vector can be written.
    unsafe fn store(self, to: *mut Self::Key);

    /// The lesser and the greater.
    ///
    /// # Safety
    /// The CPU has AVX2.
    unsafe fn sorted(self, other: Self) -> (Self, Self);
}

macro_rules! lanes {
    ($($name:ident $key:ty, $a:ident $b:ident => $sorted:expr;)*) => {$(
        #[derive(Clone, Copy)]
        pub struct $name(__m256i);

        impl KeyLanes for $name {
            type Key = $key;

            #[inline(always)]
            unsafe fn load(from: *const $key) -> Self {
                // SAFETY: the caller's.
                Self(unsafe { _mm256_loadu_si256(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $key) {
                // SAFETY: the caller's.
                unsafe { _mm256_storeu_si256(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn sorted(self, other: Self) -> (Self, Self) {
                let ($a, $b) = (self.0, other.0);
                // SAFETY: the caller's.
                let (least, most) = unsafe { $sorted };
                (Self(least), Self(most))
            }
        }
    )*};
}

lanes! {
    Bytes u8, a b => (_mm256_min_epu8(a, b), _mm256_max_epu8(a, b));
    Shorts u16, a b => (_mm256_min_epu16(a, b), _mm256_max_epu16(a, b));
    Ints u32, a b => (_mm256_min_epu32(a, b), _mm256_max_epu32(a, b));
    // Comparisons know signed numbers only: the first bit is turned.
    Longs u64, a b => {
        let sign = _mm256_set1_epi64x(i64::MIN);
        let greater = _mm256_cmpgt_epi64(_mm256_xor_si256(a, sign), _mm256_xor_si256(b, sign));
        (_mm256_blendv_epi8(a, b, greater), _mm256_blendv_epi8(b, a, greater))
    };
}
