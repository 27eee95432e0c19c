//! Training for classes of whole images.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use hounsfield::{Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::epochs::{self, Course, Lesson, Trained};
use super::{Keep, State, Watch, batches};
use crate::augment::Augmentation;
use crate::data::ImageSet;
use crate::graph::{Network, Weights};
use crate::learn::{Batch, CrossEntropy, Inference, Objective, Settings};
use crate::metrics::{Judged, Ranking};
use crate::prepare::Normalise;
use crate::random::Random;

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifyPlan {
    /// Of all that is random.
    pub seed: u64,
    /// Passes over the images.
    pub epochs: usize,
    /// Images in a step.
    pub batch: usize,
    /// The greatest learning rate.
    pub rate: f64,
    /// Share of all steps in which it rises.
    pub warm_up: f64,
    /// How much each image of a class counts.
    pub class_weights: Vec<f64>,
    /// Of each truth, the share that goes to all classes evenly.
    pub smoothing: f64,
    /// Epochs without a better one after which the training ends.
    pub patience: usize,
    /// How images are changed.
    pub augmentation: Augmentation,
    /// How intensities are measured.
    pub normalise: Normalise,
    /// Columns and rows.
    pub side: usize,
    /// Of each step.
    pub settings: Settings,
}

/// Learning from images: the best epoch is that of the least loss on the validation part.
struct Images<'a> {
    plan: &'a ClassifyPlan,
    network: &'a Network,
    train: &'a ImageSet,
    val: &'a ImageSet,
    ranges: Vec<Range<usize>>,
    /// The order of an epoch, made once in it.
    order: Mutex<(usize, Vec<usize>)>,
}

impl Lesson for Images<'_> {
    fn batch(&self, epoch: usize, step: usize, _done: u64) -> (Batch, Box<dyn Objective>) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if order.0 != epoch || order.1.is_empty() {
            *order = (epoch, batches::order(self.plan.seed, epoch, self.train.samples.len()));
        }
        let (batch, objective) = step_of(self.plan, self.train, &order.1[self.ranges[step].clone()], epoch);
        (batch, Box::new(objective))
    }

    fn validate(&self, weights: &Weights, _watch: &dyn Watch) -> Result<(f64, f64)> {
        let (loss, judged) = validate(self.plan, self.network, weights, self.val)?;
        Ok((loss, area(&judged)))
    }
}

/// Trains from `state` on, at most `most` epochs in this run.
///
/// # Errors
/// As [`epochs::train`].
pub fn classify(
    plan: &ClassifyPlan,
    network: &Network,
    [train, val]: [&ImageSet; 2],
    state: State,
    most: usize,
    looking_on: (&dyn Watch, &mut dyn Keep),
) -> Result<Trained> {
    let ranges = batches::ranges(train.samples.len(), plan.batch);
    let &ClassifyPlan { epochs, rate, warm_up, patience, .. } = plan;
    let course = Course { epochs, steps: ranges.len(), rate, warm_up, patience };
    let lesson = Images { plan, network, train, val, ranges, order: Mutex::default() };
    epochs::train(&course, &lesson, state, most, looking_on)
}

/// Images as a step takes them, and what is wanted of them.
fn step_of(plan: &ClassifyPlan, set: &ImageSet, chosen: &[usize], epoch: usize) -> (Batch, CrossEntropy) {
    let one = |&i: &usize| augmented(&plan.augmentation, &plan.normalise, plan.side, set, i, [plan.seed, epoch as u64]);
    let values: Vec<Vec<f32>> = chosen.par_iter().map(one).collect();
    let classes: Vec<usize> = chosen.iter().filter_map(|&i| set.samples[i].class).collect();
    let batch = Batch { values: values.concat(), shape: [chosen.len(), 1, plan.side, plan.side] };
    (batch, CrossEntropy::new(&classes, &plan.class_weights, plan.smoothing))
}

/// One image as a network sees it in an epoch.
pub fn augmented(
    how: &Augmentation,
    normalise: &Normalise,
    side: usize,
    set: &ImageSet,
    i: usize,
    [seed, epoch]: [u64; 2],
) -> Vec<f32> {
    let mut random = Random::new(seed, "augmentation", epoch << 32 | i as u64);
    let mut channels = [set.samples[i].values.clone()];
    how.apply(&mut random, side, &mut channels, None);
    let [mut values] = channels;
    normalise.apply(&mut values);
    values
}

/// The loss without smoothing, and all probabilities.
fn validate(plan: &ClassifyPlan, network: &Network, weights: &Weights, val: &ImageSet) -> Result<(f64, Judged)> {
    let inference = Inference::new(network, weights)?;
    let probabilities = probabilities(&inference, plan.normalise, plan.side, val)?;
    let truth: Vec<usize> = val.samples.iter().filter_map(|sample| sample.class).collect();
    let (mut sum, mut all) = (0.0, 0.0);
    for (own, &class) in probabilities.iter().zip(&truth) {
        sum -= plan.class_weights[class] * own[class].max(1e-12).ln();
        all += plan.class_weights[class];
    }
    Ok((sum / all, Judged { probabilities, truth }))
}

fn area(judged: &Judged) -> f64 {
    let classes = judged.probabilities.first().map_or(0, Vec::len);
    let of = |class| {
        let (scores, positive) = judged.one_against_others(class);
        Ranking::new(&scores, &positive).map(|ranking| ranking.auc())
    };
    if classes == 2 {
        return of(1).unwrap_or(f64::NAN);
    }
    let all: Vec<f64> = (0..classes).filter_map(of).collect();
    all.iter().sum::<f64>() / all.len() as f64
}

/// Images that are looked at together.
const TOGETHER: usize = 64;

/// For each image the probability of each class.
///
/// # Errors
/// As [`logits`].
pub fn probabilities(inference: &Inference, normalise: Normalise, side: usize, set: &ImageSet) -> Result<Vec<Vec<f64>>> {
    Ok(logits(inference, normalise, side, set)?.iter().map(|results| softmax(results)).collect())
}

/// For each image the results before softmax.
///
/// # Errors
/// [`Error::Usage`] for results that are no numbers.
pub fn logits(inference: &Inference, normalise: Normalise, side: usize, set: &ImageSet) -> Result<Vec<Vec<f32>>> {
    let classes = set.classes.len();
    let some = |samples: &[crate::data::Sample]| {
        let one = |sample: &crate::data::Sample| {
            let mut values = sample.values.clone();
            normalise.apply(&mut values);
            values
        };
        let values: Vec<f32> = samples.iter().flat_map(one).collect();
        let results = inference.run(&Batch { values, shape: [samples.len(), 1, side, side] })?;
        if results.iter().any(|result| !result.is_finite()) {
            return Err(Error::usage("the model gives results that are no numbers", "train it again"));
        }
        Ok(results.chunks_exact(classes).map(<[f32]>::to_vec).collect::<Vec<_>>())
    };
    let parts: Vec<Vec<Vec<f32>>> = set.samples.par_chunks(TOGETHER).map(some).collect::<Result<_>>()?;
    Ok(parts.concat())
}

/// Results to probabilities.
pub fn softmax(results: &[f32]) -> Vec<f64> {
    let most = results.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let all: Vec<f64> = results.iter().map(|x| (f64::from(*x) - f64::from(most)).exp()).collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|x| x / sum).collect()
}
