//! The sums of a Gaussian in vectors of four numbers.

use std::arch::x86_64::*;

use super::LANES;

const PARTS: usize = LANES / 4;

/// floor(sum · scale + 1/2) of a kernel's weights over rows of `data` that lie `stride` apart.
#[target_feature(enable = "avx2")]
#[inline]
pub fn sums(data: &[f64], stride: usize, weights: &[f64], scale: f64, out: &mut [f64; LANES]) {
    let reach = weights.len() - 1;
    assert!(2 * reach * stride + LANES <= data.len(), "rows have room for whole vectors");
    let load = |at: usize, part: usize| {
        // SAFETY: `at` is at most 2 * reach * stride, and 4 * part + 4 at most LANES: inside of `data`, as was asked above.
        unsafe { _mm256_loadu_pd(data.as_ptr().add(at + 4 * part)) }
    };
    let first = _mm256_set1_pd(weights[0]);
    let mut sums = [_mm256_setzero_pd(); PARTS];
    for (part, sum) in sums.iter_mut().enumerate() {
        *sum = _mm256_mul_pd(first, load(reach * stride, part));
    }
    for (k, weight) in weights.iter().enumerate().skip(1) {
        let (a, b, weight) = ((reach - k) * stride, (reach + k) * stride, _mm256_set1_pd(*weight));
        for (part, sum) in sums.iter_mut().enumerate() {
            let both = _mm256_add_pd(load(a, part), load(b, part));
            *sum = _mm256_add_pd(*sum, _mm256_mul_pd(weight, both));
        }
    }
    let (scale, half) = (_mm256_set1_pd(scale), _mm256_set1_pd(0.5));
    for (sum, to) in sums.into_iter().zip(out.as_chunks_mut::<4>().0) {
        let rounded = _mm256_floor_pd(_mm256_add_pd(_mm256_mul_pd(sum, scale), half));
        // SAFETY: an unaligned store of four numbers.
        unsafe { _mm256_storeu_pd(to.as_mut_ptr(), rounded) };
    }
}
