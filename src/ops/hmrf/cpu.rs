//! Sweeps and histograms on all threads, slice by slice.

use rayon::prelude::*;

use super::model::{Energies, FaceWeights, MOST_CLASSES, MOST_ENERGY, OUTSIDE, exponentials};
use crate::analysis::tissue::LevelSpace;

/// For each class a weight of each voxel, 255 being all of it; 0 outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftWeights(Vec<Vec<u8>>);

impl SoftWeights {
    /// Nothing has a weight.
    pub fn new(classes: usize, voxels: usize) -> Self {
        Self(vec![vec![0; voxels]; classes])
    }

    pub(super) fn of_planes(planes: Vec<Vec<u8>>) -> Self {
        Self(planes)
    }

    /// How many classes.
    pub fn classes(&self) -> usize {
        self.0.len()
    }

    /// The same with the classes in this order.
    #[must_use]
    pub fn in_order(mut self, order: &[usize]) -> Self {
        Self(order.iter().map(|class| std::mem::take(&mut self.0[*class])).collect())
    }

    /// The weights of a class, x fastest.
    pub fn of_class(&self, class: usize) -> &[u8] {
        &self.0[class]
    }

    /// The weights of a class, to be filled.
    pub fn of_class_mut(&mut self, class: usize) -> &mut [u8] {
        &mut self.0[class]
    }
}

/// Rows around one, of every class; empty rows where there is no neighbour.
pub(super) struct FaceNeighbours<'a> {
    shape: [usize; 3],
    faces: FaceWeights,
    nothing: &'a [u8],
}

impl<'a> FaceNeighbours<'a> {
    pub(super) fn new(shape: [usize; 3], faces: FaceWeights, nothing: &'a [u8]) -> Self {
        Self { shape, faces, nothing }
    }

    /// The weighted sum of the neighbours' weights of a class, for each voxel of row (`y`, `z`).
    #[inline(always)]
    pub(super) fn sums(&self, weights: &'a [u8], [y, z]: [usize; 2], out: &mut [u32]) {
        let [nx, ny, nz] = self.shape;
        let row = |there: bool, y: usize, z: usize| if there { &weights[(z * ny + y) * nx..][..nx] } else { self.nothing };
        let own = row(true, y, z);
        let (up, down) = (row(y > 0, y.wrapping_sub(1), z), row(y + 1 < ny, y + 1, z));
        let (front, back) = (row(z > 0, y, z.wrapping_sub(1)), row(z + 1 < nz, y, z + 1));
        let [wx, wy, wz] = self.faces.0;
        for (x, sum) in out.iter_mut().enumerate() {
            *sum = wy * (u32::from(up[x]) + u32::from(down[x])) + wz * (u32::from(front[x]) + u32::from(back[x]));
        }
        for (sum, left) in out[1..].iter_mut().zip(own) {
            *sum += wx * u32::from(*left);
        }
        for (sum, right) in out.iter_mut().zip(&own[1..]) {
            *sum += wx * u32::from(*right);
        }
    }
}

/// From the first to behind the last voxel of a row that takes part.
pub(super) fn part_of(levels: &[u16]) -> std::ops::Range<usize> {
    let first = levels.iter().position(|level| *level != OUTSIDE).unwrap_or(levels.len());
    let last = levels.iter().rposition(|level| *level != OUTSIDE).map_or(first, |last| last + 1);
    first..last
}

/// Gives every voxel that takes part new weights and its label; how many labels changed. What takes no part keeps both: slices around a slab, whose voxels only draw, are [`OUTSIDE`].
///
/// # Panics
/// If a length or the number of classes does not fit.
pub fn sweep(
    (levels, shape): (&[u16], [usize; 3]),
    (energies, faces): (&Energies, FaceWeights),
    (old, new): (&SoftWeights, &mut SoftWeights),
    labels: &mut [u8],
) -> u64 {
    let voxels = shape.iter().product::<usize>();
    assert!(levels.len() == voxels && labels.len() == voxels, "arrays of other lengths than {shape:?}");
    let classes = energies.classes();
    assert!(old.classes() == classes && new.classes() == classes, "weights of other classes");
    assert!(old.0.iter().chain(&new.0).all(|plane| plane.len() == voxels), "weights of other lengths");
    let slice = shape[0] * shape[1];
    let mut planes: Vec<_> = new.0.iter_mut().map(|plane| plane.chunks_exact_mut(slice)).collect();
    let slices: Vec<_> = labels
        .chunks_exact_mut(slice)
        .enumerate()
        .map(|(z, labels)| (z, planes.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>(), labels))
        .collect();
    let one = |(z, new, labels): (usize, Vec<&mut [u8]>, &mut [u8])| {
        sweep_slice((&levels[z * slice..][..slice], shape, z), (energies, faces), old, (new, labels))
    };
    slices.into_par_iter().map(one).sum()
}

