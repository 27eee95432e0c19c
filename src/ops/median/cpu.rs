//! The median on one thread of the CPU: sorting networks over whole rows, which the compiler turns into vectors of minima and maxima.
//!
//! The nine values above each other in y and z are sorted once for each x. A window is three such columns. With their values of each rank sorted across the three, number r
//! of the lists of least, middle and greatest, counted from 0, is not below (r + 1)(c + 1) values of the window and not above (9 - r)(3 - c), c = 0, 1, 2; the median can
//! only be where neither exceeds 14. That leaves 4, 5 and 4 in a row, with 7 values surely below, and of these 13 the 7th is wanted.

use std::ops::Range;

use crate::volume::{Dtype, keys};

/// Columns sorted at a time: nine rows of them stay in the nearest cache, for any type.
const COLUMNS: usize = 128;

/// Medians of so many columns: one beside on each side.
const INNER: usize = COLUMNS - 2;

/// Nine values above each other, for so many x.
type Columns<T> = [[T; COLUMNS]; 9];

/// Writes the medians of the voxels of `inner`, ranges of x, y and z, to `out`, little-endian. `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If `inner` is not inside of `shape`, or `tile` or `out` has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { cpu_avx2(dtype, tile, shape, inner, out) };
    }
    cpu_portable(dtype, tile, shape, inner, out);
}

/// The same code; with AVX2 vectors are twice as wide and know minima of all types but those of 64 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn cpu_avx2(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], out: &mut [u8]) {
    cpu_portable(dtype, tile, shape, inner, out);
}

#[inline(always)]
pub(super) fn cpu_portable(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], out: &mut [u8]) {
    let size: usize = inner.iter().map(ExactSizeIterator::len).product();
    assert!((0..3).all(|a| inner[a].end <= shape[a]), "{inner:?} of {shape:?}");
    assert_eq!(tile.len(), shape.iter().product::<usize>() * dtype.bytes(), "a tile of another length");
    assert_eq!(out.len(), size * dtype.bytes(), "an output of another length");
    // Integers are compared as they are, floats by their keys.
    match dtype {
        Dtype::U8 => filter(tile, shape, inner, out, &plain(u8::from_le_bytes, u8::to_le_bytes)),
        Dtype::I8 => filter(tile, shape, inner, out, &plain(i8::from_le_bytes, i8::to_le_bytes)),
        Dtype::U16 => filter(tile, shape, inner, out, &plain(u16::from_le_bytes, u16::to_le_bytes)),
        Dtype::I16 => filter(tile, shape, inner, out, &plain(i16::from_le_bytes, i16::to_le_bytes)),
        Dtype::U32 => filter(tile, shape, inner, out, &plain(u32::from_le_bytes, u32::to_le_bytes)),
        Dtype::I32 => filter(tile, shape, inner, out, &plain(i32::from_le_bytes, i32::to_le_bytes)),
        Dtype::U64 => filter(tile, shape, inner, out, &plain(u64::from_le_bytes, u64::to_le_bytes)),
        Dtype::I64 => filter(tile, shape, inner, out, &plain(i64::from_le_bytes, i64::to_le_bytes)),
        Dtype::F32 => {
            let (first, last) = keys::numbers(Dtype::F32);
            let load = |bytes| keys::key(Dtype::F32, u64::from(u32::from_le_bytes(bytes))) as u32;
            let store = |key: u32| (keys::stored(Dtype::F32, u64::from(key)) as u32).to_le_bytes();
            filter(tile, shape, inner, out, &Values { load, store, numbers: Some((first as u32, last as u32)) });
        }
        Dtype::F64 => {
            let load = |bytes| keys::key(Dtype::F64, u64::from_le_bytes(bytes));
            let store = |key: u64| keys::stored(Dtype::F64, key).to_le_bytes();
            filter(tile, shape, inner, out, &Values { load, store, numbers: Some(keys::numbers(Dtype::F64)) });
        }
    }
}

/// How stored bytes become values in order, and back.
struct Values<T, L, S> {
    load: L,
    store: S,
    /// First and last value that is not NaN, if there are NaN.
    numbers: Option<(T, T)>,
}

fn plain<T, L, S>(load: L, store: S) -> Values<T, L, S> {
    Values { load, store, numbers: None }
}

#[inline(always)]
fn filter<T, const BYTES: usize, L, S>(
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    out: &mut [u8],
    values: &Values<T, L, S>,
) where
    T: Copy + Ord + Default,
    L: Fn([u8; BYTES]) -> T,
    S: Fn(T) -> [u8; BYTES],
{
    let voxels: &[[u8; BYTES]] = tile.as_chunks().0;
    let (mut rows, mut sorted) = ([[T::default(); COLUMNS]; 9], [[T::default(); COLUMNS]; 9]);
    let mut medians = [T::default(); COLUMNS];
    let mut results = out.as_chunks_mut::<BYTES>().0;
    for z in inner[2].clone() {
        for y in inner[1].clone() {
            let near = |at: usize, step: usize, end: usize| (at + step).saturating_sub(1).min(end - 1);
            let start = |i: usize| (near(z, i / 3, shape[2]) * shape[1] + near(y, i % 3, shape[1])) * shape[0];
            let window: [&[[u8; BYTES]]; 9] = std::array::from_fn(|i| &voxels[start(i)..][..shape[0]]);
            for x in inner[0].clone().step_by(INNER) {
                let count = INNER.min(inner[0].end - x);
                for (row, from) in rows.iter_mut().zip(window) {
                    fill(&mut row[..count + 2], from, x, &values.load);
                }
                sort_columns(&rows, &mut sorted, count + 2);
                medians_of(&sorted, &mut medians, count);
                if let Some(numbers) = values.numbers {
                    keep_nan(&sorted, &mut medians, count, numbers);
                }
                let (part, rest) = results.split_at_mut(count);
                part.iter_mut().zip(&medians).for_each(|(result, median)| *result = (values.store)(*median));
                results = rest;
            }
        }
    }
}

