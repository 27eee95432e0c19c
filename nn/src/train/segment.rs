//! Training for classes of voxels, on patches of slices.

use hounsfield::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::epochs::{self, Course, Lesson, Trained};
use super::{Keep, State, Watch};
use crate::augment::Augmentation;
use crate::graph::{Network, Weights};
use crate::learn::{Batch, DiceCrossEntropy, Inference, Objective, Settings};
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

/// Learning from volumes: the best epoch is that of the greatest mean Dice over whole volumes of the validation part.
struct Patches<'a> {
    plan: &'a SegmentPlan,
    network: &'a Network,
    train: &'a [Labelled],
    val: &'a [Labelled],
    index: Index,
    classes: usize,
}

impl Lesson for Patches<'_> {
    fn batch(&self, _epoch: usize, _step: usize, done: u64) -> (Batch, Box<dyn Objective>) {
        let (batch, objective) = step_of(self.plan, (self.train, &self.index), self.classes, done);
        (batch, Box::new(objective))
    }

    fn validate(&self, weights: &Weights, watch: &dyn Watch) -> Result<(f64, f64)> {
        let dice = validate(self.plan, self.network, weights, self.val, watch)?;
        Ok((1.0 - dice, dice))
    }
}

/// Trains from `state` on, at most `most` epochs in this run.
///
/// # Errors
/// As [`epochs::train`].
pub fn segment(
    plan: &SegmentPlan,
    network: &Network,
    [train, val]: [&[Labelled]; 2],
    state: State,
    most: usize,
    looking_on: (&dyn Watch, &mut dyn Keep),
) -> Result<Trained> {
    let classes = network.channel_counts()?.last().copied().unwrap_or(0);
    let &SegmentPlan { epochs, steps, rate, warm_up, patience, .. } = plan;
    let course = Course { epochs, steps, rate, warm_up, patience };
    let lesson = Patches { plan, network, train, val, index: Index::new(train, classes), classes };
    epochs::train(&course, &lesson, state, most, looking_on)
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