fn sweep_slice(
    place: (&[u16], [usize; 3], usize),
    model: (&Energies, FaceWeights),
    old: &SoftWeights,
    out: (Vec<&mut [u8]>, &mut [u8]),
) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { sweep_slice_avx2(place, model, old, out) };
    }
    sweep_slice_portable(place, model, old, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sweep_slice_avx2(
    place: (&[u16], [usize; 3], usize),
    model: (&Energies, FaceWeights),
    old: &SoftWeights,
    out: (Vec<&mut [u8]>, &mut [u8]),
) -> u64 {
    sweep_slice_portable(place, model, old, out)
}

#[inline(always)]
fn sweep_slice_portable(
    (levels, shape, z): (&[u16], [usize; 3], usize),
    (energies, faces): (&Energies, FaceWeights),
    old: &SoftWeights,
    (mut new, labels): (Vec<&mut [u8]>, &mut [u8]),
) -> u64 {
    let (nx, classes, exponentials) = (shape[0], energies.classes(), exponentials());
    let nothing = vec![0; nx];
    let neighbours = FaceNeighbours::new(shape, faces, &nothing);
    let mut sums = vec![0; nx * classes];
    let mut changed = 0;
    for (y, (levels, labels)) in levels.chunks_exact(nx).zip(labels.chunks_exact_mut(nx)).enumerate() {
        let part = part_of(levels);
        if part.is_empty() {
            continue;
        }
        for (class, sums) in sums.chunks_exact_mut(nx).enumerate() {
            neighbours.sums(old.of_class(class), [y, z], sums);
            // The strength keeps this within 32 bits.
            sums.iter_mut().for_each(|sum| *sum = (*sum * energies.strength()) >> 16);
        }
        for x in part {
            let level = levels[x];
            if level == OUTSIDE {
                continue;
            }
            let mut own = [i32::MAX; MOST_CLASSES];
            let (mut least, mut best) = (i32::MAX, 0);
            for (class, own) in own.iter_mut().enumerate().take(classes) {
                *own = i32::from(energies.of_class(class)[usize::from(level)]) - sums[class * nx + x] as i32;
                if *own < least {
                    (least, best) = (*own, class as u8 + 1);
                }
            }
            let mut all = [0; MOST_CLASSES];
            let mut sum = 0;
            for (p, own) in all.iter_mut().zip(own).take(classes) {
                *p = exponentials[(own - least).min(MOST_ENERGY) as usize];
                sum += *p;
            }
            for (plane, p) in new.iter_mut().zip(all) {
                plane[y * nx + x] = ((255 * p + sum / 2) / sum) as u8;
            }
            changed += u64::from(labels[x] != best);
            labels[x] = best;
        }
    }
    changed
}

/// For each class the sum of weights at each level.
///
/// # Panics
/// If lengths do not fit.
pub fn class_histograms(levels: &[u16], weights: &SoftWeights, space: LevelSpace) -> Vec<Vec<u64>> {
    assert!(weights.0.iter().all(|plane| plane.len() == levels.len()), "weights of other lengths");
    // A piece has many more voxels than there are levels, and its sums fit 32 bits.
    let piece = 64 * space.levels().min(1 << 14);
    let none = || vec![vec![0u64; space.levels()]; weights.classes()];
    let pieces = levels.par_chunks(piece).enumerate();
    let counted = pieces.fold(none, |mut all, (i, levels)| {
        for (counts, plane) in all.iter_mut().zip(&weights.0) {
            let mut own = vec![0u32; space.levels()];
            match space {
                LevelSpace::One => count_weights::<1024>(levels, &plane[i * piece..], &mut own),
                LevelSpace::Two => count_weights::<65536>(levels, &plane[i * piece..], &mut own),
            }
            counts.iter_mut().zip(own).for_each(|(count, more)| *count += u64::from(more));
        }
        all
    });
    counted.reduce(none, |mut all, more| {
        for (counts, more) in all.iter_mut().flatten().zip(more.iter().flatten()) {
            *counts += more;
        }
        all
    })
}

/// So many levels are known when the loop is compiled, so that it has no check of bounds.
fn count_weights<const LEVELS: usize>(levels: &[u16], weights: &[u8], counts: &mut [u32]) {
    let Ok(counts) = <&mut [u32; LEVELS]>::try_from(counts) else { return };
    for (level, weight) in levels.iter().zip(weights) {
        if *level != OUTSIDE {
            counts[usize::from(*level) % LEVELS] += u32::from(*weight);
        }
    }
}
