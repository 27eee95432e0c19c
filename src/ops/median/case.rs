//! What the self-check runs.

use super::{cpu, encode};
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for dtype in [Dtype::U8, Dtype::I16, Dtype::U16, Dtype::I32, Dtype::F32] {
        checks.note(format!("{dtype} inside of a brick"), case(checks.gpu, dtype));
    }
}

/// A box inside, so that halos are seen on one side and borders on the other; NaN among floats.
fn case(gpu: &Gpu, dtype: Dtype) -> Difference {
    let (shape, origin, size) = ([37, 11, 7], [2, 0, 1], [35, 10, 6]);
    let tile = Sample::Noise.bytes(dtype, shape.iter().product::<u32>() as usize);
    let buffer = gpu.storage_with("median", &tile, UNIT_VOXELS as usize * dtype.bytes())?;
    let bits = 8 * dtype.bytes() as u32;
    let (brick, medians) = (Brick::empty(gpu, shape, bits)?, Brick::empty(gpu, size, bits)?);
    let packed = gpu.storage("median", u64::from(medians.voxels()).next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64)?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    encode(gpu, &mut encoder, dtype, &brick, origin, &medians)?;
    medians.encode_into(gpu, &mut encoder, dtype, &packed)?;
    gpu.submit("median", encoder)?;
    let mut want = vec![0; medians.voxels() as usize * dtype.bytes()];
    let inner = [0, 1, 2].map(|axis| origin[axis] as usize..(origin[axis] + size[axis]) as usize);
    cpu(dtype, &tile, shape.map(|n| n as usize), &inner, &mut want);
    Ok(compare(&gpu.download("median", &packed, want.len() as u64)?, &want))
}
