//! Rays on the CPU, by all threads of the pool: rows of voxels are taken together, so that the compiler makes vectors of them.

use std::ops::Range;

use rayon::prelude::*;

use super::{Beams, Fold, Rays};
use crate::volume::{Dtype, keys};

/// Rays taken together where a plane of them has neighbours in memory: long rows, whose pages are walked through, while what is known of the rays stays in a cache.
const STRIP: usize = 1 << 14;

/// Voxels of the rows of a task, where rays run along rows.
const ROWS: usize = 1 << 16;

/// Voxels of a ray that a sum of 32 bits holds whatever they are.
const PART: usize = 1 << 16;

/// Bytes of voxels gathered at a time, ray by ray, for the middle.
const GATHERED: usize = 1 << 17;

/// Adds the voxels of a box of `shape` (little-endian, x fastest) to what is known of its rays; the middle takes the rays for whole.
///
/// # Panics
/// If a slab is not inside of the box, or `tile` or `rays` have another length.
pub fn cpu(beams: &Beams, tile: &[u8], shape: [u32; 3], rays: &mut Rays) {
    assert!(beams.fits(shape), "{:?} of {shape:?} along {}", beams.slabs, beams.axis);
    assert_eq!(
        tile.len(),
        shape.iter().map(|n| *n as usize).product::<usize>() * beams.dtype.bytes(),
        "a tile of another length"
    );
    assert_eq!((rays.values.len(), rays.counts.len()), (beams.rays(shape), beams.rays(shape)), "another number of rays");
    let [nx, ny, _] = shape.map(|n| n as usize);
    let slabs: Vec<Range<usize>> = beams.slabs.iter().map(|s| s.start as usize..s.end as usize).collect();
    let (values, counts) = (&mut rays.values, &mut rays.counts);
    match beams.axis {
        0 => {
            // Rows of results: one voxel of each for each slab.
            let rows = (ROWS / nx).max(1);
            let each = rows * slabs.len();
            values.par_chunks_mut(each).zip(counts.par_chunks_mut(each)).enumerate().for_each(|(i, (values, counts))| {
                let row = values.chunks_mut(slabs.len()).zip(counts.chunks_mut(slabs.len()));
                for (row, (values, counts)) in row.enumerate() {
                    let start = (i * rows + row) * nx;
                    for (slab, (value, count)) in slabs.iter().zip(values.iter_mut().zip(counts)) {
                        let lines = RayLines { start: start + slab.start, stride: 1, steps: slab.len(), along: true };
                        add(beams, tile, &lines, std::slice::from_mut(value), std::slice::from_mut(count));
                    }
                }
            });
        }
        1 => {
            let each = nx * slabs.len();
            values.par_chunks_mut(each).zip(counts.par_chunks_mut(each)).enumerate().for_each(|(z, (values, counts))| {
                for (slab, (values, counts)) in slabs.iter().zip(values.chunks_mut(nx).zip(counts.chunks_mut(nx))) {
                    for (i, (values, counts)) in values.chunks_mut(STRIP).zip(counts.chunks_mut(STRIP)).enumerate() {
                        let start = (z * ny + slab.start) * nx + i * STRIP;
                        add(beams, tile, &RayLines { start, stride: nx, steps: slab.len(), along: false }, values, counts);
                    }
                }
            });
        }
        _ => {
            let plane = nx * ny;
            for (slab, (values, counts)) in slabs.iter().zip(values.chunks_mut(plane).zip(counts.chunks_mut(plane))) {
                values.par_chunks_mut(STRIP).zip(counts.par_chunks_mut(STRIP)).enumerate().for_each(|(i, (values, counts))| {
                    let start = slab.start * plane + i * STRIP;
                    add(beams, tile, &RayLines { start, stride: plane, steps: slab.len(), along: false }, values, counts);
                });
            }
        }
    }
}

/// Rays beside each other: the first voxel of the first, from one voxel of a ray to the next, and how many of these.
struct RayLines {
    start: usize,
    stride: usize,
    steps: usize,
    /// One ray along the rows themselves.
    along: bool,
}

