//! Training for classes of voxels, on patches of slices.

use std::time::Instant;

use hounsfield::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Epoch, Keep, State, Trained, Watch};
use crate::augment::Augmentation;
use crate::graph::{Network, Weights};
use crate::learn::{Batch, DiceCrossEntropy, Inference, Rate, Settings};
use crate::prepare::Normalise;
use crate::random::Random;
use crate::volumes::{Draw, Index, Labelled, Sampling, Segmenter, Tiling};

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentPlan {
    /// Of all that is random.
    pub seed: u64,
    /// Times that the validation part is looked at.
    pub epochs: usize,
    /// Steps between them.
    pub steps: usize,
    /// Patches in a step.
    pub batch: usize,
    /// The greatest learning rate.
    pub rate: f64,
    /// Share of all steps in which it rises.
    pub warm_up: f64,
    /// Epochs without a better one after which the training ends.
    pub patience: usize,
    /// How patches are drawn.
    pub sampling: Sampling,
    /// Along which axes.
    pub axes: Vec<usize>,
    /// The longest side of a tile, once it is trained.
    pub tile: usize,
    /// How patches are changed.
    pub augmentation: Augmentation,
    /// How intensities are measured.
    pub normalise: Normalise,
    /// Of each step.
    pub settings: Settings,
}

/// Trains from `state` on, at most `most` epochs in this run. The best epoch is that of the greatest mean Dice over whole volumes of the validation part, by the
/// averaged weights.
///
/// # Errors
/// As [`super::classify`].
pub fn segment(
    plan: &SegmentPlan,
    network: &Network,
    [train, val]: [&[Labelled]; 2],
    mut state: State,
    most: usize,
    (watch, keep): (&dyn Watch, &mut dyn Keep),
) -> Result<Trained> {
    let classes = network.channel_counts()?.last().copied().unwrap_or(0);
    let index = Index::new(train, classes);
    let steps = (plan.steps * plan.epochs) as u64;
    let rate = Rate { peak: plan.rate, warm_up: (plan.warm_up * steps as f64) as u64, steps };
    let first = state.history.epochs.len();
    for epoch in first..plan.epochs.min(first.saturating_add(most)) {
        let since_best = state.best.as_ref().map_or(0, |(best, _)| epoch - best);
        if since_best >= plan.patience {
            break;
        }
        let began = Instant::now();
        let (mut sum, mut now) = (0.0, 0.0);
        for i in 0..plan.steps {
            if watch.stopped() {
                return Ok(Trained { state, stopped: true });
            }
            let (batch, objective) = step_of(plan, (train, &index), classes, state.learner.optimiser.steps);
            now = rate.at(state.learner.optimiser.steps);
            let loss = f64::from(state.learner.step(&batch, &objective, now)?);
            sum += loss;
            watch.batch(i + 1, plan.steps, loss);
        }
        let dice = validate(plan, network, &state.learner.average, val, watch)?;
        let (train_loss, seconds) = (sum / plan.steps as f64, began.elapsed().as_secs_f64());
        let best = state.history.epochs.iter().all(|e| dice > e.val_metric);
        state.history.epochs.push(Epoch {
            epoch: epoch + 1,
            rate: now,
            train_loss,
            val_loss: 1.0 - dice,
            val_metric: dice,
            seconds,
        });
        if best {
            state.best = Some((epoch + 1, state.learner.average.clone()));
        }
        keep.epoch(&state, best)?;
    }
    Ok(Trained { state, stopped: false })
}

/// Patches of a step, drawn anew for each.
fn step_of(plan: &SegmentPlan, (train, index): (&[Labelled], &Index), classes: usize, step: u64) -> (Batch, DiceCrossEntropy) {
    let one = |i: usize| {
        let mut random = Random::new(plan.seed, "patches", step << 16 | i as u64);
        plan.sampling.draw(&mut random, train, index, &plan.axes, &plan.augmentation)
    };
    let draws: Vec<Draw> = (0..plan.batch).into_par_iter().map(one).collect();
    let Sampling { side, slices, .. } = plan.sampling;
    let values = draws.iter().flat_map(|draw| draw.channels.iter().flatten().copied()).collect();
    let labels = draws.iter().flat_map(|draw| draw.labels.iter().copied()).collect();
    let batch = Batch { values, shape: [plan.batch, slices, side, side] };
    (batch, DiceCrossEntropy { labels, classes, pixels: side * side, images: plan.batch })
}

/// The mean Dice of all classes but the background over whole volumes; a class that is nowhere counts where it was not found.
fn validate(plan: &SegmentPlan, network: &Network, weights: &Weights, val: &[Labelled], watch: &dyn Watch) -> Result<f64> {
    let segmenter = segmenter(plan, network, weights)?;
    let go_on = || if watch.stopped() { Err(hounsfield::Error::Interrupted) } else { Ok(()) };
    let mut dice = Vec::new();
    for volume in val {
        let found = segmenter.volume(&volume.values, volume.size, &plan.axes, &go_on)?;
        for class in 1..segmenter.classes as u8 {
            let count =
                |wanted: &dyn Fn(u8, u8) -> bool| found.iter().zip(&volume.labels).filter(|(a, b)| wanted(**a, **b)).count();
            let (both, either) = (count(&|a, b| a == class && b == class), count(&|a, _| a == class) + count(&|_, b| b == class));
            dice.push(if either == 0 { 1.0 } else { 2.0 * both as f64 / either as f64 });
        }
    }
    Ok(dice.iter().sum::<f64>() / dice.len().max(1) as f64)
}

/// The network as it is used.
///
/// # Errors
/// As [`Network::channel_counts`].
pub fn segmenter(plan: &SegmentPlan, network: &Network, weights: &Weights) -> Result<Segmenter> {
    Ok(Segmenter {
        inference: Inference::new(network, weights)?,
        classes: network.channel_counts()?.last().copied().unwrap_or(0),
        slices: plan.sampling.slices,
        tiling: Tiling { tile: plan.tile, divisor: network.divisor() },
    })
}
