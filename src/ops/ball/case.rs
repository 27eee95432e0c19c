//! What the self-check runs.

use std::ops::Range;

use super::{MaskBall, Radius, cpu, encode, scratch_bytes};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, OnBricks, Sample};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (what, spacing_mm) in
        [("squares of one word", [0.7, 0.7, 2.5]), ("squares of two words", [0.976_563, 0.900_001, 5.000_003])]
    {
        let (shape, inner) = ([67, 21, 9], [2..67, 0..20, 1..9]);
        let radius = Radius::in_mm(3.0, spacing_mm, shape).expect("a spacing, and a larger volume");
        checks.note(what, on_device(checks.gpu, Dtype::I16, shape, &inner, (50, radius)));
    }
}

/// What a ball makes of noise, in which one voxel of so many has the value that grows.
pub(super) fn on_device(
    gpu: &Gpu,
    dtype: Dtype,
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    (one_of, radius): (u8, Radius),
) -> Difference {
    let tile = two_values(dtype, shape.iter().product(), one_of);
    let case = OnBricks { kernel: "ball", types: (dtype, dtype), tile, shape, inner: inner.clone() };
    let ball = MaskBall::new(VALUES, radius);
    let scratch = scratch_bytes(shape.map(|n| n as u32), &ball).map(|bytes| gpu.storage("ball", bytes));
    let [bits, squares, others] = scratch;
    let (bits, squares, others) = (bits?, squares?, others?);
    case.compare(
        gpu,
        |encoder, from, to| encode(gpu, encoder, (dtype, &ball), from, to, [&bits, &squares, &others]),
        |tile, shape, inner, out| cpu(dtype, tile, shape, inner, &ball, out),
    )
}

/// The value that grows, and the one that yields.
pub(super) const VALUES: [u64; 2] = [1, 0x41];

/// Voxels of which one of so many, here and there, has the value that grows.
pub(super) fn two_values(dtype: Dtype, voxels: usize, one_of: u8) -> Vec<u8> {
    let noise = Sample::Noise.bytes(Dtype::U32, voxels);
    let grows = |noise: u32| one_of > 0 && noise.is_multiple_of(u32::from(one_of));
    let value = |noise: u32| VALUES[usize::from(!grows(noise))].to_le_bytes();
    let all = noise.as_chunks().0.iter().map(|bytes| value(u32::from_le_bytes(*bytes)));
    all.flat_map(|bytes| bytes.into_iter().take(dtype.bytes())).collect()
}
