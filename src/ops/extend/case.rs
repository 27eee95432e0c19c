//! What the self-check runs.

use super::{Border, cpu, encode};
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for border in [Border::Nearest, Border::Reflect, Border::Mirror, Border::Constant(0x1234)] {
        let difference = on_device(checks.gpu, Dtype::I16, [13, 4, 2], [[3, 40], [5, 1], [0, 7]], border);
        checks.note(format!("{border:?}"), difference);
    }
}

/// What a device adds to noise, beside what the CPU does.
pub(super) fn on_device(gpu: &Gpu, dtype: Dtype, shape: [usize; 3], margins: [[usize; 2]; 3], border: Border) -> Difference {
    let tile = Sample::Noise.bytes(dtype, shape.iter().product());
    let size: [usize; 3] = std::array::from_fn(|a| margins[a][0] + shape[a] + margins[a][1]);
    let mut want = vec![0; size.iter().product::<usize>() * dtype.bytes()];
    cpu(dtype, &tile, shape, margins, border, &mut want);
    let (bits, unit) = (8 * dtype.bytes() as u32, UNIT_VOXELS as usize * dtype.bytes());
    let [small, large] = [shape, size].map(|shape| Brick::empty(gpu, shape.map(|n| n as u32), bits));
    let (small, large) = (small?, large?);
    let chunk = Chunk { buffer: gpu.storage_with("extend", &tile, unit)?, voxels: small.voxels() };
    let packed = gpu.storage("extend", want.len().next_multiple_of(unit) as u64)?;
    let mut encoder = gpu.encoder();
    small.encode_from(gpu, &mut encoder, dtype, &chunk)?;
    encode(gpu, &mut encoder, (dtype, border), &small, margins.map(|[before, _]| before as u32), &large)?;
    large.encode_into(gpu, &mut encoder, dtype, &packed)?;
    gpu.submit("extend", encoder)?;
    Ok(compare(&gpu.download("extend", &packed, want.len() as u64)?, &want))
}
