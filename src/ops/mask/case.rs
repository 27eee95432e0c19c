//! What the self-check runs.

use super::{GpuMask, Keep, Rule, combine, cpu, run, run_combine};
use crate::engine::{Gpu, GpuVolume};
use crate::ops::checks::{Checks, Difference, Sample, VOXELS, compare, small_integers};
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let gpu = checks.gpu;
    for (name, dtype, bytes) in small_integers() {
        checks.note(name, case(gpu, Block { dtype, bytes: &bytes }));
    }
    let floats = Sample::Noise.bytes(Dtype::F32, VOXELS);
    checks.note("float32 with NaN and infinities", case(gpu, Block { dtype: Dtype::F32, bytes: &floats }));
    checks.note("and, or, xor, not", combine_case(gpu));
}

/// The block under a mask of bytes and under the same mask packed.
fn case(gpu: &Gpu, block: Block<'_>) -> Difference {
    let bits: Vec<u8> = (0..block.len().div_ceil(8)).map(|i| ((i * 37) >> 2) as u8).collect();
    let bytes: Vec<u8> = (0..block.len()).map(|i| bits[i / 8] & 1 << (i % 8)).collect();
    let background = 0xfedc_ba98_u32 >> (32 - 8 * block.dtype.bytes());
    let volume = GpuVolume::upload(gpu, block)?;
    let mut want = vec![0; block.bytes.len()];
    cpu(block, Keep::Bytes(&bytes), u64::from(background), &mut want);
    let mut same = Ok(());
    for keep in [Keep::Bytes(&bytes), Keep::Bits(&bits)] {
        let device_mask = GpuMask::upload(gpu, keep, block.len() as u64)?;
        let got = run(gpu, &volume, &device_mask, background)?.download(gpu)?;
        same = same.and_then(|()| compare(&got, &want));
    }
    Ok(same)
}

fn combine_case(gpu: &Gpu) -> Difference {
    let [a, b] = [3, 5].map(|n| (0..1009).map(|i| u8::from(i % n == 0) * 200).collect::<Vec<u8>>());
    let upload = |bytes: &[u8]| GpuMask::upload(gpu, Keep::Bytes(bytes), bytes.len() as u64);
    let (device_a, device_b) = (upload(&a)?, upload(&b)?);
    let mut same = Ok(());
    for rule in [Rule::AND, Rule::OR, Rule::XOR, Rule::NOT] {
        let mut want = a.clone();
        combine(rule, &mut want, &b);
        let got = run_combine(gpu, rule, &device_a, &device_b)?.download(gpu)?;
        same = same.and_then(|()| compare(&got, &want));
    }
    Ok(same)
}
