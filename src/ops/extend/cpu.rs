//! Larger boxes on one thread of the CPU: places are looked up once for each axis.

use super::Border;
use crate::volume::Dtype;

/// Writes the box to `out` with `margins` more voxels before and behind along x, y and z. `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If the box is empty, or `tile` or `out` has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], margins: [[usize; 2]; 3], border: Border, out: &mut [u8]) {
    match dtype.bytes() {
        1 => run::<1>(tile, shape, margins, border, out),
        2 => run::<2>(tile, shape, margins, border, out),
        4 => run::<4>(tile, shape, margins, border, out),
        _ => run::<8>(tile, shape, margins, border, out),
    }
}

fn run<const BYTES: usize>(tile: &[u8], shape: [usize; 3], margins: [[usize; 2]; 3], border: Border, out: &mut [u8]) {
    let voxels: &[[u8; BYTES]] = tile.as_chunks().0;
    let results: &mut [[u8; BYTES]] = out.as_chunks_mut().0;
    assert!(!voxels.is_empty() && voxels.len() == shape.iter().product::<usize>(), "a tile of another length");
    let size: [usize; 3] = std::array::from_fn(|a| margins[a][0] + shape[a] + margins[a][1]);
    assert_eq!(results.len(), size.iter().product::<usize>(), "an output of another length");
    let outside = match border {
        Border::Constant(bits) => *bits.to_le_bytes().first_chunk().expect("a value has at most eight bytes"),
        _ => [0; BYTES],
    };
    let places = |a: usize| {
        let place = move |at: usize| border.place(at as isize - margins[a][0] as isize, shape[a]);
        (0..size[a]).map(place)
    };
    let across: Vec<Option<usize>> = places(0).collect();
    let [before, _] = margins[0];
    let mut rows = results.chunks_exact_mut(size[0]);
    for z in places(2) {
        for (y, row) in places(1).zip(&mut rows) {
            let (Some(y), Some(z)) = (y, z) else {
                row.fill(outside);
                continue;
            };
            let from = &voxels[(z * shape[1] + y) * shape[0]..][..shape[0]];
            row[before..][..shape[0]].copy_from_slice(from);
            for x in (0..before).chain(before + shape[0]..size[0]) {
                row[x] = across[x].map_or(outside, |x| from[x]);
            }
        }
    }
}
