//! A start that grows class by class (as Verbeek, Vlassis and Kröse 2003 add components).

use super::em::Problem;
use super::{Component, FitSettings};

/// Iterations of EM after each split: enough to tell which split pays.
const TRIAL_ROUNDS: u32 = 60;

/// How far apart the halves of a class begin, in its standard deviations from its mean; their variance is what is left of its own.
const APART: f64 = 0.8;

/// From one class on: each class in turn is split in two, EM runs for a while, and the split of most likelihood stays, the lower class's on a tie. None
/// where no split keeps its voxels.
pub(super) fn grown(problem: &Problem, one: Component, classes: usize) -> Option<Vec<Component>> {
    let settings = FitSettings { max_iterations: TRIAL_ROUNDS, ..FitSettings::classes(classes) };
    let mut components = vec![one];
    while components.len() < classes {
        let mut best = None;
        for j in 0..components.len() {
            let Ok(summit) = problem.climb(split(&components, j, problem.floor), &settings) else { continue };
            let score = summit.fit.log_likelihood;
            if best.as_ref().is_none_or(|(most, _)| score > *most) {
                best = Some((score, summit.components));
            }
        }
        components = best?.1;
    }
    Some(components)
}

fn split(components: &[Component], j: usize, floor: f64) -> Vec<Component> {
    let Component { weight, mean, variance } = components[j];
    let half = |side: f64| Component {
        weight: weight / 2.0,
        mean: mean + side * APART * variance.sqrt(),
        variance: ((1.0 - APART * APART) * variance).max(floor),
    };
    let mut all = components.to_vec();
    all.splice(j..=j, [half(-1.0), half(1.0)]);
    all
}
