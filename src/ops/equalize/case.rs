//! What the self-check runs.

use super::{Settings, cpu, encode};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, compare, small_integers};
use crate::ops::{histogram, scan};
use crate::volume::Block;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let gpu = checks.gpu;
    for (name, dtype, bytes) in small_integers() {
        checks.note(name, case(gpu, Block { dtype, bytes: &bytes }));
    }
}

fn case(gpu: &Gpu, block: Block<'_>) -> Difference {
    let settings = Settings::of(block.dtype);
    let counts = histogram::cpu(block, None);
    let cumulative: Vec<u32> = scan::cpu(&counts.bins).iter().map(|c| *c as u32).collect();
    let cumulative = gpu.storage_with("equalize", bytemuck::cast_slice(&cumulative), 4)?;
    let entries = gpu.storage("equalize", cumulative.size())?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, &settings, &cumulative, &entries)?;
    gpu.submit("equalize", encoder)?;
    let bytes = gpu.download("equalize", &entries, entries.size())?;
    let got: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(compare(&got, cpu(&counts, &settings).entries()))
}
