//! The search outwards with the vectors of AVX2: the best values stay in registers.
//!
//! Written out because the compiler makes vectors of the [portable loop](super::columns) only by luck: a change elsewhere left it scalar, four times slower (measured).

use std::arch::x86_64::*;

use super::columns::{REACH, Strip};

/// `outwards` for one type: lanes, vectors, what is done to vectors.
macro_rules! outwards {
    ($name:ident, $type:ty, $lanes:literal, $splat:expr, $add:expr, $min:expr, $above:expr) => {
        /// The least values of row `y`, unless the search went too far.
        #[target_feature(enable = "avx2")]
        pub(super) fn $name(rows: &[Strip<$type, $lanes>], y: usize, squares: &[$type]) -> Option<Strip<$type, $lanes>> {
            let mut best = vectors(&rows[y].0);
            // Zipped from where they begin, the two sides need no check of bounds.
            let (before, after) = (&rows[..y], &rows[y + 1..]);
            let both = before.len().min(after.len()).min(REACH);
            for ((a, b), square) in before.iter().rev().zip(after).zip(&squares[1..]).take(both) {
                let square = $splat(*square);
                if !$above(best, square) {
                    return Some(Strip(lanes(best)));
                }
                let (a, b) = (vectors(&a.0), vectors(&b.0));
                (0..4).for_each(|i| best[i] = $min(best[i], $add($min(a[i], b[i]), square)));
            }
            // One end is reached: on along the other side.
            let longest = before.len().max(after.len());
            for k in both + 1..=longest.min(REACH) {
                let square = $splat(squares[k]);
                if !$above(best, square) {
                    return Some(Strip(lanes(best)));
                }
                let a = vectors(if k <= after.len() { &after[k - 1].0 } else { &before[y - k].0 });
                (0..4).for_each(|i| best[i] = $min(best[i], $add(a[i], square)));
            }
            (longest <= REACH || !$above(best, $splat(squares[REACH + 1]))).then(|| Strip(lanes(best)))
        }
    };
}

outwards!(
    outwards_u32,
    u32,
    32,
    |n: u32| _mm256_set1_epi32(n as i32),
    |a, b| _mm256_add_epi32(a, b),
    |a, b| _mm256_min_epu32(a, b),
    any_above_u32
);
outwards!(outwards_u64, u64, 16, |n: u64| _mm256_set1_epi64x(n as i64), |a, b| _mm256_add_epi64(a, b), min_u64, any_above_u64);

outwards!(
    outwards_ties,
    u64,
    16,
    |n: u64| _mm256_set1_epi64x(n as i64),
    |a, b| _mm256_add_epi64(a, b),
    min_u64,
    |best, square| any_above_u64(best, _mm256_sub_epi64(square, _mm256_set1_epi64x(1)))
);

#[inline]
#[target_feature(enable = "avx2")]
fn any_above_u32(v: [__m256i; 4], square: __m256i) -> bool {
    let most = _mm256_max_epu32(_mm256_max_epu32(v[0], v[1]), _mm256_max_epu32(v[2], v[3]));
    _mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(most, square), square)) != -1
}

// All sums are below 2⁶³: the only comparison there is, with a sign, serves.
#[inline]
#[target_feature(enable = "avx2")]
fn min_u64(a: __m256i, b: __m256i) -> __m256i {
    _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b))
}

#[inline]
#[target_feature(enable = "avx2")]
fn any_above_u64(v: [__m256i; 4], square: __m256i) -> bool {
    let above = v.map(|v| _mm256_cmpgt_epi64(v, square));
    _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(above[0], above[1]), _mm256_or_si256(above[2], above[3]))) != 0
}

/// Integers whose every bit pattern is a value: 128 bytes of them are four vectors, and back.
trait VectorLanes: Copy {}
impl VectorLanes for u32 {}
impl VectorLanes for u64 {}

#[inline(always)]
fn vectors<T: VectorLanes, const N: usize>(values: &[T; N]) -> [__m256i; 4] {
    const { assert!(size_of::<[T; N]>() == 128) };
    // SAFETY: 128 bytes are read, as many as there are, of a type without invalid bits; `read_unaligned` asks for no alignment.
    unsafe { std::ptr::from_ref(values).cast::<[__m256i; 4]>().read_unaligned() }
}

#[inline(always)]
fn lanes<T: VectorLanes, const N: usize>(vectors: [__m256i; 4]) -> [T; N] {
    const { assert!(size_of::<[T; N]>() == 128) };
    // SAFETY: as above.
    unsafe { std::ptr::from_ref(&vectors).cast::<[T; N]>().read_unaligned() }
}
