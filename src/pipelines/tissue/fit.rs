//! From files to tissues: what takes part, where it is held, what is learnt, and what is told of it.

use super::channels::{Channels, too_few};
use super::resident::DeviceVoxels;
use super::rounds::TissueFit;
use super::shape::BoxShape;
use super::slabs::Slabs;
use super::{GainRange, Tissue, TissueOptions};
use crate::analysis::tissue::{BlockGrid, LevelSpace, TissueClass, start};
use crate::engine::Gpu;
use crate::ops::bias::log_field;
use crate::ops::hmrf::{FaceWeights, OUTSIDE};
use crate::pipelines::device::with_fallback;
use crate::pipelines::{Input, Mask, Run, ScratchPlace};
use crate::{Error, Result};

/// Most mm of a block's side.
const BLOCK_MM: f64 = 8.0;

pub(super) fn fit(
    (inputs, mask): (&[Input<'_>], Option<&Mask>),
    options: TissueOptions,
    scratch: &ScratchPlace,
    run: &Run<'_>,
) -> Result<Tissue> {
    let Some(space) = LevelSpace::of_channels(inputs.len()) else {
        return Err(Error::usage(format!("{} images of the same voxels", inputs.len()), "give one or two"));
    };
    let header = inputs[0].header().clone();
    if header.grid.shape.volumes() > 1 {
        return Err(Error::usage("tissues of a time series", "take one of its volumes, or their mean"));
    }
    // Reading is told as one round.
    let run = &run.one_of(u64::from(options.rounds) + 1);
    let channels = Channels::new(inputs, mask, &options, run)?;
    let spacing_mm = header.grid.geometry.as_ref().map_or([1.0; 3], |geometry| geometry.spacing_mm);
    let shape = channels.box_shape();
    let grid = BlockGrid::new(shape, spacing_mm, BLOCK_MM);
    let of = BoxShape { shape, space, classes: options.classes, faces: FaceWeights::of_spacing(spacing_mm), grid };
    let mut slabs = Slabs::new(&channels, of, scratch, run)?;
    let classes = first_classes(&slabs)?;
    let (about, by) = ((&of, spacing_mm), (&options, &classes[..]));
    let mut found = None;
    if DeviceVoxels::may(&of, slabs.in_memory(), run) {
        // As a whole, so that there is no smaller block to try.
        let on_device = |gpu: &Gpu| -> Result<_> {
            let mut voxels = DeviceVoxels::new(gpu, of, &slabs.slab)?;
            let fit = TissueFit::learn(&mut voxels, about, by, (run, header.bytes()))?;
            Ok((fit, voxels.download()?))
        };
        with_fallback(
            run,
            1,
            |attempt| {
                let result = on_device(attempt.gpu);
                attempt.gpu.clear_pool();
                found = Some(result?);
                Ok(())
            },
            |_| Ok(()),
        )?;
    }
    let fit = match found {
        Some((fit, (weights, labels))) => {
            slabs.found(&fit.nodes, weights, labels);
            fit
        }
        None => TissueFit::learn(&mut slabs, about, by, (run, header.bytes()))?,
    };
    // Class by class as labels count them: by mean.
    let mut order: Vec<usize> = (0..fit.classes.len()).collect();
    order.sort_by(|a, b| fit.classes[*a].mean.total_cmp(&fit.classes[*b].mean));
    if options.brightest_first {
        order.reverse();
    }
    let (histogram, gains) = told(&slabs, &fit.nodes, channels.voxels)?;
    let classes = order.iter().map(|class| fit.classes[*class]).collect();
    let source = inputs[0].as_stored().source().clone();
    Ok(Tissue {
        header,
        source,
        options,
        channels,
        slabs,
        gains,
        histogram,
        order,
        classes,
        nodes: fit.nodes,
        rounds: fit.rounds,
    })
}

/// Where classes begin, by levels without a gain.
fn first_classes(slabs: &Slabs) -> Result<Vec<TissueClass>> {
    let BoxShape { space, classes, grid, .. } = slabs.of;
    let flat = vec![vec![0; grid.len()]; space.channels()];
    let mut counts = vec![0; space.levels()];
    slabs.each(&flat, |slab| {
        // In memory levels are not made yet.
        let half = 1 << (space.bits() - 1);
        let level = |at: usize| {
            let of = |working: u16| ((u32::from(working) + half) >> space.bits()).min(space.top()) as usize;
            slab.working.iter().fold(0, |level, working| level << 8 | of(working[at]))
        };
        let inside = (0..slab.working[0].len()).filter(|at| slab.working[0][*at] != OUTSIDE);
        inside.for_each(|at| counts[level(at)] += 1);
        Ok(())
    })?;
    let found = start(&counts, classes, space);
    if found.len() < classes {
        return Err(too_few(counts.iter().filter(|count| **count > 0).count(), classes));
    }
    Ok(found)
}

/// How many voxels have each level of the first channel, and for each channel how far the gain goes.
fn told(slabs: &Slabs, nodes: &[Vec<i32>], voxels: u64) -> Result<(Vec<u64>, Vec<GainRange>)> {
    let BoxShape { space, grid, .. } = slabs.of;
    let (slice, shift) = (slabs.of.slice(), 8 * (space.channels() - 1));
    let mut counts = vec![0; space.of_each()];
    let mut ranges = vec![(0i64, i32::MAX, i32::MIN); nodes.len()];
    let mut own = vec![0; slice];
    slabs.each(nodes, |slab| {
        let levels = &slab.levels[(slab.own.start - slab.held.start) * slice..][..slab.own.len() * slice];
        levels.iter().filter(|level| **level != OUTSIDE).for_each(|level| counts[usize::from(*level >> shift)] += 1);
        for (z, levels) in slab.own.clone().zip(levels.chunks_exact(slice)) {
            for ((sum, least, most), nodes) in ranges.iter_mut().zip(nodes) {
                log_field((nodes, &grid), z, &mut own);
                for (b, _) in own.iter().zip(levels).filter(|(_, level)| **level != OUTSIDE) {
                    *sum += i64::from(*b);
                    (*least, *most) = ((*least).min(*b), (*most).max(*b));
                }
            }
        }
        Ok(())
    })?;
    let range =
        |(sum, least, most): &(i64, i32, i32)| GainRange { mean_log: *sum as f64 / voxels as f64, least: *least, most: *most };
    Ok((counts, ranges.iter().map(range).collect()))
}
