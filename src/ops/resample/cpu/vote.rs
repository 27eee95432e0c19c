//! The label with the largest weight among the eight voxels around a position.

use super::{Sampled, pair, rows};
use crate::volume::{Dtype, keys};

pub(super) fn all(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8]) {
    match from.dtype.bytes() {
        1 => of::<1>(from, fill, size, out),
        2 => of::<2>(from, fill, size, out),
        4 => of::<4>(from, fill, size, out),
        _ => of::<8>(from, fill, size, out),
    }
}

fn value<const N: usize>(bytes: [u8; N]) -> u64 {
    bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// Voxels of N bytes.
fn of<const N: usize>(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8]) {
    let [nx, ny, nz] = from.shape;
    let voxels = from.bytes.as_chunks::<N>().0;
    let step = from.positions.step[0];
    rows(from, fill, size, out, |first, _, row| {
        let mut at = first;
        for one in row.as_chunks_mut::<N>().0 {
            // To 2⁻¹⁵ voxels, so that sums of products of three weights fit two words on a device.
            let [x, y, z] = at.map(|position| (position + (1 << 16)) >> 17);
            let (xs, ys, zs) = (pair(x >> 15, nx), pair(y >> 15, ny), pair(z >> 15, nz));
            let corner = |i: usize| voxels[(zs[i >> 2] * ny + ys[i >> 1 & 1]) * nx + xs[i & 1]];
            let corners: [[u8; N]; 8] = std::array::from_fn(corner);
            *one = if corners.iter().all(|c| *c == corners[0]) { corners[0] } else { elected(from.dtype, corners, [x, y, z]) };
            at = std::array::from_fn(|along| at[along] + step[along]);
        }
    });
}

/// The one with the largest sum of weights; of several the one that sorts first.
fn elected<const N: usize>(dtype: Dtype, corners: [[u8; N]; 8], position: [i64; 3]) -> [u8; N] {
    let upper = position.map(|p| (p & 0x7fff) as u64);
    let weight = |i: usize| -> u64 {
        (0..3).map(|along| if i >> along & 1 == 1 { upper[along] } else { (1 << 15) - upper[along] }).product()
    };
    let mut best = (0, u64::MAX, corners[0]);
    for one in corners {
        let sum = (0..8).filter(|i| corners[*i] == one).map(weight).sum();
        let key = keys::key(dtype, value(one));
        if sum > best.0 || (sum == best.0 && key < best.1) {
            best = (sum, key, one);
        }
    }
    best.2
}
