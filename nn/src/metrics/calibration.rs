//! Whether probabilities are what they say.

/// Equal bins from 0 to 1.
const BINS: usize = 15;

/// Predictions of about the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// How many there are.
    pub count: u64,
    /// Their mean probability.
    pub said: f64,
    /// The share for which it came true.
    pub came_true: f64,
}

/// Probabilities against what came true. Of a binary question the probability of the positive class; of several classes that of the one that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Fifteen bins of equal width; empty ones are 0.
    pub bins: Vec<Bin>,
    /// The mean difference between what was said and what came true, each bin by its count (ECE).
    pub expected_error: f64,
}

impl Calibration {
    /// Of probabilities, each with whether it came true.
    pub fn new(probabilities: &[f64], came_true: &[bool]) -> Self {
        let mut bins = vec![Bin::default(); BINS];
        for (p, yes) in probabilities.iter().zip(came_true) {
            let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
            bin.count += 1;
            bin.said += p;
            bin.came_true += f64::from(u8::from(*yes));
        }
        for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
            bin.said /= bin.count as f64;
            bin.came_true /= bin.count as f64;
        }
        let all = probabilities.len().max(1) as f64;
        let expected_error = bins.iter().map(|bin| bin.count as f64 / all * (bin.said - bin.came_true).abs()).sum();
        Self { bins, expected_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_probabilities_by_hand() {
        let calibration = Calibration::new(&[0.01, 0.03, 0.95, 1.0], &[false, true, true, true]);
        assert_eq!((calibration.bins[0].count, calibration.bins[14].count), (2, 2));
        // 0.02 said and 0.5 true, 0.975 said and 1 true.
        assert!((calibration.expected_error - (0.5 * 0.48 + 0.5 * 0.025)).abs() < 1e-12);
    }
}
