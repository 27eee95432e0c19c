//! How large a step is: rising evenly at first, then falling along a cosine.

use serde::{Deserialize, Serialize};

/// A schedule of learning rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The greatest.
    pub peak: f64,
    /// Steps that it rises for.
    pub warm_up: u64,
    /// All steps.
    pub steps: u64,
}

/// The least, as a share of the greatest.
const LEAST: f64 = 0.01;

impl Rate {
    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / self.warm_up as f64;
        }
        let along = (step - self.warm_up) as f64 / (self.steps - self.warm_up).max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * along.min(1.0)).cos());
        self.peak * (LEAST + (1.0 - LEAST) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_and_falls() {
        let rate = Rate { peak: 2.0, warm_up: 4, steps: 104 };
        assert_eq!([0, 1, 3, 4].map(|s| rate.at(s)), [0.5, 1.0, 2.0, 2.0]);
        assert!((rate.at(54) - 2.0 * 0.505).abs() < 1e-12 && (rate.at(104) - 0.02).abs() < 1e-12);
    }
}
