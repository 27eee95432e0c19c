//! What the self-check runs.

use std::sync::Arc;

use super::{Binning, Edges, PrivateWindow, Tally, cpu, run};
use crate::engine::{Gpu, GpuVolume};
use crate::ops::checks::{Checks, Difference, Sample, VOXELS, compare, small_integers};
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let gpu = checks.gpu;
    for (name, dtype, bytes) in small_integers() {
        let block = Block { dtype, bytes: &bytes };
        checks.note(name.clone(), case(gpu, block, false));
        checks.note(name + " masked", case(gpu, block, true));
    }
    checks.note("float32 with NaN and infinities", float_case(gpu, &Sample::Noise.bytes(Dtype::F32, VOXELS)));
}

fn case(gpu: &Gpu, block: Block<'_>, masked: bool) -> Difference {
    let mask: Option<Vec<u8>> = masked.then(|| (0..block.len()).map(|i| u8::from(i % 3 == 0) * 200).collect());
    let volume = GpuVolume::upload(gpu, block)?;
    let device_mask = match &mask {
        Some(m) => Some(GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: m })?),
        None => None,
    };
    let bins = Binning::Exact(PrivateWindow::from_sample(block));
    let got = run(gpu, &volume, device_mask.as_ref(), &bins)?;
    Ok(compare(&got.bins, &cpu(block, mask.as_deref()).bins))
}

fn float_case(gpu: &Gpu, bytes: &[u8]) -> Difference {
    let block = Block { dtype: Dtype::F32, bytes };
    let edges = edges();
    let bins = Binning::upload(gpu, &edges)?;
    let got = run(gpu, &GpuVolume::upload(gpu, block)?, None, &bins)?;
    let mut tally = Tally::binned(Arc::new(edges));
    tally.add(block, None);
    let want = tally.finish();
    Ok(compare(&got.bins, &want.bins)
        .and_then(|()| compare(&[got.nan, got.below, got.above], &[want.nan, want.below, want.above])))
}

fn edges() -> Edges {
    Edges::uniform(-1e30, 1e30, 1000).unwrap_or_else(|_| unreachable!("these edges ascend"))
}