fn add(beams: &Beams, tile: &[u8], lines: &RayLines, values: &mut [u64], counts: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { add_avx2(beams, tile, lines, values, counts) };
    }
    add_portable(beams, tile, lines, values, counts);
}

/// The same code; with AVX2 vectors are twice as wide and know the extremes of all types but those of 64 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_avx2(beams: &Beams, tile: &[u8], lines: &RayLines, values: &mut [u64], counts: &mut [u32]) {
    add_portable(beams, tile, lines, values, counts);
}

#[inline(always)]
fn add_portable(beams: &Beams, tile: &[u8], lines: &RayLines, values: &mut [u64], counts: &mut [u32]) {
    if beams.sums_floats() {
        return add_floats(beams, tile, lines, values, counts);
    }
    match (beams.dtype.bytes(), beams.dtype.is_integer()) {
        (1, _) => fold::<u8, false>(beams, tile, lines, values, counts),
        (2, _) => fold::<u16, false>(beams, tile, lines, values, counts),
        (4, true) => fold::<u32, false>(beams, tile, lines, values, counts),
        (4, false) => fold::<u32, true>(beams, tile, lines, values, counts),
        (_, true) => fold::<u64, false>(beams, tile, lines, values, counts),
        (_, false) => fold::<u64, true>(beams, tile, lines, values, counts),
    }
}

/// Keys of so many bits.
trait Word: Copy + Ord + Default {
    /// Holds the sum of 65,536 of them, or of as many as there are.
    type Sum: Copy + Default + std::ops::AddAssign;
    const SIZE: usize;
    const ALL: Self;
    fn load(bytes: &[u8]) -> Self;
    fn low(wide: u64) -> Self;
    fn wide(self) -> u64;
    fn sum(self) -> Self::Sum;
    fn total(sum: Self::Sum) -> u64;
    fn xor(self, other: Self) -> Self;
    /// The key of a float, whose sign is the first bit.
    fn float_key(self) -> Self;
}

macro_rules! words {
    ($($word:ident $signed:ident $sum:ident),*) => {$(
        impl Word for $word {
            type Sum = $sum;
            const SIZE: usize = size_of::<$word>();
            const ALL: Self = $word::MAX;
            #[inline(always)]
            fn load(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$word>()];
                own.copy_from_slice(bytes);
                $word::from_le_bytes(own)
            }
            #[inline(always)]
            fn low(wide: u64) -> Self {
                wide as $word
            }
            #[inline(always)]
            fn wide(self) -> u64 {
                u64::from(self)
            }
            #[inline(always)]
            fn sum(self) -> $sum {
                $sum::from(self)
            }
            #[inline(always)]
            fn total(sum: $sum) -> u64 {
                u64::from(sum)
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline(always)]
            fn float_key(self) -> Self {
                self ^ ((self as $signed >> ($word::BITS - 1)) as $word | 1 << ($word::BITS - 1))
            }
        }
    )*};
}
words!(u8 i8 u32, u16 i16 u32, u32 i32 u64, u64 i64 u64);

/// How stored bytes become what is compared or summed.
struct Look<W> {
    /// Turns the sign of whole numbers, and all bits where the least is wanted.
    turn: W,
    /// Keys of numbers.
    numbers: (W, W),
    /// Turned as the keys are.
    padding: (W, W),
}

