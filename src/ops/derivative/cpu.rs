//! Derivatives on one thread of the CPU, row by row, in f64, which holds every number that comes up exactly.

use std::ops::Range;

use super::{Derivative, DerivativeKind};
use crate::ops::whole::{self, Summand, Whole};
use crate::volume::Dtype;

/// Writes the derivative at the voxels of `inner`, ranges of x, y and z, to `out`, as levels, little-endian f32. `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If the type has no sums, `inner` is not inside of `shape`, or `tile` or `out` has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], derivative: &Derivative, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { cpu_avx2(dtype, tile, shape, inner, derivative, out) };
    }
    cpu_portable(dtype, tile, shape, inner, derivative, out);
}

/// The same code; with AVX2 vectors are twice as wide, and rounding is one instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn cpu_avx2(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], derivative: &Derivative, out: &mut [u8]) {
    cpu_portable(dtype, tile, shape, inner, derivative, out);
}

#[inline(always)]
pub(super) fn cpu_portable(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    derivative: &Derivative,
    out: &mut [u8],
) {
    whole::check(dtype, tile, shape, inner, (out, Dtype::F32));
    if out.is_empty() {
        return;
    }
    let shortened = 1.0 / f64::from(1u32 << derivative.shift(dtype));
    let factors = derivative.factors.map(|factor| f64::from(factor) * shortened);
    let work = DerivativeWork { kind: derivative.kind, factors, shape, inner };
    match dtype {
        Dtype::U8 => work.run::<1, u8>(tile, out),
        Dtype::I8 => work.run::<1, i8>(tile, out),
        Dtype::U16 => work.run::<2, u16>(tile, out),
        Dtype::I16 => work.run::<2, i16>(tile, out),
        _ => work.run::<4, f32>(tile, out),
    }
}

struct DerivativeWork<'a> {
    kind: DerivativeKind,
    factors: [f64; 3],
    shape: [usize; 3],
    inner: &'a [Range<usize>; 3],
}

impl DerivativeWork<'_> {
    #[inline(always)]
    fn run<const BYTES: usize, W: Whole<BYTES>>(&self, tile: &[u8], out: &mut [u8]) {
        let voxels: &[[u8; BYTES]] = tile.as_chunks().0;
        let ([across, rows, slices], [columns, ..]) = (self.shape, self.inner);
        let number = |bytes: &[u8; BYTES]| W::load(*bytes).wide();
        let width = columns.len();
        // A voxel more on both sides.
        let mut row = vec![0.0; width + 2];
        let mut results = out.as_chunks_mut::<4>().0.chunks_exact_mut(width);
        for z in self.inner[2].clone() {
            for (y, results) in self.inner[1].clone().zip(&mut results) {
                let line = |y: usize, z: usize| &voxels[(z * rows + y) * across..][..across];
                let own = line(y, z);
                row[0] = number(&own[columns.start.saturating_sub(1)]);
                row[width + 1] = number(&own[columns.end.min(across - 1)]);
                row[1..].iter_mut().zip(&own[columns.clone()]).for_each(|(to, voxel)| *to = number(voxel));
                let beside = [y.saturating_sub(1), (y + 1).min(rows - 1)].map(|y| &line(y, z)[columns.clone()]);
                let above = [z.saturating_sub(1), (z + 1).min(slices - 1)].map(|z| &line(y, z)[columns.clone()]);
                let pairs =
                    |x: usize| [[row[x], row[x + 2]], beside.map(|line| number(&line[x])), above.map(|line| number(&line[x]))];
                match self.kind {
                    DerivativeKind::GradientMagnitude => {
                        for (x, to) in results.iter_mut().enumerate() {
                            let [a, b, c] = pairs(x).map(|[before, after]| after - before);
                            let squares = [a * self.factors[0], b * self.factors[1], c * self.factors[2]].map(squared);
                            // A voxel that is NaN counts, too.
                            let sum = squares[0] + squares[1] + squares[2] + 0.0 * row[x + 1];
                            // No root of a whole number comes so near to a half as to be rounded wrong: (n + 1/2)² is none, and a quarter from the nearest.
                            *to = f32::store((sum.sqrt() + 0.5).floor());
                        }
                    }
                    DerivativeKind::Laplacian => {
                        for (x, to) in results.iter_mut().enumerate() {
                            let [a, b, c] = pairs(x).map(|[before, after]| before + after - 2.0 * row[x + 1]);
                            let [a, b, c] = [a * self.factors[0], b * self.factors[1], c * self.factors[2]].map(rounded);
                            *to = f32::store(a + b + c);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn squared(product: f64) -> f64 {
    let whole = (product.abs() + 0.5).floor();
    whole * whole
}

/// Halves away from 0.
#[inline(always)]
fn rounded(product: f64) -> f64 {
    (product.abs() + 0.5).floor().copysign(product)
}
