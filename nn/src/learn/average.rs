//! The average of the weights over the last steps, which errs less than the last weights.

use crate::graph::Weights;

/// The share of the average that stays in a step: 1 - 1 / n for the first n steps, so that the beginning is forgotten, at most `most`.
fn kept(step: u64, most: f64) -> f64 {
    most.min((1.0 + step as f64) / (10.0 + step as f64))
}

/// Moves the average by one step towards the weights now.
pub fn follow(average: &mut Weights, now: &Weights, step: u64, most: f64) {
    let kept = kept(step, most) as f32;
    for (average, now) in [(&mut average.trained, &now.trained), (&mut average.running, &now.running)] {
        average.iter_mut().zip(now).for_each(|(a, n)| *a = kept * *a + (1.0 - kept) * n);
    }
}