#[inline(always)]
fn fold<W: Word, const FLOAT: bool>(beams: &Beams, tile: &[u8], lines: &RayLines, values: &mut [u64], counts: &mut [u32]) {
    let (first, last) = keys::numbers(beams.dtype);
    let turn = if FLOAT { beams.turn() } else { beams.turn() ^ keys::sign_bit(beams.dtype) };
    let ends = beams.padding.map(|(a, b)| (a ^ beams.turn(), b ^ beams.turn())).unwrap_or_default();
    let look = Look {
        turn: W::low(turn),
        numbers: (W::low(first), W::low(last)),
        padding: (W::low(ends.0.min(ends.1)), W::low(ends.0.max(ends.1))),
    };
    match (beams.fold, beams.padding.is_some()) {
        (Fold::Greatest | Fold::Least, false) => best::<W, FLOAT, false>(&look, tile, lines, values, counts),
        (Fold::Greatest | Fold::Least, true) => best::<W, FLOAT, true>(&look, tile, lines, values, counts),
        (Fold::Sum, false) => sum::<W, false>(&look, tile, lines, values, counts),
        (Fold::Sum, true) => sum::<W, true>(&look, tile, lines, values, counts),
        (Fold::Middle { upper }, padded) => middle::<W, FLOAT>(&look, (upper, padded), tile, lines, values, counts),
    }
}

impl<W: Word> Look<W> {
    /// The key of stored bytes, turned; all bits for NaN.
    #[inline(always)]
    fn key<const FLOAT: bool>(&self, bytes: &[u8]) -> W {
        let stored = W::load(bytes);
        if !FLOAT {
            return stored.xor(self.turn);
        }
        let key = stored.float_key();
        if key < self.numbers.0 || key > self.numbers.1 { W::ALL } else { key.xor(self.turn) }
    }

    #[inline(always)]
    fn counts(&self, key: W) -> bool {
        key < self.padding.0 || key > self.padding.1
    }
}

/// Voxels `step` of rays: as many as there are rays, or of one ray along the rows all.
#[inline(always)]
fn row<'a, W: Word>(tile: &'a [u8], lines: &RayLines, step: usize, rays: usize) -> impl Iterator<Item = &'a [u8]> + use<'a, W> {
    let at = (lines.start + step * lines.stride) * W::SIZE;
    tile[at..at + rays * W::SIZE].chunks_exact(W::SIZE)
}

#[inline(always)]
fn best<W: Word, const FLOAT: bool, const PADDED: bool>(
    look: &Look<W>,
    tile: &[u8],
    lines: &RayLines,
    values: &mut [u64],
    counts: &mut [u32],
) {
    let kept = |bytes: &[u8]| {
        let key = look.key::<FLOAT>(bytes);
        let counts = !PADDED || look.counts(key);
        (if counts { key } else { W::default() }, u32::from(counts))
    };
    if lines.along {
        let all = row::<W>(tile, lines, 0, lines.steps).map(kept);
        let (key, count) = all.fold((W::default(), 0), |(a, n), (b, m)| (a.max(b), n + m));
        values[0] = values[0].max(key.wide());
        counts[0] += if PADDED { count } else { lines.steps as u32 };
        return;
    }
    let mut strip = vec![W::default(); values.len()];
    for step in 0..lines.steps {
        let row = row::<W>(tile, lines, step, strip.len());
        if PADDED {
            for ((own, count), bytes) in strip.iter_mut().zip(counts.iter_mut()).zip(row) {
                let (key, counted) = kept(bytes);
                (*own, *count) = ((*own).max(key), *count + counted);
            }
        } else {
            strip.iter_mut().zip(row).for_each(|(own, bytes)| *own = (*own).max(kept(bytes).0));
        }
    }
    values.iter_mut().zip(&strip).for_each(|(value, own)| *value = (*value).max(own.wide()));
    if !PADDED {
        counts.iter_mut().for_each(|count| *count += lines.steps as u32);
    }
}

