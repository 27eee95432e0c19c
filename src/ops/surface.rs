//! The surface of a mask: codes of the cells between voxels, or the voxels on its border.
//!
//! - **Input**: a mask of 0 and 1, shape `[nx, ny, nz]`, x fastest; of one slice (`nz` 1) in 2-D.
//! - **Output**: [`cells`]: a code for each cell of 2 x 2 x 2 voxels, shape `[nx + 1, ny + 1, nz + 1]`: bit x + 2 y + 4 z is set where the voxel at that corner is inside; in 2-D of
//!   2 x 2 pixels, shape `[nx + 1, ny + 1, 1]`. [`borders`]: 1 for each voxel inside with a neighbour outside across a face (in 2-D across a side), else 0.
//! - **Border**: what lies outside of the volume is outside of the mask.
//! - **Exactness**: Exact.
//! - **Cost**: a few instructions a voxel, in vectors; a byte a cell.
//! - **Errors**: none; panics if the mask has another length than `shape`.

use rayon::prelude::*;

/// The shape of the cells of a mask of this shape.
pub fn cell_shape([nx, ny, nz]: [usize; 3]) -> [usize; 3] {
    [nx + 1, ny + 1, if nz == 1 { 1 } else { nz + 1 }]
}

/// The code of each cell.
///
/// # Panics
/// If `mask` has another length than `shape`.
pub fn cells(mask: &[u8], shape: [usize; 3]) -> Vec<u8> {
    let [nx, ny, nz] = shape;
    assert_eq!(mask.len(), nx * ny * nz, "a mask of another length");
    let [cx, cy, cz] = cell_shape(shape);
    let mut codes = vec![0; cx * cy * cz];
    codes.par_chunks_exact_mut(cx * cy).enumerate().for_each(|(z, slice)| {
        for (y, row) in slice.chunks_exact_mut(cx).enumerate() {
            // A cell begins one voxel before the voxel of its number; of one slice there are no cells between slices.
            let below = if nz == 1 { z..z + 1 } else { z.saturating_sub(1)..(z + 1).min(nz) };
            for slice in below {
                let high_z = nz > 1 && slice == z;
                for line in y.saturating_sub(1)..(y + 1).min(ny) {
                    let bit = 2 * usize::from(line == y) + 4 * usize::from(high_z);
                    let voxels = &mask[(slice * ny + line) * nx..][..nx];
                    row[1..].iter_mut().zip(voxels).for_each(|(code, inside)| *code |= inside << bit);
                    row.iter_mut().zip(voxels).for_each(|(code, inside)| *code |= inside << (bit + 1));
                }
            }
        }
    });
    codes
}

/// The voxels on the border of the mask.
///
/// # Panics
/// If `mask` has another length than `shape`.
pub fn borders(mask: &[u8], shape: [usize; 3]) -> Vec<u8> {
    let [nx, ny, nz] = shape;
    assert_eq!(mask.len(), nx * ny * nz, "a mask of another length");
    let mut out = vec![0; mask.len()];
    let nothing = vec![0u8; nx];
    out.par_chunks_exact_mut(nx * ny).enumerate().for_each(|(z, slice)| {
        let row_at = |y: Option<usize>, z: Option<usize>| match (y, z) {
            (Some(y), Some(z)) if y < ny && z < nz => &mask[(z * ny + y) * nx..][..nx],
            _ => nothing.as_slice(),
        };
        for (y, row) in slice.chunks_exact_mut(nx).enumerate() {
            let own = row_at(Some(y), Some(z));
            row.fill(1);
            let mut beside = vec![row_at(y.checked_sub(1), Some(z)), row_at(Some(y + 1), Some(z))];
            if nz > 1 {
                beside.extend([row_at(Some(y), z.checked_sub(1)), row_at(Some(y), Some(z + 1))]);
            }
            for line in beside {
                row.iter_mut().zip(line).for_each(|(all, inside)| *all &= inside);
            }
            row[0] = 0;
            row[nx - 1] = 0;
            row[1..].iter_mut().zip(own).for_each(|(all, before)| *all &= before);
            row.iter_mut().zip(&own[1..]).for_each(|(all, after)| *all &= after);
            row.iter_mut().zip(own).for_each(|(all, inside)| *all = inside & (1 - *all));
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::noise;

    #[test]
    fn cells_and_borders_are_what_their_neighbours_say() {
        for shape in [[5, 4, 3], [1, 1, 1], [7, 1, 4], [1, 6, 2], [6, 5, 1], [70, 3, 2]] {
            let [nx, ny, nz] = shape;
            let mask: Vec<u8> = (0..nx * ny * nz).map(|i| u8::from(!noise(i as u64).is_multiple_of(3))).collect();
            let at = |x: i64, y: i64, z: i64| {
                let within = [(x, nx), (y, ny), (z, nz)].into_iter().all(|(v, n)| (0..n as i64).contains(&v));
                if within { mask[(z as usize * ny + y as usize) * nx + x as usize] } else { 0 }
            };
            let [cx, cy, cz] = cell_shape(shape);
            let codes = cells(&mask, shape);
            assert_eq!(codes.len(), cx * cy * cz);
            for (i, code) in codes.iter().enumerate() {
                let (x, y, z) = ((i % cx) as i64, (i / cx % cy) as i64, (i / (cx * cy)) as i64);
                let corners = if nz == 1 { 4 } else { 8 };
                let want = (0..corners).map(|c: i64| {
                    let deep = if nz == 1 { 0 } else { z - 1 + (c >> 2) };
                    at(x - 1 + (c & 1), y - 1 + (c >> 1 & 1), deep) << c
                });
                assert_eq!(*code, want.sum::<u8>(), "{shape:?} {x} {y} {z}");
            }
            for (i, border) in borders(&mask, shape).iter().enumerate() {
                let (x, y, z) = ((i % nx) as i64, (i / nx % ny) as i64, (i / (nx * ny)) as i64);
                let mut all = vec![at(x - 1, y, z), at(x + 1, y, z), at(x, y - 1, z), at(x, y + 1, z)];
                if nz > 1 {
                    all.extend([at(x, y, z - 1), at(x, y, z + 1)]);
                }
                assert_eq!(*border, at(x, y, z) & u8::from(all.contains(&0)), "{shape:?} {x} {y} {z}");
            }
        }
    }
}
