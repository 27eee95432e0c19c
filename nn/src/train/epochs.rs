//! The loop of every training: steps, a look at the validation part, the best kept.

use std::time::Instant;

use hounsfield::Result;

use super::{Epoch, Keep, State, Watch};
use crate::graph::Weights;
use crate::learn::{Batch, Objective, Rate};

/// How long a training goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// Times that the validation part is looked at.
    pub epochs: usize,
    /// Steps between them.
    pub steps: usize,
    /// The greatest learning rate.
    pub rate: f64,
    /// Share of all steps in which it rises.
    pub warm_up: f64,
    /// Epochs without a better one after which the training ends.
    pub patience: usize,
}

/// What one kind of training has of its own.
pub trait Lesson {
    /// The batch of a step of an epoch, given how many steps were done in all, and what is wanted of it.
    fn batch(&self, epoch: usize, step: usize, done: u64) -> (Batch, Box<dyn Objective>);

    /// Loss and metric of the validation part; the epoch of the least loss is the best.
    ///
    /// # Errors
    /// What the network gives.
    fn validate(&self, weights: &Weights, watch: &dyn Watch) -> Result<(f64, f64)>;
}

/// A training that came to an end.
pub struct Trained {
    /// Where it stands.
    pub state: State,
    /// Whether the user stopped it.
    pub stopped: bool,
}

/// Trains from `state` on, at most `most` epochs in this run. Validation is by the averaged weights.
///
/// # Errors
/// [`hounsfield::Error::Usage`] once the loss is no number; what keeping gives.
pub fn train(
    course: &Course,
    lesson: &dyn Lesson,
    mut state: State,
    most: usize,
    (watch, keep): (&dyn Watch, &mut dyn Keep),
) -> Result<Trained> {
    let steps = (course.steps * course.epochs) as u64;
    let rate = Rate { peak: course.rate, warm_up: (course.warm_up * steps as f64) as u64, steps };
    let first = state.history.epochs.len();
    for epoch in first..course.epochs.min(first.saturating_add(most)) {
        let since_best = state.best.as_ref().map_or(0, |(best, _)| epoch - best);
        if since_best >= course.patience {
            break;
        }
        let began = Instant::now();
        let (mut sum, mut images, mut now) = (0.0, 0, 0.0);
        for step in 0..course.steps {
            if watch.stopped() {
                return Ok(Trained { state, stopped: true });
            }
            let done = state.learner.optimiser.steps;
            let (batch, objective) = lesson.batch(epoch, step, done);
            now = rate.at(done);
            let loss = f64::from(state.learner.step(&batch, objective.as_ref(), now)?);
            // The last batch may be smaller.
            sum += loss * batch.shape[0] as f64;
            images += batch.shape[0];
            watch.batch(step + 1, course.steps, loss);
        }
        let (val_loss, val_metric) = lesson.validate(&state.learner.average, watch)?;
        let (train_loss, seconds) = (sum / images.max(1) as f64, began.elapsed().as_secs_f64());
        let best = state.history.epochs.iter().all(|e| val_loss < e.val_loss);
        state.history.epochs.push(Epoch { epoch: epoch + 1, rate: now, train_loss, val_loss, val_metric, seconds });
        if best {
            state.best = Some((epoch + 1, state.learner.average.clone()));
        }
        keep.epoch(&state, best)?;
    }
    Ok(Trained { state, stopped: false })
}
