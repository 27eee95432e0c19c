//! Linear interpolation of 8- and 16-bit integers between eight voxels, anywhere.

use super::{Sampled, Vectors, pair, rows};
use crate::volume::{Dtype, keys};

/// A position rounded to 2⁻¹⁶ voxels.
pub(super) fn rounded(position: i64) -> i64 {
    (position + (1 << 15)) >> 16
}

/// Between two values by a weight of 65,536ths for the second, rounded half up. In two halves of the weight, so that 32 bits hold the products of what is kept between axes: rounding down
/// twice is rounding down once.
pub(super) fn between(a: u32, b: u32, weight: u32) -> u32 {
    let change = b as i32 - a as i32;
    let (high, low) = ((weight >> 8) as i32, (weight & 255) as i32);
    (a as i32 + ((change * high + ((change * low) >> 8) + 128) >> 8)) as u32
}

/// The same between two stored keys, sixteen times as large: what is kept between axes.
pub(super) fn between_keys(a: u32, b: u32, weight: u32) -> u32 {
    let change = b as i32 - a as i32;
    let (high, low) = ((weight >> 8) as i32, (weight & 255) as i32);
    ((a << 4) as i32 + ((change * high + ((change * low) >> 8) + 8) >> 4)) as u32
}

/// A key again of what is kept between axes.
pub(super) fn key_of(sixteenths: u32) -> u32 {
    (sixteenths + 8) >> 4
}

pub(super) fn all(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8], vectors: Vectors) {
    let sign = keys::sign_bit(from.dtype) as u32;
    #[cfg(target_arch = "x86_64")]
    let vectors = if super::avx2::fits(from) { vectors } else { Vectors::None };
    rows(from, fill, size, out, |first, _, row| match vectors {
        #[cfg(target_arch = "x86_64")]
        Vectors::Avx2 => {
            // SAFETY: this variant is made only where AVX2 was detected, and `fits` says that the box can be addressed.
            let done = unsafe { super::avx2::row(from, first, row) };
            let step = from.positions.step[0];
            let rest = std::array::from_fn(|along| first[along] + step[along] * done as i64);
            scalar(from, sign, rest, &mut row[done * from.dtype.bytes()..]);
        }
        Vectors::None => scalar(from, sign, first, row),
    });
}

/// A row of voxels from a position on, one by one.
pub(super) fn scalar(from: &Sampled<'_>, sign: u32, first: [i64; 3], row: &mut [u8]) {
    match from.dtype {
        Dtype::U8 | Dtype::I8 => each::<1>(from, sign, first, row),
        _ => each::<2>(from, sign, first, row),
    }
}

fn each<const N: usize>(from: &Sampled<'_>, sign: u32, first: [i64; 3], row: &mut [u8]) {
    let [nx, ny, nz] = from.shape;
    let voxels = from.bytes.as_chunks::<N>().0;
    let key = |at: usize| voxels[at].iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte)) ^ sign;
    let step = from.positions.step[0];
    let mut at = first;
    for one in row.as_chunks_mut::<N>().0 {
        let [x, y, z] = at.map(rounded);
        let [wx, wy, wz] = [x, y, z].map(|position| (position & 0xffff) as u32);
        let ([x0, x1], ys, zs) = (pair(x >> 16, nx), pair(y >> 16, ny), pair(z >> 16, nz));
        let line = |y: usize, z: usize| {
            let begin = (z * ny + y) * nx;
            between_keys(key(begin + x0), key(begin + x1), wx)
        };
        let slice = |z: usize| between(line(ys[0], z), line(ys[1], z), wy);
        let key = key_of(between(slice(zs[0]), slice(zs[1]), wz)) ^ sign;
        one.copy_from_slice(&key.to_le_bytes()[..N]);
        at = std::array::from_fn(|along| at[along] + step[along]);
    }
}
