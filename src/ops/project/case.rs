//! What the self-check runs.

use super::{Beams, Fold, GpuRays, Rays, cpu, encode};
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
        checks.note(format!("greatest of float32 along {name}"), case(checks.gpu, Dtype::F32, axis, Fold::Greatest));
        checks.note(format!("least of uint8 along {name}"), case(checks.gpu, Dtype::U8, axis, Fold::Least));
        checks.note(format!("sum of int32 along {name}"), case(checks.gpu, Dtype::I32, axis, Fold::Sum));
        checks.note(format!("middle of int16 along {name}"), case(checks.gpu, Dtype::I16, axis, Fold::Middle { upper: false }));
    }
}

/// Three slabs of different thickness, a part of the values left out.
fn case(gpu: &Gpu, dtype: Dtype, axis: usize, fold: Fold) -> Difference {
    let shape = [19, 17, 13];
    let beams = Beams { dtype, axis, fold, slabs: vec![0..5, 5..10, 10..13], padding: Some((0x20, 0x40)) };
    let tile = Sample::Noise.bytes(dtype, shape.iter().product::<u32>() as usize);
    let buffer = gpu.storage_with("project", &tile, UNIT_VOXELS as usize * dtype.bytes())?;
    let brick = Brick::empty(gpu, shape, 8 * dtype.bytes() as u32)?;
    let known = GpuRays::empty(gpu, beams.rays(shape) as u64)?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    encode(gpu, &mut encoder, &beams, &brick, (&known, true))?;
    gpu.submit("project", encoder)?;
    let got = GpuRays::known(&beams, &gpu.download("project", &known.buffer, known.buffer.size())?);
    let mut want = Rays::none(beams.rays(shape));
    cpu(&beams, &tile, shape, &mut want);
    Ok(compare(&got.values, &want.values).and_then(|()| compare(&got.counts, &want.counts)))
}
