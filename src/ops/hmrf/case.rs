//! What the self-check runs.

use super::{Energies, FaceWeights, GpuClasses, OUTSIDE, SoftWeights, class_histograms, sweep};
use crate::analysis::tissue::{LevelGaussian, LevelSpace};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, compare};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for space in [LevelSpace::One, LevelSpace::Two] {
        for classes in [2, 3, 4, 6] {
            checks.note(format!("{classes} classes, {} channels", space.channels()), case(checks.gpu, (classes, space)));
        }
    }
}

/// Three sweeps over noise of which a fifth is outside, an odd number of voxels.
fn case(gpu: &Gpu, (classes, space): (usize, LevelSpace)) -> Difference {
    let shape = [37usize, 11, 5];
    let level = |i: u32| {
        let noise = i.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 16;
        if noise.is_multiple_of(5) { OUTSIDE } else { ((noise / 5) as usize % space.levels().min(65_000)) as u16 }
    };
    let voxels = shape.iter().product();
    let mut levels: Vec<u16> = (0..voxels as u32).map(level).collect();
    let gaussian = |i: f64| match space {
        LevelSpace::One => LevelGaussian::One { mean: 100.0 + 150.0 * i, std: 30.0 + 9.0 * i },
        LevelSpace::Two => {
            LevelGaussian::Two { mean: [30.0 + 40.0 * i, 230.0 - 35.0 * i], std: [20.0 + i, 30.0 - i], correlation: 0.3 }
        }
    };
    let gaussians: Vec<LevelGaussian> = (0..classes).map(|i| gaussian(i as f64)).collect();
    let (energies, faces) = (Energies::new(&gaussians, 0.7), FaceWeights([64, 64, 11]));
    levels.push(OUTSIDE);
    let buffer = gpu.storage_with("hmrf", bytemuck::cast_slice(&levels), 4)?;
    levels.pop();
    let mut device = GpuClasses::new(gpu, shape.map(|n| n as u32), (classes, space), buffer)?;
    let (mut old, mut labels) = (SoftWeights::new(classes, voxels), vec![0; voxels]);
    for _ in 0..3 {
        let mut new = SoftWeights::new(classes, voxels);
        let changed = sweep((&levels, shape), (&energies, faces), (&old, &mut new), &mut labels);
        old = new;
        let mut encoder = gpu.encoder();
        device.encode_sweep(gpu, &mut encoder, &energies, faces)?;
        gpu.submit("hmrf", encoder)?;
        let found = device.changed(gpu)?;
        if found != changed {
            return Ok(Err(format!("{found} labels changed instead of {changed}")));
        }
    }
    let mut encoder = gpu.encoder();
    device.encode_histograms(gpu, &mut encoder)?;
    gpu.submit("hmrf", encoder)?;
    let (weights, found) = device.download(gpu)?;
    let all = |weights: &SoftWeights| (0..classes).flat_map(|class| weights.of_class(class).to_vec()).collect::<Vec<u8>>();
    let same = compare(&found, &labels).and(compare(&all(&weights), &all(&old)));
    Ok(same.and(compare(&device.histograms(gpu)?.concat(), &class_histograms(&levels, &old, space).concat())))
}
