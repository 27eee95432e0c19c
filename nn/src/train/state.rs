//! The state of a training between two epochs. All that is random belongs to an epoch's number, so that what goes on from here gives the same bits as what was
//! never interrupted.

use std::path::Path;

use hounsfield::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::History;
use crate::graph::Weights;
use crate::learn::Learner;
use crate::model::Arrays;

/// What a training goes on from.
#[derive(Debug, Clone)]
pub struct State {
    /// The network and its optimiser.
    pub learner: Learner,
    /// Epochs done.
    pub history: History,
    /// The best averaged weights so far, and their epoch, counted from 1.
    pub best: Option<(usize, Weights)>,
}

/// The part of a state that is no array.
#[derive(Serialize, Deserialize)]
struct Notes {
    /// Settings and data, which must be the same where a training goes on.
    identity: Value,
    history: History,
    steps: u64,
    best_epoch: Option<usize>,
}

const KEY: &str = "hounsfield-learn-state";

impl State {
    /// The bytes of its file. `identity` is what a training that goes on must have in common.
    pub fn bytes(&self, identity: &Value) -> Vec<u8> {
        let mut arrays = Arrays::default();
        let (learner, optimiser) = (&self.learner, &self.learner.optimiser);
        let best_epoch = self.best.as_ref().map(|(epoch, _)| *epoch);
        arrays
            .note(KEY, &Notes { identity: identity.clone(), history: self.history.clone(), steps: optimiser.steps, best_epoch });
        put(&mut arrays, "now", &learner.weights);
        put(&mut arrays, "average", &learner.average);
        arrays.put_run("first", &optimiser.first);
        arrays.put_run("second", &optimiser.second);
        if let Some((_, best)) = &self.best {
            put(&mut arrays, "best", best);
        }
        arrays.bytes()
    }

    /// Reads a state into a learner that was made anew.
    ///
    /// # Errors
    /// What reading gives; [`Error::Usage`] if settings or data differ.
    pub fn read(path: &Path, mut learner: Learner, identity: &Value) -> Result<Self> {
        let arrays = Arrays::read(path)?;
        let bad = || Error::format(path, "no state of a training", "train from the beginning, with --force");
        let notes: Notes = serde_json::from_str(arrays.noted(KEY).ok_or_else(bad)?).map_err(|_| bad())?;
        if &notes.identity != identity {
            let differs = |(key, value): (&String, &Value)| (notes.identity.get(key) != Some(value)).then(|| key.clone());
            let names: Vec<String> = identity.as_object().into_iter().flatten().filter_map(differs).collect();
            let what = format!("the training to go on with had other settings or data ({})", names.join(", "));
            return Err(Error::usage(what, "give the same, or train from the beginning with --force"));
        }
        let run = |name: &str, length: usize| {
            arrays.get(name).map(|array| array.values.clone()).filter(|values| values.len() == length).ok_or_else(bad)
        };
        let (trained, running) = (learner.weights.trained.len(), learner.weights.running.len());
        let weights = |name: &str| {
            Ok::<_, Error>(Weights {
                trained: run(&format!("{name}.trained"), trained)?,
                running: run(&format!("{name}.running"), running)?,
            })
        };
        (learner.weights, learner.average) = (weights("now")?, weights("average")?);
        (learner.optimiser.first, learner.optimiser.second) = (run("first", trained)?, run("second", trained)?);
        learner.optimiser.steps = notes.steps;
        let best = notes.best_epoch.map(|epoch| weights("best").map(|best| (epoch, best))).transpose()?;
        Ok(Self { learner, history: notes.history, best })
    }
}

fn put(arrays: &mut Arrays, name: &str, weights: &Weights) {
    arrays.put_run(&format!("{name}.trained"), &weights.trained);
    arrays.put_run(&format!("{name}.running"), &weights.running);
}
