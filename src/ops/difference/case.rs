//! What the self-check runs.

use super::{cpu, encode, result};
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for dtype in [Dtype::U8, Dtype::I16, Dtype::U32] {
        checks.note(format!("{dtype} less itself a row further"), case(checks.gpu, dtype));
    }
}

/// A box of a brick less another box of it.
fn case(gpu: &Gpu, dtype: Dtype) -> Difference {
    let (shape, size) = ([37, 9, 3], [37, 8, 3]);
    let tile = Sample::Noise.bytes(dtype, shape.iter().product::<u32>() as usize);
    let buffer = gpu.storage_with("difference", &tile, UNIT_VOXELS as usize * dtype.bytes())?;
    let bits = 8 * dtype.bytes() as u32;
    let (brick, results) = (Brick::empty(gpu, shape, bits)?, Brick::empty(gpu, size, bits)?);
    let packed = gpu.storage("difference", u64::from(results.voxels()).next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64)?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    encode(gpu, &mut encoder, dtype, [(&brick, [0; 3]), (&brick, [0, 1, 0])], &results)?;
    results.encode_into(gpu, &mut encoder, result(dtype), &packed)?;
    gpu.submit("difference", encoder)?;
    let row = 37 * dtype.bytes();
    let rows =
        |first: usize| -> Vec<u8> { tile.chunks(9 * row).flat_map(|slice| &slice[first * row..][..8 * row]).copied().collect() };
    let mut want = vec![0; 3 * 8 * row];
    cpu(dtype, &rows(0), &rows(1), &mut want);
    Ok(compare(&gpu.download("difference", &packed, want.len() as u64)?, &want))
}
