//! What people should know of a model: on what it was trained, what was held out, how well it did there, and what it is not.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A model card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// What it is for.
    pub task: String,
    /// The program that trained it.
    pub program: String,
    /// Said of every model.
    pub notice: String,
    /// Names of the classes, by their number.
    pub classes: Vec<String>,
    /// What it was trained on.
    pub train: CardData,
    /// What the epoch and the threshold were chosen by.
    pub validation: CardData,
    /// What was set aside for a judgement, and that judgement.
    pub held_out: Option<Held>,
    /// Images of the part to learn from that were dropped, for their pixels are in another part.
    pub duplicates_dropped: usize,
    /// Images that could not be read.
    pub broken_skipped: Vec<String>,
    /// The settings, as they were typed or assumed.
    pub settings: Value,
    /// Numbers that were trained.
    pub parameters: usize,
    /// The epoch that was kept, counted from 1.
    pub epoch: usize,
    /// Epochs that were trained.
    pub epochs: usize,
    /// Wall time of all runs together.
    pub seconds: f64,
    /// Time on all processors.
    pub cpu_seconds: Option<f64>,
    /// Measures on the validation part.
    pub validation_metrics: Value,
    /// What should not be expected of it.
    pub limits: Vec<String>,
}

/// A part of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardData {
    /// Where it came from.
    pub from: Vec<String>,
    /// Images, or volumes.
    pub count: usize,
    /// Of each class, where whole images have one.
    pub per_class: Vec<usize>,
    /// SHA-256 over pixels and classes.
    pub sha256: String,
}

/// What nobody looked at while training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// What it was.
    #[serde(flatten)]
    pub data: CardData,
    /// How well the model did.
    pub metrics: Value,
}

impl Card {
    /// The notice of every card.
    pub const NOTICE: &str = "Not a medical device. For research and teaching; no decision about a patient may rest on it.";

    /// The bytes of its file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text.into_bytes()
    }
}