/// The voxels of a row from the one before `x` on; beyond its ends the outermost go on.
#[inline(always)]
fn fill<T: Copy, const BYTES: usize>(row: &mut [T], from: &[[u8; BYTES]], x: usize, load: &impl Fn([u8; BYTES]) -> T) {
    let count = row.len() - 2;
    row[1..=count].iter_mut().zip(&from[x..x + count]).for_each(|(value, bytes)| *value = load(*bytes));
    row[0] = load(from[x.saturating_sub(1)]);
    row[count + 1] = load(from[(x + count).min(from.len() - 1)]);
}

/// Puts pairs of values in order, one pair after another. Written out instead of a loop over a table: only then the loop over columns
/// around it becomes vectors.
macro_rules! exchange {
    ($v:ident: $($low:literal $high:literal),*) => {
        $(($v[$low], $v[$high]) = ($v[$low].min($v[$high]), $v[$low].max($v[$high]));)*
    };
}

/// Sorts the nine values of each column, by a network of 25 exchanges, the fewest possible.
#[inline(always)]
fn sort_columns<T: Copy + Ord>(rows: &Columns<T>, sorted: &mut Columns<T>, count: usize) {
    for x in 0..count.min(COLUMNS) {
        let mut v = rows.each_ref().map(|row| row[x]);
        exchange!(v: 0 3, 1 7, 2 5, 4 8, 0 7, 2 4, 3 8, 5 6, 0 2, 1 3, 4 5, 7 8, 1 4, 3 6, 5 7, 0 1, 2 4, 3 5, 6 8, 2 3, 4 5, 6 7, 1 2, 3 4, 5 6);
        let [a, b, c, d, e, f, g, h, i] = sorted;
        (a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x], i[x]) = (v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]);
    }
}

/// The medians of windows of three columns, from the first on.
#[inline(always)]
fn medians_of<T: Copy + Ord>(sorted: &Columns<T>, medians: &mut [T; COLUMNS], count: usize) {
    for x in 0..count.min(INNER) {
        let of = |r: usize| (sorted[r][x], sorted[r][x + 1], sorted[r][x + 2]);
        let least = |r: usize| least_of(of(r));
        let middle = |r: usize| middle_of(of(r));
        let most = |r: usize| most_of(of(r));
        // Batcher's odd-even merge of the two outer lists, but for its ends, which are not asked for.
        let (a, c) = ([least(5), least(6), least(7), least(8)], [most(0), most(1), most(2), most(3)]);
        let even = merge_pairs([a[0], a[2]], [c[0], c[2]]);
        let odd = merge_pairs([a[1], a[3]], [c[1], c[3]]);
        let outer = [
            even[1].min(odd[0]),
            even[1].max(odd[0]),
            even[2].min(odd[1]),
            even[2].max(odd[1]),
            even[3].min(odd[2]),
            even[3].max(odd[2]),
        ];
        // The 7th of both lists: for some i it is the greater of the i-th of one and the (7 - i)-th of the other, and for all others that is no less.
        let b = [middle(2), middle(3), middle(4), middle(5), middle(6)];
        let mut median = outer[5];
        median = median.min(b[0].max(outer[4])).min(b[1].max(outer[3])).min(b[2].max(outer[2]));
        median = median.min(b[3].max(outer[1])).min(b[4].max(outer[0]));
        medians[x] = median;
    }
}

/// Windows that hold a NaN get it: the greatest key if it is one, else the least.
#[inline(always)]
fn keep_nan<T: Copy + Ord>(sorted: &Columns<T>, medians: &mut [T; COLUMNS], count: usize, (first, last): (T, T)) {
    for x in 0..count.min(INNER) {
        let least = least_of((sorted[0][x], sorted[0][x + 1], sorted[0][x + 2]));
        let most = most_of((sorted[8][x], sorted[8][x + 1], sorted[8][x + 2]));
        let median = if least < first { least } else { medians[x] };
        medians[x] = if most > last { most } else { median };
    }
}

#[inline(always)]
fn merge_pairs<T: Copy + Ord>(a: [T; 2], b: [T; 2]) -> [T; 4] {
    let (low, x, y, high) = (a[0].min(b[0]), a[0].max(b[0]), a[1].min(b[1]), a[1].max(b[1]));
    [low, x.min(y), x.max(y), high]
}

#[inline(always)]
fn least_of<T: Ord>((a, b, c): (T, T, T)) -> T {
    a.min(b).min(c)
}

#[inline(always)]
fn middle_of<T: Copy + Ord>((a, b, c): (T, T, T)) -> T {
    a.min(b).max(a.max(b).min(c))
}

#[inline(always)]
fn most_of<T: Ord>((a, b, c): (T, T, T)) -> T {
    a.max(b).max(c)
}
