//! What the self-check runs.

use super::{GpuTable, cpu, cpu_floats, run};
use crate::engine::{Gpu, GpuVolume};
use crate::ops::checks::{Checks, Difference, Sample, VOXELS, compare, small_integers};
use crate::ops::histogram::Edges;
use crate::volume::{Block, Dtype, Table};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let gpu = checks.gpu;
    for (name, dtype, bytes) in small_integers() {
        for to in [Dtype::U8, Dtype::U16, Dtype::I16, Dtype::F32] {
            checks.note(format!("{name} to {to}"), case(gpu, Block { dtype, bytes: &bytes }, to));
        }
    }
    checks.note("float32 through edges", float_case(gpu, &Sample::Noise.bytes(Dtype::F32, VOXELS)));
}

fn case(gpu: &Gpu, block: Block<'_>, to: Dtype) -> Difference {
    let table = Table::from_fn(block.dtype, to, |v| f64::from(v) * 1.37 - 11.0);
    let got = run(gpu, &GpuVolume::upload(gpu, block)?, &GpuTable::upload(gpu, &table)?)?.download(gpu)?;
    let mut want = vec![0; block.len() * to.bytes()];
    cpu(block, &table, &mut want);
    Ok(compare(&got, &want))
}

fn float_case(gpu: &Gpu, bytes: &[u8]) -> Difference {
    let block = Block { dtype: Dtype::F32, bytes };
    let edges = edges();
    let table = Table::from_bins(edges.bins(), Dtype::U16, |i| i as f64 + 7.0);
    let device_table = GpuTable::upload_floats(gpu, &edges, &table, 3)?;
    let got = run(gpu, &GpuVolume::upload(gpu, block)?, &device_table)?.download(gpu)?;
    let mut want = vec![0; 2 * block.len()];
    cpu_floats(block, &edges, &table, 3, &mut want);
    Ok(compare(&got, &want))
}

fn edges() -> Edges {
    Edges::uniform(-1e30, 1e30, 1000).unwrap_or_else(|_| unreachable!("these edges ascend"))
}
