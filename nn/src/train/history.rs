//! What happened in each epoch: the log.

use serde::{Deserialize, Serialize};

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// The learning rate of its last step.
    pub rate: f64,
    /// The mean loss of its batches.
    pub train_loss: f64,
    /// The loss on the validation part, of the averaged weights.
    pub val_loss: f64,
    /// The measure on the validation part: AUC, or Dice.
    pub val_metric: f64,
    /// Wall time.
    pub seconds: f64,
}

/// All epochs so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// In order.
    pub epochs: Vec<Epoch>,
}

impl History {
    /// As CSV; `metric` names the measure.
    pub fn csv(&self, metric: &str) -> String {
        let line = |e: &Epoch| {
            format!("{},{:e},{:.6},{:.6},{:.6},{:.2}\n", e.epoch, e.rate, e.train_loss, e.val_loss, e.val_metric, e.seconds)
        };
        let lines: String = self.epochs.iter().map(line).collect();
        format!("epoch,rate,train_loss,val_loss,val_{metric},seconds\n{lines}")
    }

    /// Wall time of all epochs.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }
}
