//! Squared distances together with what the nearest background voxel has: its label, or its index.
//!
//! What is carried goes along with the least value. Of equally near voxels the one of the lowest index wins, and as an axis is searched all that come from a lower place on it
//! have lower indices, so that the place alone decides, whatever is carried.

use rayon::prelude::*;

use super::columns::REACH;
use super::cpu::{RowPass, STRIP, check, squeezed, strips};
use super::envelope::envelope;
use super::search::Ties;
use super::word::{SquareWord, squares};
use crate::ops::bits::LabelType;

/// Columns searched at a time.
const LANES: usize = 16;

/// Values of the strip being searched and what they carry: a copy.
type Copies<T, C> = Vec<Lanes<T, C>>;
type Lanes<T, C> = ([T; LANES], [C; LANES]);

/// Writes the squared distances, as [`squared`](super::squared) does, and in place of what each voxel carried, such as its label or its own index, what the nearest background
/// voxel carried, of several the one of the lowest index; says whether there is one. Without, distances are all ones and what is carried means nothing.
///
/// # Panics
/// As [`squared`](super::squared), or if `carried` has another length.
pub fn nearest<T: SquareWord, C>(mask: &[u8], shape: [usize; 3], weights: [u64; 3], out: &mut [T], carried: &mut [C]) -> bool
where
    C: Copy + Default + Send + Sync,
{
    assert_eq!(mask.len(), shape.iter().product::<usize>(), "a mask of another length");
    assert!(out.len() == mask.len() && carried.len() == mask.len(), "an output of another length");
    if mask.is_empty() {
        return false;
    }
    let ([nx, ny, nz], weights) = squeezed(shape, weights);
    check::<T>([nx, ny, nz], weights);
    let slice = nx * ny;
    let pass = RowPass::new(nx, weights[0]);
    let slices = mask.par_chunks_exact(slice).zip(out.par_chunks_exact_mut(slice)).zip(carried.par_chunks_exact_mut(slice));
    let found = slices.map(|((mask, out), carried)| {
        let mut words = vec![0; nx.div_ceil(64)];
        let mut rows: (Vec<_>, Vec<_>) = (out.chunks_exact_mut(nx).collect(), carried.chunks_exact_mut(nx).collect());
        for (mask, (values, carried)) in mask.chunks_exact(nx).zip(rows.0.iter_mut().zip(&mut rows.1)) {
            u8::pack(mask, &mut words);
            pass.nearest(&words, values, carried);
        }
        search_nearest(&mut rows.0, &mut rows.1, weights[1]);
        out[0] != T::FAR
    });
    if !found.reduce(|| false, |a, b| a | b) {
        out.fill(T::NONE);
        return false;
    }
    if nz > 1 {
        let lanes = nx * STRIP.div_ceil(nx).min(ny);
        let strips = strips(out, slice, lanes).into_par_iter().zip(strips(carried, slice, lanes));
        strips.for_each(|(mut out, mut carried)| search_nearest(&mut out, &mut carried, weights[2]));
    }
    true
}

/// The nearest over each column of `values`, as [`Searched::search`](super::Searched::search), with what it carries; rows of the same length.
pub fn search_nearest<T: SquareWord, C: Copy + Default>(values: &mut [&mut [T]], carried: &mut [&mut [C]], weight: u64) {
    if !search_packed(values, carried, weight) {
        search_apart(values, carried, weight);
    }
}

/// Where all distances are below 2³⁰, distance and row are one number of 64 bits, the distance above: the least of these is what is looked for, ties included, and
/// the search is that of [distances alone](super::columns). About twice as fast (measured). `false` if they are not.
fn search_packed<T: SquareWord, C: Copy>(values: &mut [&mut [T]], carried: &mut [&mut [C]], weight: u64) -> bool {
    let far = |value: T| if value == T::FAR { 0 } else { value.square() };
    let most = values.iter().flat_map(|row| row.iter()).fold(0, |most, value| most.max(far(*value)));
    let steps = weight.checked_mul(values.len() as u64).and_then(|along| along.checked_mul(along));
    if steps.is_none_or(|steps| steps >= 1 << 30 || most + steps >= 1 << 30) || values.len() as u64 > 1 << 32 {
        return false;
    }
    let lanes = values.first().map_or(1, |row| row.len());
    let pack = |value: T, y: usize| if value == T::FAR { u64::FAR } else { value.square() << 32 | y as u64 };
    let mut keys: Vec<u64> = Vec::with_capacity(values.len() * lanes);
    values.iter().enumerate().for_each(|(y, row)| keys.extend(row.iter().map(|value| pack(*value, y))));
    // Squares of such weights are 2³² times as large.
    u64::search_ties(&mut keys.chunks_exact_mut(lanes).collect::<Vec<_>>(), weight << 16);
    let before: Vec<C> = carried.iter().flat_map(|row| row.iter()).copied().collect();
    for ((values, carried), keys) in values.iter_mut().zip(carried).zip(keys.chunks_exact(lanes)) {
        for (lane, ((value, carried), key)) in values.iter_mut().zip(&mut **carried).zip(keys).enumerate() {
            if *key == u64::FAR {
                *value = T::FAR;
            } else {
                (*value, *carried) = (T::from_square(*key >> 32), before[*key as u32 as usize * lanes + lane]);
            }
        }
    }
    true
}

