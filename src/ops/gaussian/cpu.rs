//! Gaussians on one thread of the CPU: along z, y and x, in f64, which holds every number that comes up exactly.
//!
//! Slices that lie above each other in memory by a power of two share their places in the caches, so columns are gathered before they are summed; some
//! slices at a time, as each needs the same columns but one.

use std::ops::Range;

use super::weights::Fixed;
use super::{LANES, Smoothing};
use crate::ops::whole::{self, Summand, Whole, around, extended};
use crate::volume::Dtype;

/// Most bytes of slices that are kept after the sums along z. Fewer slices gather the same columns more often.
const PLANES_BYTES: usize = 8 << 20;

/// Slices that pay, beside as many as the kernel reaches.
const PLANES: usize = 8;

/// What keeps rows that lie above each other from sharing their places in the cache.
const GAP: usize = 8;

/// Writes the filtered voxels of `inner`, ranges of x, y and z, to `out`, little-endian. `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If the type has no sums, `inner` is not inside of `shape`, or `tile` or `out` has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], gaussian: &Smoothing, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { cpu_avx2(dtype, tile, shape, inner, gaussian, out) };
    }
    cpu_portable(dtype, tile, shape, inner, gaussian, out);
}

/// The same code around sums in vectors: what the compiler made of the loop took three times as long.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn cpu_avx2(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], gaussian: &Smoothing, out: &mut [u8]) {
    dispatch(dtype, tile, shape, inner, gaussian, out, |a, b, c, d, e| super::avx2::sums(a, b, c, d, e));
}

pub(super) fn cpu_portable(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    gaussian: &Smoothing,
    out: &mut [u8],
) {
    dispatch(dtype, tile, shape, inner, gaussian, out, sums);
}

#[inline(always)]
fn dispatch(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    gaussian: &Smoothing,
    out: &mut [u8],
    sums: impl Fn(&[f64], usize, &[f64], f64, &mut [f64; LANES]),
) {
    whole::check(dtype, tile, shape, inner, (out, dtype));
    if out.is_empty() {
        return;
    }
    let work = SmoothingWork {
        fixed: Fixed::of(dtype),
        weights: gaussian.weights(dtype).map(|axis| axis.into_iter().map(f64::from).collect()),
        amount: gaussian.amount().map(f64::from),
        limits: whole::limits(dtype),
        shape,
        inner,
    };
    match dtype {
        Dtype::U8 => work.run::<1, u8>(tile, out, sums),
        Dtype::I8 => work.run::<1, i8>(tile, out, sums),
        Dtype::U16 => work.run::<2, u16>(tile, out, sums),
        Dtype::I16 => work.run::<2, i16>(tile, out, sums),
        _ => work.run::<4, f32>(tile, out, sums),
    }
}

struct SmoothingWork<'a> {
    fixed: Fixed,
    /// Along x, y and z.
    weights: [Vec<f64>; 3],
    amount: Option<f64>,
    limits: (f64, f64),
    shape: [usize; 3],
    inner: &'a [Range<usize>; 3],
}

