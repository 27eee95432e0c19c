//! One network while it learns: a step for each batch. The same seed and batches give the same bits with any number of threads.

use std::ops::Range;

use burn_tensor::{Device, Tensor, TensorData};
use hounsfield::{Error, Result};
use serde::{Deserialize, Serialize};

use super::convolution::numbers;
use super::forward::Pass;
use super::{AdamW, Objective, average};
use crate::graph::{Network, Parameter, Place, Weights};

/// What a training keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// By how much weights shrink, per unit of the learning rate.
    pub decay: f64,
    /// The share of the average of weights that stays in a step.
    pub kept: f64,
    /// Into how many parts a batch goes, each with batch normalisation of its own: what threads can share, but the same whatever their number.
    pub parts: usize,
}

/// Images, n x channels x height x width.
#[derive(Debug, Clone)]
pub struct Batch {
    /// All values.
    pub values: Vec<f32>,
    /// n, channels, height, width.
    pub shape: [usize; 4],
}

/// A network, its weights and what training remembers.
#[derive(Debug, Clone)]
pub struct Learner {
    network: Network,
    parameters: Vec<Parameter>,
    settings: Settings,
    /// The weights now.
    pub weights: Weights,
    /// Their average, which is what is kept of a training.
    pub average: Weights,
    /// The optimiser.
    pub optimiser: AdamW,
}

/// How far means and variances move towards those of a batch.
const MOMENTUM: f32 = 0.1;

/// What one part of a batch gives.
struct PartResult {
    loss: f32,
    gradient: Vec<f32>,
    /// Means and variances as they lie in [`Weights::running`], and of how many values each is.
    seen: Vec<f32>,
}

impl Learner {
    /// A network at its beginning.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn new(network: Network, settings: Settings, seed: u64) -> Result<Self> {
        let weights = Weights::initial(&network, seed)?;
        let optimiser = AdamW::new(&network, settings.decay)?;
        Ok(Self { parameters: network.parameters()?, average: weights.clone(), network, settings, weights, optimiser })
    }

    /// One step, which gives the loss of the batch before it.
    ///
    /// # Errors
    /// [`Error::Usage`] once the loss or the gradient is no number: nothing has changed then.
    pub fn step(&mut self, batch: &Batch, objective: &dyn Objective, rate: f64) -> Result<f32> {
        let n = batch.shape[0];
        let parts = self.settings.parts.clamp(1, n);
        let ranges: Vec<Range<usize>> = (0..parts).map(|p| p * n / parts..(p + 1) * n / parts).collect();
        let own = &*self;
        let results: Vec<PartResult> = if rayon::current_num_threads() == 1 || parts == 1 {
            ranges.iter().map(|range| own.part(batch, objective, range.clone())).collect()
        } else {
            std::thread::scope(|scope| {
                let part = |range: &Range<usize>| {
                    let range = range.clone();
                    scope.spawn(move || own.part(batch, objective, range))
                };
                let threads: Vec<_> = ranges.iter().map(part).collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
            })
        };
        let loss: f32 = results.iter().map(|part| part.loss).sum();
        let mut gradient = vec![0.0; self.weights.trained.len()];
        results.iter().for_each(|part| gradient.iter_mut().zip(&part.gradient).for_each(|(all, own)| *all += own));
        if !loss.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            let what = format!("the loss is no number any more at step {}", self.optimiser.steps + 1);
            return Err(Error::usage(what, "lower the learning rate, or look for images without contrast"));
        }
        self.optimiser.step(&mut self.weights.trained, &gradient, rate);
        for part in &results {
            let share = MOMENTUM / parts as f32;
            self.weights.running.iter_mut().zip(&part.seen).for_each(|(kept, seen)| *kept += share * (seen - *kept));
        }
        average::follow(&mut self.average, &self.weights, self.optimiser.steps, self.settings.kept);
        Ok(loss)
    }

    /// Forward and back for some images of a batch.
    fn part(&self, batch: &Batch, objective: &dyn Objective, range: Range<usize>) -> PartResult {
        let device = Device::flex();
        let [_, channels, height, width] = batch.shape;
        let size = channels * height * width;
        let values = batch.values[range.start * size..range.end * size].to_vec();
        let images = Tensor::from_data(TensorData::new(values, [range.len(), channels, height, width]), &device);
        let arrays = self.parameters.iter().filter_map(|parameter| match &parameter.place {
            Place::Trained(place) => Some(&self.weights.trained[place.clone()]),
            Place::Running(_) => None,
        });
        let tensor = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
        let mut pass = Pass::new(&self.network, arrays.map(tensor).collect(), images);
        let seen = std::mem::take(&mut pass.seen);
        let result = pass.result.clone().autodiff().require_grad();
        let loss = objective.loss(result.clone(), range, &device.autodiff());
        let gradient = result.grad(&loss.backward()).expect("the loss depends on the result");
        PartResult { loss: numbers(loss)[0], gradient: pass.back(gradient), seen }
    }
}
