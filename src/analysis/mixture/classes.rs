//! From a fitted mixture to labels and posteriors.

use super::{Component, MOST_CLASSES, Mixture};

/// Gives real values their class.
#[derive(Debug, Clone)]
pub struct Classifier {
    /// Of each class: mean, ln of the weighted density there, and what to multiply the squared distance with.
    bells: Vec<[f64; 3]>,
    /// Where labels change if they may only rise with the value.
    cuts: Option<Vec<f64>>,
}

impl Classifier {
    /// The class of most posterior probability; the lower one on a tie. Where variances differ a class need not be contiguous:
    /// far out on either side the widest wins.
    pub fn new(mixture: &Mixture) -> Self {
        let bell = |c: &Component| [c.mean, c.log_density(c.mean), -0.5 / c.variance];
        Self { bells: mixture.components.iter().map(bell).collect(), cuts: None }
    }

    /// Labels that never fall as the value rises: they change where the densities of neighbouring classes cross between
    /// their means. Where they do not cross there, one class is higher than the other at both means, and the cut lies at the mean of the other.
    pub fn monotone(mixture: &Mixture) -> Self {
        Self { cuts: Some(crossings(mixture)), ..Self::new(mixture) }
    }

    /// The class of a real value, from 1.
    pub fn label(&self, real: f64) -> u8 {
        if let Some(cuts) = &self.cuts {
            return 1 + cuts.iter().filter(|cut| real > **cut).count() as u8;
        }
        let (mut best, mut most) = (0, f64::NEG_INFINITY);
        for (j, density) in self.log_densities(real).enumerate() {
            if density > most {
                (best, most) = (j, density);
            }
        }
        1 + best as u8
    }

    /// The posterior probability of each class for a real value; they sum to 1. The unused rest is 0.
    pub fn posteriors(&self, real: f64) -> [f64; MOST_CLASSES] {
        let mut shares = [0.0; MOST_CLASSES];
        let most = self.log_densities(real).fold(f64::NEG_INFINITY, f64::max);
        shares.iter_mut().zip(self.log_densities(real)).for_each(|(s, density)| *s = libm::exp(density - most));
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|s| *s /= total);
        shares
    }

    fn log_densities(&self, real: f64) -> impl Iterator<Item = f64> + '_ {
        self.bells.iter().map(move |[mean, top, factor]| top + factor * (real - mean) * (real - mean))
    }
}

impl Mixture {
    /// The density of the whole mixture per real unit.
    pub fn density(&self, real: f64) -> f64 {
        self.components.iter().map(|c| c.density(real)).sum()
    }
}

/// One cut between each two neighbouring classes.
fn crossings(mixture: &Mixture) -> Vec<f64> {
    let between = |pair: &[Component]| {
        let (low, high) = (&pair[0], &pair[1]);
        // Falls from the lower mean to the higher one, so that bisection finds the one place where it is 0.
        let lead = |x: f64| low.log_density(x) - high.log_density(x);
        let (mut a, mut b) = (low.mean, high.mean);
        // Until no number lies between.
        loop {
            let middle = f64::midpoint(a, b);
            if middle <= a || middle >= b {
                return if lead(b) >= 0.0 { b } else { a };
            }
            if lead(middle) >= 0.0 { a = middle } else { b = middle }
        }
    };
    mixture.components.windows(2).map(between).collect()
}

/// Neighbouring values of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassSpan {
    /// The class, from 1.
    pub label: u8,
    /// Smallest value.
    pub from: f64,
    /// Largest value.
    pub to: f64,
}

/// The runs of classes over ascending real values. More runs than classes mean a class that is not contiguous.
pub fn spans(classifier: &Classifier, values: impl IntoIterator<Item = f64>) -> Vec<ClassSpan> {
    let mut all: Vec<ClassSpan> = Vec::new();
    for value in values {
        let label = classifier.label(value);
        match all.last_mut() {
            Some(run) if run.label == label => run.to = value,
            _ => all.push(ClassSpan { label, from: value, to: value }),
        }
    }
    all
}