#[inline(always)]
fn sum<W: Word, const PADDED: bool>(look: &Look<W>, tile: &[u8], lines: &RayLines, values: &mut [u64], counts: &mut [u32]) {
    let kept = |bytes: &[u8]| {
        let key = look.key::<false>(bytes);
        let counts = !PADDED || look.counts(key);
        (if counts { key } else { W::default() }, u32::from(counts))
    };
    for from in (0..lines.steps).step_by(PART) {
        let steps = PART.min(lines.steps - from);
        if lines.along {
            let all = row::<W>(tile, &RayLines { start: lines.start + from, ..*lines }, 0, steps).map(kept);
            let (mut own, mut count) = (W::Sum::default(), 0);
            all.for_each(|(key, counted)| {
                own += key.sum();
                count += counted;
            });
            values[0] += W::total(own);
            counts[0] += if PADDED { count } else { steps as u32 };
            continue;
        }
        let mut strip = vec![W::Sum::default(); values.len()];
        for step in from..from + steps {
            let row = row::<W>(tile, lines, step, strip.len());
            if PADDED {
                for ((own, count), bytes) in strip.iter_mut().zip(counts.iter_mut()).zip(row) {
                    let (key, counted) = kept(bytes);
                    *own += key.sum();
                    *count += counted;
                }
            } else {
                strip.iter_mut().zip(row).for_each(|(own, bytes)| *own += kept(bytes).0.sum());
            }
        }
        values.iter_mut().zip(&strip).for_each(|(value, own)| *value += W::total(*own));
        if !PADDED {
            counts.iter_mut().for_each(|count| *count += steps as u32);
        }
    }
}

/// Sums of what is no whole number of up to 32 bits: voxel by voxel, in the order of the ray, whatever boxes it comes in.
#[inline(always)]
fn add_floats(beams: &Beams, tile: &[u8], lines: &RayLines, values: &mut [u64], counts: &mut [u32]) {
    let (dtype, size) = (beams.dtype, beams.dtype.bytes());
    let key = |bytes: &[u8]| keys::key(dtype, bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    let keeps = |bytes: &[u8]| beams.padding.is_none_or(|(low, high)| !(low..=high).contains(&key(bytes)));
    let one = |value: &mut u64, count: &mut u32, bytes: &[u8]| {
        if keeps(bytes) {
            *value = (f64::from_bits(*value) + decoded(dtype, bytes)).to_bits();
            *count += 1;
        }
    };
    for step in 0..lines.steps {
        let at = (lines.start + step * lines.stride) * size;
        let row = tile[at..at + values.len() * size].chunks_exact(size);
        values.iter_mut().zip(counts.iter_mut()).zip(row).for_each(|((value, count), bytes)| one(value, count, bytes));
    }
}

/// As [`Dtype::decode`], without its check of the type for each voxel of the commonest.
#[inline(always)]
fn decoded(dtype: Dtype, bytes: &[u8]) -> f64 {
    if let (Dtype::F32, &[a, b, c, d]) = (dtype, bytes) {
        f64::from(f32::from_le_bytes([a, b, c, d]))
    } else {
        dtype.decode(bytes)
    }
}

fn middle<W: Word, const FLOAT: bool>(
    look: &Look<W>,
    (upper, padded): (bool, bool),
    tile: &[u8],
    lines: &RayLines,
    values: &mut [u64],
    counts: &mut [u32],
) {
    let together = (GATHERED / (lines.steps * W::SIZE)).clamp(1, values.len());
    let mut gathered = vec![Vec::with_capacity(lines.steps); together];
    for (i, (values, counts)) in values.chunks_mut(together).zip(counts.chunks_mut(together)).enumerate() {
        gathered.iter_mut().for_each(Vec::clear);
        let start = lines.start + i * together;
        for step in 0..lines.steps {
            let here = RayLines { start, ..*lines };
            for (ray, bytes) in gathered.iter_mut().zip(row::<W>(tile, &here, step, values.len())) {
                let key = look.key::<FLOAT>(bytes);
                if !padded || look.counts(key) {
                    ray.push(key);
                }
            }
        }
        for (ray, (value, count)) in gathered.iter_mut().zip(values.iter_mut().zip(counts)) {
            *count = ray.len() as u32;
            *value = match ray.len() {
                0 => 0,
                n if FLOAT && ray.contains(&W::ALL) => {
                    debug_assert!(n > 0);
                    W::ALL.wide()
                }
                n => ray.select_nth_unstable((n - 1 + usize::from(upper)) / 2).1.wide(),
            };
        }
    }
}
