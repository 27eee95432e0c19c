//! Resampling on the CPU: rows of the target, each with the part of it that the source covers.

mod area;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod fixed;
mod nearest;
mod real;
mod straight;
mod vote;

use std::ops::Range;

use super::{Positions, Sampling};
use crate::volume::Dtype;

/// A box of a source, and where the voxels of a target lie in it.
#[derive(Debug, Clone)]
pub struct Sampled<'a> {
    /// Type of the voxels.
    pub dtype: Dtype,
    /// The box's voxels, x fastest.
    pub bytes: &'a [u8],
    /// Voxels of the box along x, y, z.
    pub shape: [usize; 3],
    /// Voxels of the whole source, counted from the box's first: what lies beyond is outside. The box holds all of them that the target looks at.
    pub inside: [Range<i64>; 3],
    /// Counted from the box's first voxel.
    pub positions: Positions,
}

impl Sampled<'_> {
    /// The same for a part of the target that begins at `voxel`.
    #[must_use]
    pub fn from(&self, voxel: [u64; 3]) -> Self {
        Self { positions: self.positions.from(voxel, [0; 3]), ..self.clone() }
    }
}

/// Samples a target of `size` voxels into `out`, by the sampling; `fill` is the stored value, as bits, of what lies outside of the source.
///
/// # Panics
/// If the box is empty, or it or `out` has another length than its voxels take.
pub fn cpu(from: &Sampled<'_>, sampling: Sampling, fill: u64, size: [usize; 3], out: &mut [u8]) {
    by(from, sampling, fill, size, out, fastest());
}

/// The same without vectors of the machine.
#[cfg(test)]
pub(super) fn cpu_portable(from: &Sampled<'_>, sampling: Sampling, fill: u64, size: [usize; 3], out: &mut [u8]) {
    by(from, sampling, fill, size, out, Vectors::None);
}

/// What the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vectors {
    None,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

fn fastest() -> Vectors {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return Vectors::Avx2;
    }
    Vectors::None
}

fn by(from: &Sampled<'_>, sampling: Sampling, fill: u64, size: [usize; 3], out: &mut [u8], vectors: Vectors) {
    let voxels = from.shape.iter().product::<usize>();
    assert!(voxels > 0 && from.bytes.len() == voxels * from.dtype.bytes(), "a box of {:?} {}", from.shape, from.dtype);
    assert!(out.len() == size.iter().product::<usize>() * from.dtype.bytes(), "a target of {size:?} {}", from.dtype);
    match sampling {
        Sampling::Nearest => nearest::all(from, fill, size, out),
        Sampling::Area => area::all(from, fill, size, out),
        Sampling::Label => vote::all(from, fill, size, out),
        Sampling::Linear if !from.dtype.is_small_integer() => real::all(from, fill, size, out),
        Sampling::Linear if from.positions.is_straight() => straight::all(from, fill, size, out, vectors),
        Sampling::Linear => fixed::all(from, fill, size, out, vectors),
    }
}

/// Hands on each row of the target with its first position and the part of it that the source covers; the rest of it is filled.
fn rows(
    from: &Sampled<'_>,
    fill: u64,
    size: [usize; 3],
    out: &mut [u8],
    mut work: impl FnMut([i64; 3], Range<usize>, &mut [u8]),
) {
    let width = from.dtype.bytes();
    let fill = &fill.to_le_bytes()[..width];
    for (i, row) in out.chunks_exact_mut((size[0] * width).max(1)).enumerate() {
        let (y, z) = (i % size[1], i / size[1]);
        let start = from.positions.at([0, y as u64, z as u64]);
        let covered = from.positions.covered(start, size[0], &from.inside);
        let (before, rest) = row.split_at_mut(covered.start * width);
        let (own, behind) = rest.split_at_mut(covered.len() * width);
        for part in [before, behind] {
            part.chunks_exact_mut(width).for_each(|one| one.copy_from_slice(fill));
        }
        if !covered.is_empty() {
            let step = from.positions.step[0];
            let first = std::array::from_fn(|along| start[along] + step[along] * covered.start as i64);
            work(first, covered, own);
        }
    }
}

/// The voxels of the box around a whole position, along one axis: beyond its ends its outermost go on.
fn pair(whole: i64, count: usize) -> [usize; 2] {
    let last = count as i64 - 1;
    [whole.clamp(0, last) as usize, (whole + 1).clamp(0, last) as usize]
}
