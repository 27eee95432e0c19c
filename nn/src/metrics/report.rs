//! All that is said of a classifier on images whose truth is known.

use super::{Calibration, ClassAgreement, Confusion, Interval, Ranking, auc_interval};

/// Probabilities of each class, and the truth, for each image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judged {
    /// For each image, the probability of each class.
    pub probabilities: Vec<Vec<f64>>,
    /// For each image, its class.
    pub truth: Vec<usize>,
}

/// The measures.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The probability of the positive class from which on it is chosen; none for more than two classes, of which the most probable is chosen.
    pub threshold: Option<f64>,
    /// What was taken for what.
    pub confusion: Confusion,
    /// Each class against the others.
    pub classes: Vec<ClassAgreement>,
    /// Of each class against the others.
    pub class_aucs: Vec<Option<Interval>>,
    /// Of the positive class; of more than two the mean, each against the others, without an interval.
    pub auc: Option<f64>,
    /// Of a binary question.
    pub auc_interval: Option<Interval>,
    /// The area below precision against recall, likewise.
    pub average_precision: Option<f64>,
    /// What probabilities are worth.
    pub calibration: Calibration,
    /// The mean squared distance of a probability from what came true (Brier 1950): of the positive class, or summed over several.
    pub brier: f64,
}

impl Judged {
    fn classes(&self) -> usize {
        self.probabilities.first().map_or(0, Vec::len)
    }

    /// The probabilities of a class, and where it is true.
    pub fn one_against_others(&self, class: usize) -> (Vec<f64>, Vec<bool>) {
        (self.probabilities.iter().map(|p| p[class]).collect(), self.truth.iter().map(|truth| *truth == class).collect())
    }

    /// What is chosen for an image of these probabilities.
    pub fn choice(probabilities: &[f64], threshold: Option<f64>) -> usize {
        match (probabilities, threshold) {
            ([_, positive], Some(threshold)) => usize::from(*positive >= threshold),
            _ => (0..probabilities.len()).rev().max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap_or(0),
        }
    }

    /// All measures; the threshold is for a binary question.
    pub fn report(&self, threshold: Option<f64>) -> Report {
        let classes = self.classes();
        let binary = classes == 2;
        let threshold = threshold.filter(|_| binary);
        let chosen: Vec<usize> = self.probabilities.iter().map(|p| Self::choice(p, threshold)).collect();
        let confusion = Confusion::new(classes, self.truth.iter().copied().zip(chosen.iter().copied()));
        let sides: Vec<(Vec<f64>, Vec<bool>)> = (0..classes).map(|class| self.one_against_others(class)).collect();
        let rankings: Vec<Option<Ranking>> = sides.iter().map(|(scores, positive)| Ranking::new(scores, positive)).collect();
        let mean = |of: &dyn Fn(&Ranking) -> f64| {
            let all: Vec<f64> = rankings.iter().flatten().map(of).collect();
            (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
        };
        let one = |of: &dyn Fn(&Ranking) -> f64| if binary { rankings[1].as_ref().map(of) } else { mean(of) };
        let class_aucs: Vec<Option<Interval>> = sides.iter().map(|(scores, positive)| auc_interval(scores, positive)).collect();
        let calibration = if binary {
            Calibration::new(&sides[1].0, &sides[1].1)
        } else {
            let said: Vec<f64> = self.probabilities.iter().zip(&chosen).map(|(p, c)| p[*c]).collect();
            let right: Vec<bool> = self.truth.iter().zip(&chosen).map(|(a, b)| a == b).collect();
            Calibration::new(&said, &right)
        };
        let squared = |(scores, positive): &(Vec<f64>, Vec<bool>)| {
            let each = scores.iter().zip(positive).map(|(s, p)| (s - f64::from(u8::from(*p))).powi(2));
            each.sum::<f64>() / scores.len().max(1) as f64
        };
        Report {
            threshold,
            classes: (0..classes).map(|class| confusion.of(class)).collect(),
            auc: one(&Ranking::auc),
            auc_interval: class_aucs.get(1).copied().flatten().filter(|_| binary),
            average_precision: one(&Ranking::average_precision),
            calibration,
            brier: if binary { squared(&sides[1]) } else { sides.iter().map(squared).sum() },
            confusion,
            class_aucs,
        }
    }
}
