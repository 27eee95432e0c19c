//! Balls on the CPU: a mask of what gives way, its distances, and what is near.

use std::ops::Range;

use super::MaskBall;
use crate::ops::distance::{Searched, fits, squared};
use crate::volume::Dtype;

/// Computes the box `inner` of a tile of this shape, which holds its halo where the volume does.
///
/// # Panics
/// If the box does not lie inside of the tile, or a buffer has another length.
pub fn cpu(dtype: Dtype, tile: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], ball: &MaskBall, out: &mut [u8]) {
    let voxels = shape.iter().product::<usize>();
    let size: usize = inner.iter().map(ExactSizeIterator::len).product();
    assert!((0..3).all(|a| inner[a].end <= shape[a]), "{inner:?} of {shape:?}");
    assert_eq!(tile.len(), voxels * dtype.bytes(), "a tile of another length");
    assert_eq!(out.len(), size * dtype.bytes(), "an output of another length");
    let yields = match dtype.bytes() {
        1 => yields::<1>(tile, ball.grows),
        2 => yields::<2>(tile, ball.grows),
        4 => yields::<4>(tile, ball.grows),
        _ => yields::<8>(tile, ball.grows),
    };
    if fits::<u32>(shape, ball.radius.weights) {
        near::<u32>(dtype, &yields, shape, inner, ball, out);
    } else {
        near::<u64>(dtype, &yields, shape, inner, ball, out);
    }
}

/// Which voxels have not the value that grows.
fn yields<const BYTES: usize>(tile: &[u8], grows: u64) -> Vec<u8> {
    let bytes = grows.to_le_bytes();
    let grows: [u8; BYTES] = std::array::from_fn(|i| bytes[i]);
    tile.as_chunks().0.iter().map(|value| u8::from(*value != grows)).collect()
}

fn near<T: Searched>(dtype: Dtype, yields: &[u8], shape: [usize; 3], inner: &[Range<usize>; 3], ball: &MaskBall, out: &mut [u8]) {
    let mut squares = vec![T::default(); yields.len()];
    squared(yields, shape, ball.radius.weights, &mut squares);
    // All ones, where the value does not occur, are no distance.
    let limit = T::from_square(ball.radius.square.min(T::FAR.square() - 1));
    let bytes = dtype.bytes();
    let [near, far] = [ball.grows, ball.yields].map(u64::to_le_bytes);
    let rows = inner[2].clone().flat_map(|z| inner[1].clone().map(move |y| (z * shape[1] + y) * shape[0]));
    for (row, out) in rows.zip(out.chunks_exact_mut((inner[0].len() * bytes).max(1))) {
        let squares = &squares[row..][inner[0].clone()];
        for (square, out) in squares.iter().zip(out.chunks_exact_mut(bytes)) {
            out.copy_from_slice(if *square <= limit { &near[..bytes] } else { &far[..bytes] });
        }
    }
}