/// The same for any distances.
pub(super) fn search_apart<T: SquareWord, C: Copy + Default>(values: &mut [&mut [T]], carried: &mut [&mut [C]], weight: u64) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { search_avx2(values, carried, weight) };
    }
    search_portable(values, carried, weight);
}

/// The same code; AVX2 blends and compares 64 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn search_avx2<T: SquareWord, C: Copy + Default>(values: &mut [&mut [T]], carried: &mut [&mut [C]], weight: u64) {
    search_portable(values, carried, weight);
}

#[inline(always)]
pub(super) fn search_portable<T: SquareWord, C: Copy + Default>(values: &mut [&mut [T]], carried: &mut [&mut [C]], weight: u64) {
    let squares = squares::<T>(values.len(), weight);
    let lanes = values.first().map_or(0, |row| row.len());
    let mut copies = Copies::with_capacity(values.len());
    for lane in (0..lanes).step_by(LANES) {
        copies.clear();
        // Lanes beyond the last are background: they stop at once.
        copies.extend(
            values.iter().zip(&*carried).map(|(values, carried)| (lanes_of(&values[lane..]), lanes_of(&carried[lane..]))),
        );
        for y in 0..copies.len() {
            let Some(best) = outwards(&copies, y, &squares) else {
                envelopes(&copies, values, carried, lane, weight);
                break;
            };
            values[y][lane..].iter_mut().zip(best.0).for_each(|(out, best)| *out = best);
            carried[y][lane..].iter_mut().zip(best.1).for_each(|(out, best)| *out = best);
        }
    }
}

#[inline(always)]
fn lanes_of<T: Copy + Default>(row: &[T]) -> [T; LANES] {
    row.first_chunk().copied().unwrap_or_else(|| std::array::from_fn(|i| row.get(i).copied().unwrap_or_default()))
}

/// As the search of distances alone, but it goes on while a step is as near as the best: a tie may have a lower index.
#[inline(always)]
fn outwards<T: SquareWord, C: Copy>(rows: &[Lanes<T, C>], y: usize, squares: &[T]) -> Option<Lanes<T, C>> {
    let mut best = rows[y];
    let (before, after) = (&rows[..y], &rows[y + 1..]);
    for k in 1..=before.len().max(after.len()) {
        let square = squares[k];
        if !best.0.iter().fold(false, |any, value| any | !value.below(square)) {
            break;
        }
        if k > REACH {
            return None;
        }
        // What lies on the way from a lower place wins a tie, from a higher one it does not.
        if k <= before.len() {
            let (values, carried) = &before[y - k];
            for lane in 0..LANES {
                let value = values[lane] + square;
                let nearer = !best.0[lane].below(value);
                best.0[lane] = if nearer { value } else { best.0[lane] };
                best.1[lane] = if nearer { carried[lane] } else { best.1[lane] };
            }
        }
        if k <= after.len() {
            let (values, carried) = &after[k - 1];
            for lane in 0..LANES {
                let value = values[lane] + square;
                let nearer = value.below(best.0[lane]);
                best.0[lane] = if nearer { value } else { best.0[lane] };
                best.1[lane] = if nearer { carried[lane] } else { best.1[lane] };
            }
        }
    }
    Some(best)
}

/// The same by lower envelopes.
fn envelopes<T: SquareWord, C: Copy>(
    copies: &Copies<T, C>,
    values: &mut [&mut [T]],
    carried: &mut [&mut [C]],
    first: usize,
    weight: u64,
) {
    let mut parts = Vec::new();
    for lane in first..values[0].len().min(first + LANES) {
        let value = |y: usize| copies[y].0[lane - first];
        for (site, part) in envelope(copies.len(), value, weight, &mut parts) {
            for y in part {
                let along = weight * site.abs_diff(y) as u64;
                values[y][lane] = value(site) + T::from_square(along * along);
                carried[y][lane] = copies[site].1[lane - first];
            }
        }
    }
}
