//! What the self-check runs.

use super::{Between, GpuSlots, Lattice, TileLevels, blend, count, encode_blend, encode_count, find};
use crate::analysis::adaptive::ClipRule;
use crate::engine::{Brick, Chunk, Gpu, UNIT_VOXELS};
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for dtype in [Dtype::U8, Dtype::I16] {
        for sample in [Sample::Noise, Sample::MostlyAir] {
            checks.note(format!("{dtype} {sample:?}"), case(checks.gpu, dtype, sample));
        }
    }
}

/// Two layers of tiles that do not go into the image, in few slots.
fn case(gpu: &Gpu, dtype: Dtype, sample: Sample) -> Difference {
    let shape = [37, 23, 6];
    let Ok(lattice) = Lattice::new(shape, [3, 2, 2]) else { return Ok(Err("no lattice".into())) };
    let bytes = sample.bytes(dtype, shape.iter().product::<u32>() as usize);
    let slots: Vec<u32> = (0..dtype.values() as u32).map(|key| key % 52).collect();
    let visits: Vec<[u32; 2]> = (0..).zip(lattice.sources(2)).map(|(at, z): (u32, u32)| [z, at / lattice.size()[2]]).collect();

    let buffer = gpu.storage_with("clahe", &bytes, UNIT_VOXELS as usize * dtype.bytes())?;
    let brick = Brick::empty(gpu, shape, 8 * dtype.bytes() as u32)?;
    let blended = Brick::empty(gpu, shape, 16)?;
    let on_device = GpuSlots::upload(gpu, &slots, 50)?;
    let number = 2 * lattice.in_layer() * 50;
    let counts = gpu.storage_with("clahe", &vec![0; 4 * number], 4)?;
    let mut encoder = gpu.encoder();
    brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer, voxels: brick.voxels() })?;
    encode_count(gpu, &mut encoder, &lattice, (&brick, None, &on_device), (&visits, &counts))?;
    gpu.submit("clahe", encoder)?;
    let got: Vec<u32> = bytemuck::pod_collect_to_vec(&gpu.download("clahe", &counts, 4 * number as u64)?);

    let mut found = vec![0; bytes.len() / dtype.bytes()];
    find(Block { dtype, bytes: &bytes }, &slots, None, &mut found);
    let slice = (shape[0] * shape[1]) as usize;
    let mut want = vec![0; number];
    for [z, layer] in &visits {
        let own = &mut want[*layer as usize * number / 2..][..number / 2];
        count(&lattice, &found[*z as usize * slice..][..slice], 50, own);
    }
    let same = compare(&got, &want);
    let depth: Vec<Between> = lattice.between(2);
    let mut tables = TileLevels { entries: 52, levels: vec![0; number / 50 * 52], filled: Vec::new() };
    let (rule, bins) = (ClipRule { bins: 60, clip: 2.0, top: u16::MAX }, (5..55).collect::<Vec<u32>>());
    for (counts, levels) in want.chunks(50).zip(tables.levels.chunks_mut(52)) {
        tables.filled.push(rule.levels(counts, &bins, levels));
    }
    // A tile that knows nothing.
    tables.filled[1] = false;
    let mut encoder = gpu.encoder();
    encode_blend(gpu, &mut encoder, &lattice, (&brick, &on_device), (&tables, &depth), &blended)?;
    gpu.submit("clahe", encoder)?;
    let got = gpu.download("clahe", &blended.buffer, 4 * found.len() as u64)?;
    let got: Vec<u16> = bytemuck::pod_collect_to_vec::<u8, u32>(&got).iter().map(|level| *level as u16).collect();
    let mut want = vec![0; 2 * found.len()];
    for ((slots, out), depth) in found.chunks(slice).zip(want.chunks_mut(2 * slice)).zip(&depth) {
        blend(&lattice, slots, (&tables, *depth), Dtype::U16, out);
    }
    Ok(same.and_then(|()| compare(&got, &bytemuck::pod_collect_to_vec::<u8, u16>(&want))))
}
