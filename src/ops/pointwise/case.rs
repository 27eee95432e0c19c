//! What the self-check runs.

use super::{GpuPolyline, Polyline, cpu, run};
use crate::analysis::pieces::Pieces;
use crate::engine::{Gpu, GpuVolume};
use crate::ops::checks::{Checks, Difference, Sample, VOXELS, compare};
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let floats = Sample::Noise.bytes(Dtype::F32, VOXELS);
    checks.note("float32 through straight pieces", case(checks.gpu, &floats));
}

/// A ramp, a steeper one, a step and a fall: within 2⁻²⁰ of the largest result.
fn case(gpu: &Gpu, bytes: &[u8]) -> Difference {
    let pieces = Pieces {
        from: vec![-1e20, -1.5, 0.0, 7.0, 1e9],
        start: vec![0.0, 0.25, 40.0, 90.0, -10.0],
        slope: vec![0.0, 20.0, 7.0, -1e-7, 0.0],
        bound: 90.0 / f64::from(1 << 20),
    };
    let curve = Polyline::new(&pieces);
    let block = Block { dtype: Dtype::F32, bytes };
    let got = run(gpu, &GpuVolume::upload(gpu, block)?, &GpuPolyline::upload(gpu, &curve)?)?.download(gpu)?;
    let mut want = vec![0; bytes.len()];
    cpu(block, &curve, &mut want);
    let numbers = |bytes: &[u8]| bytes.chunks_exact(4).map(|b| Dtype::F32.decode(b)).collect::<Vec<_>>();
    let (got, want) = (numbers(&got), numbers(&want));
    let close = |g: f64, w: f64| if w.is_nan() { g.is_nan() } else { (g - w).abs() <= pieces.bound };
    if got.len() == want.len() && got.iter().zip(&want).all(|(g, w)| close(*g, *w)) {
        return Ok(Ok(()));
    }
    Ok(compare(&got, &want))
}
