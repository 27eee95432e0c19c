//! The nearest voxel, moved as it is.

use super::{Sampled, rows};
use crate::ops::resample::positions::VOXEL;

pub(super) fn all(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8]) {
    match from.dtype.bytes() {
        1 => of::<1>(from, fill, size, out),
        2 => of::<2>(from, fill, size, out),
        4 => of::<4>(from, fill, size, out),
        _ => of::<8>(from, fill, size, out),
    }
}

/// Voxels of N bytes.
fn of<const N: usize>(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8]) {
    let [nx, ny, nz] = from.shape;
    let voxels = from.bytes.as_chunks::<N>().0;
    let step = from.positions.step[0];
    let place = |position: i64, count: usize| ((position + VOXEL / 2) >> 32).clamp(0, count as i64 - 1) as usize;
    rows(from, fill, size, out, |first, _, row| {
        let row = row.as_chunks_mut::<N>().0;
        if step[1] == 0 && step[2] == 0 {
            let (y, z) = (place(first[1], ny), place(first[2], nz));
            let line = &voxels[(z * ny + y) * nx..][..nx];
            if step[0] == VOXEL {
                // What is only moved is copied in one go.
                row.copy_from_slice(&line[place(first[0], nx)..][..row.len()]);
                return;
            }
            let mut x = first[0];
            for one in row {
                *one = line[place(x, nx)];
                x += step[0];
            }
            return;
        }
        let mut at = first;
        for one in row {
            *one = voxels[(place(at[2], nz) * ny + place(at[1], ny)) * nx + place(at[0], nx)];
            at = std::array::from_fn(|along| at[along] + step[along]);
        }
    });
}
