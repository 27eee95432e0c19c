//! Trainings as a whole: epochs over a set of images, the best of them kept, and a state to go on from.

mod batches;
mod classify;
mod clock;
mod epochs;
mod history;
mod segment;
mod state;

pub use classify::{ClassifyPlan, augmented, classify, logits, probabilities, softmax};
pub use clock::cpu_seconds;
pub use history::{Epoch, History};
pub use segment::{SegmentPlan, segment, segmenter};
pub use state::State;

use hounsfield::Result;

/// Who looks on while a training goes, and may stop it.
pub trait Watch: Sync {
    /// A batch is done: how many of how many of this epoch, and its loss.
    fn batch(&self, _done: usize, _of: usize, _loss: f64) {}

    /// Whether the user wants the training to stop.
    fn stopped(&self) -> bool {
        false
    }
}

/// What is kept after each epoch.
pub trait Keep {
    /// An epoch is done; `best` where its weights are the best so far.
    ///
    /// # Errors
    /// [`hounsfield::Error::Write`].
    fn epoch(&mut self, state: &State, best: bool) -> Result<()>;
}
