//! Means on one thread of the CPU: running sums along z and y over whole rows, and sums along x.

use std::ops::Range;

use super::MeanBox;
use crate::ops::whole::{self, Summand, Whole, around, extended};
use crate::volume::Dtype;

/// Windows along x from here on cost less as running sums, which no vectors help, than voxel by voxel.
const LONG: usize = 12;

/// Writes the means around the voxels of `inner`, ranges of x, y and z, to `out`, little-endian. `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If the type has no sums, `inner` is not inside of `shape`, or `tile` or `out` has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], mean: MeanBox, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { cpu_avx2(dtype, tile, shape, inner, mean, out) };
    }
    cpu_portable(dtype, tile, shape, inner, mean, out);
}

/// The same code; with AVX2 vectors are twice as wide, and rounding is one instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn cpu_avx2(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], mean: MeanBox, out: &mut [u8]) {
    cpu_portable(dtype, tile, shape, inner, mean, out);
}

#[inline(always)]
pub(super) fn cpu_portable(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    mean: MeanBox,
    out: &mut [u8],
) {
    whole::check(dtype, tile, shape, inner, (out, dtype));
    if out.is_empty() {
        return;
    }
    let work = MeanWork { shape, inner, reach: mean.reach.map(|r| r as usize), count: mean.count() };
    match dtype {
        Dtype::U8 => work.run::<1, u8>(tile, out),
        Dtype::I8 => work.run::<1, i8>(tile, out),
        Dtype::U16 => work.run::<2, u16>(tile, out),
        Dtype::I16 => work.run::<2, i16>(tile, out),
        _ => work.levels(tile, out),
    }
}

struct MeanWork<'a> {
    shape: [usize; 3],
    inner: &'a [Range<usize>; 3],
    reach: [usize; 3],
    count: u32,
}

impl MeanWork<'_> {
    /// A running sum never loses a NaN, so they are left out of it, and counted by another one of their own where there are any.
    #[inline(always)]
    fn levels(&self, tile: &[u8], out: &mut [u8]) {
        self.run::<4, f32>(tile, out);
        let none: Vec<u8> = tile.as_chunks().0.iter().map(|bytes| u8::from(f32::from_le_bytes(*bytes).is_nan())).collect();
        if none.iter().any(|none| *none != 0) {
            let results = out.as_chunks_mut::<4>().0;
            self.sums::<1, u8>(&none, |at, sums| {
                for (to, sum) in results[at..].iter_mut().zip(sums) {
                    *to = if *sum == 0 { *to } else { whole::NO_NUMBER.to_le_bytes() };
                }
            });
        }
    }

    #[inline(always)]
    fn run<const BYTES: usize, W: Whole<BYTES>>(&self, tile: &[u8], out: &mut [u8]) {
        let results: &mut [[u8; BYTES]] = out.as_chunks_mut().0;
        let count = f64::from(self.count);
        // (2 s + n + 1/2) / 2n is at least 1/4n from any whole number, so that the product with the reciprocal, off by 2^-28 at most, lies on the same side of it.
        let each = 0.5 / count;
        self.sums::<BYTES, W>(tile, |at, sums| {
            for (to, sum) in results[at..].iter_mut().zip(sums) {
                *to = W::store(((2.0 * sum.wide() + count + 0.5) * each).floor());
            }
        });
    }

    /// Hands on the sums of every row, and the place of their first among the results.
    #[inline(always)]
    fn sums<const BYTES: usize, W: Whole<BYTES>>(&self, tile: &[u8], mut row_done: impl FnMut(usize, &[W::Summand])) {
        let voxels: &[[u8; BYTES]] = tile.as_chunks().0;
        let ([across, rows, slices], inner, [far, beside, above]) = (self.shape, self.inner, self.reach);
        let (columns_there, rows_there) = (around(&inner[0], far, across), around(&inner[1], beside, rows));
        let width = columns_there.len();
        let zero = W::Summand::default();
        let (mut along_z, mut along_y) = (vec![zero; rows_there.len() * width], vec![zero; width]);
        let (mut row, mut along_x) = (vec![zero; inner[0].len() + 2 * far], vec![zero; inner[0].len()]);
        let near = |at: usize, step: isize, count: usize| at.saturating_add_signed(step).min(count - 1);
        let lines = |z: usize| {
            let starts = rows_there.clone().map(move |y| (z * rows + y) * across);
            starts.map(|start| &voxels[start..][columns_there.clone()])
        };
        let number = |bytes: &[u8; BYTES]| W::load(*bytes).or_zero();
        let mut at = 0;
        for z in inner[2].clone() {
            let far = above as isize;
            if z == inner[2].start {
                for z in (-far..=far).map(|step| near(z, step, slices)) {
                    for (sums, line) in along_z.chunks_exact_mut(width).zip(lines(z)) {
                        sums.iter_mut().zip(line).for_each(|(sum, voxel)| *sum = *sum + number(voxel));
                    }
                }
            } else {
                let pairs = lines(near(z, far, slices)).zip(lines(near(z, -far - 1, slices)));
                for (sums, (new, old)) in along_z.chunks_exact_mut(width).zip(pairs) {
                    let change = new.iter().zip(old).map(|(new, old)| number(new) - number(old));
                    sums.iter_mut().zip(change).for_each(|(sum, change)| *sum = *sum + change);
                }
            }
            let line = |y: usize| &along_z[(y - rows_there.start) * width..][..width];
            for y in inner[1].clone() {
                let far = beside as isize;
                if y == inner[1].start {
                    along_y.fill(zero);
                    for y in (-far..=far).map(|step| near(y, step, rows)) {
                        along_y.iter_mut().zip(line(y)).for_each(|(sum, number)| *sum = *sum + *number);
                    }
                } else {
                    let change = line(near(y, far, rows)).iter().zip(line(near(y, -far - 1, rows)));
                    along_y.iter_mut().zip(change).for_each(|(sum, (new, old))| *sum = *sum + (*new - *old));
                }
                extended(&along_y, self.reach[0] - (inner[0].start - columns_there.start), &mut row);
                sums_along_x(&row, 2 * self.reach[0] + 1, &mut along_x);
                row_done(at, &along_x);
                at += along_x.len();
            }
        }
    }
}

#[inline(always)]
fn sums_along_x<N: Summand>(row: &[N], window: usize, sums: &mut [N]) {
    if window < LONG {
        sums.copy_from_slice(&row[..sums.len()]);
        for step in 1..window {
            sums.iter_mut().zip(&row[step..]).for_each(|(sum, number)| *sum = *sum + *number);
        }
        return;
    }
    let mut sum = row[..window - 1].iter().fold(N::default(), |sum, number| sum + *number);
    for ((to, new), old) in sums.iter_mut().zip(&row[window - 1..]).zip(row) {
        sum = sum + *new;
        *to = sum;
        sum = sum - *old;
    }
}
