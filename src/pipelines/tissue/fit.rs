//! Rounds of sweeps, counts and decisions.

use std::sync::Arc;

use super::working::{Working, check_room, too_few};
use super::{Tissue, TissueOptions, TissueRound};
use crate::Result;
use crate::analysis::tissue::{BlockGrid, LEVELS, SmoothField, TissueClass, start};
use crate::io::Source;
use crate::ops::bias::{block_sums, correct, log_field};
use crate::ops::hmrf::{Energies, FaceWeights, OUTSIDE, SoftWeights, class_histograms, sweep};
use crate::pipelines::Run;

/// Sweeps in the end, with classes and gain as they are.
const LAST: usize = 2;

/// Most mm of a block's side.
const BLOCK_MM: f64 = 8.0;

/// How many voxels have each level.
pub(super) fn histogram(levels: &[u16]) -> Vec<u64> {
    let mut counts = vec![0; LEVELS];
    levels.iter().filter(|level| **level != OUTSIDE).for_each(|level| counts[usize::from(*level)] += 1);
    counts
}

pub(super) fn fit(source: Arc<dyn Source>, working: Working, options: TissueOptions, run: &Run<'_>) -> Result<Tissue> {
    let header = source.header().clone();
    let spacing_mm = header.grid.geometry.as_ref().map_or([1.0; 3], |geometry| geometry.spacing_mm);
    let (shape, bytes) = (working.shape(), header.bytes());
    let voxels = working.values.len();
    // Working values, levels, labels, and weights before and after a sweep.
    check_room(voxels as u64 * (2 + 2 + 1 + 2 * options.classes as u64), run)?;
    let faces = FaceWeights::of_spacing(spacing_mm);
    let grid = BlockGrid::new(shape, spacing_mm, BLOCK_MM);
    let mut nodes = vec![0; grid.len()];
    let mut levels = vec![OUTSIDE; voxels];
    correct(&working.values, (&nodes, &grid), &mut levels);
    let counts = histogram(&levels);
    let mut classes = start(&counts, options.classes);
    if classes.len() < options.classes {
        return Err(too_few(counts.iter().filter(|count| **count > 0).count(), options.classes));
    }
    let mut old = SoftWeights::new(options.classes, voxels);
    let mut new = old.clone();
    let mut labels = vec![0; voxels];
    let mut rounds = Vec::new();
    let mut go = |beta: f64, (classes, levels): (&[TissueClass], &[u16]), (old, new): (&mut SoftWeights, &mut SoftWeights)| {
        let gaussians: Vec<_> = classes.iter().map(TissueClass::gaussian).collect();
        let changed = sweep((levels, shape), (&Energies::new(&gaussians, beta), faces), (old, new), &mut labels);
        std::mem::swap(old, new);
        rounds.push(TissueRound { beta, changed });
    };
    for round in 0..options.rounds {
        run.stop()?;
        // From nothing on, so that the first labels, under a gain that is not known yet, do not hold each other.
        let beta = options.beta * f64::from(round) / f64::from((options.rounds - 1).max(1));
        go(beta, (&classes, &levels), (&mut old, &mut new));
        TissueClass::learn(&mut classes, &class_histograms(&levels, &old));
        if let Some(width_mm) = options.bias_width_mm {
            nodes = SmoothField::new(grid, spacing_mm, width_mm).nodes(&block_sums(&working.values, &old, &grid), &classes);
            correct(&working.values, (&nodes, &grid), &mut levels);
        }
        run.advance(bytes);
    }
    for _ in 0..LAST {
        run.stop()?;
        go(options.beta, (&classes, &levels), (&mut old, &mut new));
    }
    // Class by class as labels count them: by mean.
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|a, b| classes[*a].mean.total_cmp(&classes[*b].mean));
    if options.brightest_first {
        order.reverse();
    }
    let mut label_of = vec![0; classes.len() + 1];
    (1..).zip(&order).for_each(|(label, class)| label_of[class + 1] = label);
    labels.iter_mut().for_each(|label| *label = label_of[usize::from(*label)]);
    let classes = order.iter().map(|class| classes[*class]).collect();
    let weights = old.in_order(&order);
    let mean_log = mean_log(&working, (&nodes, &grid));
    Ok(Tissue { header, source, options, working, faces, grid, nodes, mean_log, levels, weights, classes, labels, rounds })
}

/// The mean of the field over the voxels that take part.
fn mean_log(working: &Working, (nodes, grid): (&[i32], &BlockGrid)) -> f64 {
    let [width, height, _] = working.shape();
    let mut own = vec![0; width * height];
    let mut sum = 0i64;
    for (z, values) in working.values.chunks_exact(width * height).enumerate() {
        log_field((nodes, grid), z, &mut own);
        sum += own.iter().zip(values).filter(|(_, value)| **value != OUTSIDE).map(|(b, _)| i64::from(*b)).sum::<i64>();
    }
    sum as f64 / working.voxels as f64
}
