//! What the self-check runs.

use super::{Footprint, FootprintShape, GpuFootprint, cpu, encode};
use crate::engine::{Brick, Chunk, Gpu, GpuError, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (dtype, reach, shape, rank) in [
        (Dtype::U8, [2, 1, 1], FootprintShape::Box, 22),
        (Dtype::I16, [2, 2, 2], FootprintShape::Ball, 0),
        (Dtype::I32, [0, 3, 1], FootprintShape::Box, 20),
        (Dtype::F32, [2, 2, 1], FootprintShape::Ball, 3),
    ] {
        let name = format!("{dtype} within {reach:?} of a brick");
        let difference = Footprint::new(reach, shape)
            .map_err(|e| GpuError::Input { kernel: "rank", what: e.to_string() })
            .and_then(|footprint| case(checks.gpu, dtype, &footprint, rank));
        checks.note(name, difference);
    }
}

/// A box inside, so that halos are seen on one side and borders on the other; NaN among floats.
fn case(gpu: &Gpu, dtype: Dtype, footprint: &Footprint, rank: u32) -> Difference {
    let (shape, origin, size) = ([37, 11, 7], [2, 0, 1], [35, 10, 6]);
    let tile = Sample::Noise.bytes(dtype, shape.iter().product::<u32>() as usize);
    let buffer = gpu.storage_with("rank", &tile, UNIT_VOXELS as usize * dtype.bytes())?;
    let bits = 8 * dtype.bytes() as u32;
    let brick = Brick::empty(gpu, shape, bits)?;
    let (results, scratch) = (Brick::empty(gpu, size, bits)?, Brick::empty(gpu, size, bits)?);
    let packed = gpu.storage("rank", u64::from(results.voxels()).next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64)?;
    let rows = GpuFootprint::upload(gpu, footprint)?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    encode(gpu, &mut encoder, dtype, (&brick, origin), (&rows, rank), [&results, &scratch])?;
    results.encode_into(gpu, &mut encoder, dtype, &packed)?;
    gpu.submit("rank", encoder)?;
    let mut want = vec![0; results.voxels() as usize * dtype.bytes()];
    let inner = [0, 1, 2].map(|axis| origin[axis] as usize..(origin[axis] + size[axis]) as usize);
    cpu(dtype, &tile, shape.map(|n| n as usize), &inner, footprint, rank, &mut want);
    Ok(compare(&gpu.download("rank", &packed, want.len() as u64)?, &want))
}
