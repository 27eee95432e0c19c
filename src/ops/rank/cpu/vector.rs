//! Vectors of 32 numbers, from rows and back.

use std::arch::x86_64::*;

use super::piece::{STRIDE, WIDTH};

/// 32 numbers of 16 bits.
#[derive(Clone, Copy)]
pub struct Words(pub __m256i, pub __m256i);

impl Words {
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn zero() -> Self {
        Self(_mm256_setzero_si256(), _mm256_setzero_si256())
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn widen(bytes: __m256i) -> Self {
        Self(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes)), _mm256_cvtepu8_epi16(_mm256_extracti128_si256::<1>(bytes)))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn of(bytes: &[u8; WIDTH]) -> Self {
        Self::widen(load(bytes))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn load(from: &[u16; WIDTH]) -> Self {
        // SAFETY: 32 numbers of 2 bytes are what two unaligned loads read.
        unsafe { Self(_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from[16..].as_ptr().cast())) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn store(self, to: &mut [u16; WIDTH]) {
        // SAFETY: 32 numbers of 2 bytes are what two unaligned stores write.
        unsafe {
            _mm256_storeu_si256(to.as_mut_ptr().cast(), self.0);
            _mm256_storeu_si256(to[16..].as_mut_ptr().cast(), self.1);
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn add(self, other: Self) -> Self {
        Self(_mm256_add_epi16(self.0, other.0), _mm256_add_epi16(self.1, other.1))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn sub(self, other: Self) -> Self {
        Self(_mm256_sub_epi16(self.0, other.0), _mm256_sub_epi16(self.1, other.1))
    }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn load(from: &[u8; WIDTH]) -> __m256i {
    // SAFETY: an unaligned load of the 32 bytes.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn store(to: &mut [u8; WIDTH], value: __m256i) {
    // SAFETY: an unaligned store of the 32 bytes.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), value) }
}

/// 32 bytes of a row.
#[target_feature(enable = "avx2")]
#[inline]
pub fn part(row: &[u8; STRIDE], from: usize) -> __m256i {
    load(row[from..].first_chunk().expect("a row with its halo is no longer than the stride"))
}