impl SmoothingWork<'_> {
    #[inline(always)]
    fn run<const BYTES: usize, W: Whole<BYTES>>(
        &self,
        tile: &[u8],
        out: &mut [u8],
        sums: impl Fn(&[f64], usize, &[f64], f64, &mut [f64; LANES]),
    ) {
        let voxels: &[[u8; BYTES]] = tile.as_chunks().0;
        let mut results: &mut [[u8; BYTES]] = out.as_chunks_mut().0;
        let ([across, rows, slices], inner) = (self.shape, self.inner);
        let [far, beside, above] = self.weights.each_ref().map(|weights| weights.len() - 1);
        let (columns_there, rows_there) = (around(&inner[0], far, across), around(&inner[1], beside, rows));
        let pitch = columns_there.len().next_multiple_of(LANES) + GAP;
        let tall = inner[1].len() + 2 * beside;
        let missing = beside - (inner[1].start - rows_there.start);
        let depth = (PLANES_BYTES / (8 * pitch * tall)).min(above.max(PLANES)).clamp(1, inner[2].len());
        let mut planes = vec![0.0; depth * tall * pitch];
        let mut columns = vec![[0.0; LANES]; depth + 2 * above];
        let mut slice = vec![0.0; inner[1].len() * pitch];
        let mut row = vec![0.0; inner[0].len().next_multiple_of(LANES) + 2 * far];
        let mut last = [0.0; LANES];
        let step = 1.0 / f64::from(1u32 << self.fixed.weight);
        let first_step = step * f64::from(1u32 << self.fixed.value);
        for z in inner[2].clone().step_by(depth) {
            let depth = depth.min(inner[2].end - z);
            for y in rows_there.clone() {
                let place = (y - rows_there.start + missing) * pitch;
                for x in (0..columns_there.len()).step_by(LANES) {
                    let count = LANES.min(columns_there.len() - x);
                    for (i, column) in columns[..depth + 2 * above].iter_mut().enumerate() {
                        let z = (z + i).saturating_sub(above).min(slices - 1);
                        let from = &voxels[(z * rows + y) * across + columns_there.start + x..][..count];
                        column.iter_mut().zip(from).for_each(|(to, voxel)| *to = W::load(*voxel).wide());
                    }
                    for i in 0..depth {
                        let to = vector(&mut planes[i * tall * pitch + place + x..]);
                        sums(&columns.as_flattened()[i * LANES..], LANES, &self.weights[2], first_step, to);
                    }
                }
            }
            for (i, plane) in planes.chunks_exact_mut(tall * pitch).enumerate().take(depth) {
                let end = missing + rows_there.len();
                (0..missing).for_each(|y| plane.copy_within(missing * pitch..(missing + 1) * pitch, y * pitch));
                (end..tall).for_each(|y| plane.copy_within((end - 1) * pitch..end * pitch, y * pitch));
                // Columns of vectors: the rows of one stay in the nearest cache.
                for x in (0..columns_there.len()).step_by(LANES) {
                    for (y, to) in slice.chunks_exact_mut(pitch).enumerate() {
                        sums(&plane[y * pitch + x..], pitch, &self.weights[1], step, vector(&mut to[x..]));
                    }
                }
                for (y, line) in inner[1].clone().zip(slice.chunks_exact(pitch)) {
                    extended(&line[..columns_there.len()], far - (inner[0].start - columns_there.start), &mut row);
                    let own = &voxels[((z + i) * rows + y) * across..][inner[0].clone()];
                    for (x, own) in (0..).step_by(LANES).zip(own.chunks(LANES)) {
                        sums(&row[x..], 1, &self.weights[0], step, &mut last);
                        let (part, rest) = results.split_at_mut(own.len());
                        self.finish::<BYTES, W>(&last, own, part);
                        results = rest;
                    }
                }
            }
        }
    }

    /// From values behind the point to voxels, sharpened or not.
    #[inline(always)]
    fn finish<const BYTES: usize, W: Whole<BYTES>>(&self, values: &[f64; LANES], own: &[[u8; BYTES]], out: &mut [[u8; BYTES]]) {
        let step = 1.0 / f64::from(1u32 << self.fixed.value);
        let Some(amount) = self.amount else {
            return out.iter_mut().zip(values).for_each(|(to, value)| *to = W::store((value * step + 0.5).floor()));
        };
        let amount = amount * (1.0 / f64::from(super::ONE));
        let (least, most) = self.limits;
        for ((to, value), own) in out.iter_mut().zip(values).zip(own) {
            let own = W::load(*own).wide();
            let off = own - value * step;
            let sum = own + (off.abs() * amount + 0.5).floor().copysign(off);
            // Not `clamp`, and in this order, so that NaN stays.
            let sum = if sum < least { least } else { sum };
            *to = W::store(if sum > most { most } else { sum });
        }
    }
}

fn vector(row: &mut [f64]) -> &mut [f64; LANES] {
    row.first_chunk_mut().expect("rows have room for whole vectors")
}

/// floor(sum · scale + 1/2) of a kernel's weights over vectors of `data` that lie `stride` apart.
#[inline(always)]
fn sums(data: &[f64], stride: usize, weights: &[f64], scale: f64, out: &mut [f64; LANES]) {
    let reach = weights.len() - 1;
    let at = |k: usize| -> &[f64; LANES] { data[k * stride..].first_chunk().expect("rows have room for whole vectors") };
    out.iter_mut().zip(at(reach)).for_each(|(sum, value)| *sum = value * weights[0]);
    for (k, weight) in weights.iter().enumerate().skip(1) {
        let pairs = at(reach - k).iter().zip(at(reach + k));
        out.iter_mut().zip(pairs).for_each(|(sum, (a, b))| *sum += weight * (a + b));
    }
    out.iter_mut().for_each(|sum| *sum = (*sum * scale + 0.5).floor());
}
