//! What the self-check runs.

use super::{GpuGain, add_block_sums, correct};
use crate::analysis::tissue::{BlockGrid, BlockSums, LevelGaussian, LevelSpace, MOST_NODE};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, compare};
use crate::ops::hmrf::{Energies, FaceWeights, GpuClasses, OUTSIDE, SoftWeights, sweep};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for spacing_mm in [[1.0; 3], [2.0, 3.0, 9.0]] {
        for classes in [2, 3, 6] {
            for space in [LevelSpace::One, LevelSpace::Two] {
                let name = format!("{spacing_mm:?} mm, {classes} classes, {} channels", space.channels());
                checks.note(name, case(checks.gpu, spacing_mm, (classes, space)));
            }
        }
    }
}

fn case(gpu: &Gpu, spacing_mm: [f64; 3], (classes, space): (usize, LevelSpace)) -> Difference {
    let shape = [37usize, 19, 11];
    let noise = |i: u32| i.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 8;
    let voxels: usize = shape.iter().product();
    let value = |i: u32| if noise(i).is_multiple_of(5) { OUTSIDE } else { (noise(i) / 5 % (1 << 14)) as u16 };
    let working: Vec<u16> = (0..voxels as u32).map(value).collect();
    let grid = BlockGrid::new(shape, spacing_mm, 8.0);
    let node = |i: u32| (noise(i + 77) % (2 * MOST_NODE as u32 + 1)) as i32 - MOST_NODE;
    let nodes: Vec<i32> = (0..grid.len() as u32).map(node).collect();

    let gain = GpuGain::upload(gpu, &working, grid)?;
    let levels = gain.levels(gpu)?;
    let sums = gain.sums(gpu, classes)?;
    let mut encoder = gpu.encoder();
    for channel in 0..space.channels() {
        gain.encode_levels(gpu, &mut encoder, (&nodes, &levels), (space, channel))?;
    }
    let gaussian = |i: f64| match space {
        LevelSpace::One => LevelGaussian::One { mean: 90.0 + 160.0 * i, std: 50.0 },
        LevelSpace::Two => LevelGaussian::Two { mean: [25.0 + 40.0 * i; 2], std: [15.0; 2], correlation: 0.0 },
    };
    let gaussians: Vec<LevelGaussian> = (0..classes).map(|i| gaussian(i as f64)).collect();
    let (energies, faces) = (Energies::new(&gaussians, 0.0), FaceWeights([64; 3]));
    let mut device = GpuClasses::new(gpu, shape.map(|n| n as u32), (classes, space), levels)?;
    device.encode_sweep(gpu, &mut encoder, &energies, faces)?;
    gain.encode_sums(gpu, &mut encoder, (device.weights(), classes), &sums)?;
    gpu.submit("bias", encoder)?;

    let mut want = vec![0; voxels];
    (0..space.channels()).for_each(|channel| correct((&working, 0), (&nodes, &grid), (space, channel), &mut want));
    let (mut weights, mut labels) = (SoftWeights::new(classes, voxels), vec![0; voxels]);
    sweep((&want, shape), (&energies, faces), (&SoftWeights::new(classes, voxels), &mut weights), &mut labels);
    let bytes = gpu.download("bias", &device.levels, 4 * voxels.div_ceil(2) as u64)?;
    let found: Vec<u16> = bytemuck::pod_collect_to_vec(&bytes);
    let (got, mut own) = (gain.download_sums(gpu, &sums, classes)?, BlockSums::none(&grid, classes));
    add_block_sums((&working, 0), (&weights, 0), &grid, &mut own);
    let same = compare(&found[..voxels], &want).and(compare(&got.weights, &own.weights));
    Ok(same.and(compare(&got.logs, &own.logs)))
}
