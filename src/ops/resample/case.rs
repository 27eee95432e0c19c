//! What the self-check runs.

use super::{Positions, Sampled, Sampling, cpu, encode};
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::{Dtype, keys};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (sampling, dtypes) in [
        (Sampling::Linear, &[Dtype::U8, Dtype::I16, Dtype::U16][..]),
        (Sampling::Nearest, &[Dtype::I16, Dtype::F32]),
        (Sampling::Label, &[Dtype::U8, Dtype::I32]),
    ] {
        for dtype in dtypes {
            checks.note(format!("{} {dtype} on a turned grid", sampling.name()), case(checks.gpu, *dtype, sampling));
        }
    }
}

/// A box of a larger source, a target turned against it that reaches beyond it, positions on both sides of 0.
fn case(gpu: &Gpu, dtype: Dtype, sampling: Sampling) -> Difference {
    let (shape, size) = ([37, 11, 7], [40, 13, 6]);
    let matrix = [[0.9, 0.31, -0.2, -2.3], [-0.17, 0.93, 0.29, 1.6], [0.11, -0.23, 1.21, 0.7]];
    let positions = Positions::new(&matrix, [40, 13, 6]).unwrap_or(Positions { start: [0; 3], step: [[0; 3]; 3] });
    let inside = [-4..37, 0..11, 0..9];
    let mut tile = Sample::Noise.bytes(dtype, shape.iter().product::<u32>() as usize);
    if sampling == Sampling::Label {
        // Few labels, so that several voxels share one.
        tile.chunks_exact_mut(dtype.bytes())
            .for_each(|one| one.iter_mut().enumerate().for_each(|(i, b)| *b = if i == 0 { *b % 3 } else { 0 }));
    }
    let fill = 7u64;
    let buffer = gpu.storage_with("resample", &tile, UNIT_VOXELS as usize * dtype.bytes())?;
    let bits = 8 * dtype.bytes() as u32;
    let (brick, out) = (Brick::empty(gpu, shape, bits)?, Brick::empty(gpu, size, bits)?);
    let packed = gpu.storage("resample", u64::from(out.voxels()).next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64)?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    let key = keys::key(dtype, fill) as u32;
    encode(gpu, &mut encoder, (sampling, key), (&brick, &inside, &positions), &out)?;
    out.encode_into(gpu, &mut encoder, dtype, &packed)?;
    gpu.submit("resample", encoder)?;
    let mut want = vec![0; out.voxels() as usize * dtype.bytes()];
    let from = Sampled { dtype, bytes: &tile, shape: shape.map(|n| n as usize), inside, positions };
    cpu(&from, sampling, fill, size.map(|n| n as usize), &mut want);
    Ok(compare(&gpu.download("resample", &packed, want.len() as u64)?, &want))
}
