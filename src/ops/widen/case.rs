//! What the self-check runs.

use super::cpu;
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, VOXELS, compare};
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for dtype in [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::U32, Dtype::I32, Dtype::F32] {
        checks.note(format!("{dtype} to keys and back"), case(checks.gpu, dtype));
    }
}

fn case(gpu: &Gpu, dtype: Dtype) -> Difference {
    let bytes = Sample::Noise.bytes(dtype, VOXELS);
    let buffer = gpu.storage_with("widen", &bytes, UNIT_VOXELS as usize * dtype.bytes())?;
    let brick = Brick::empty(gpu, [VOXELS as u32, 1, 1], 8 * dtype.bytes() as u32)?;
    let packed = gpu.storage("widen", buffer.size())?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    brick.encode_into(gpu, &mut encoder, dtype, &packed)?;
    gpu.submit("widen", encoder)?;
    let mut want = vec![0; VOXELS];
    cpu(Block { dtype, bytes: &bytes }, &mut want);
    let keys: Vec<u32> = bytemuck::pod_collect_to_vec(&gpu.download("widen", &brick.buffer, 4 * VOXELS as u64)?);
    let back = gpu.download("widen", &packed, bytes.len() as u64)?;
    Ok(compare(&keys, &want).and_then(|()| compare(&back, &bytes)))
}
