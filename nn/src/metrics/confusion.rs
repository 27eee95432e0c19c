//! What was taken for what.

/// Counts of truth (rows) and prediction (columns).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    /// Row by row.
    pub counts: Vec<Vec<u64>>,
}

/// How well one class was found among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassAgreement {
    /// Images that are of the class.
    pub support: u64,
    /// Of what was taken for it, the share that is; None where nothing was.
    pub precision: Option<f64>,
    /// Of what is, the share that was found (sensitivity); None where nothing is.
    pub recall: Option<f64>,
    /// Of all else, the share that was not taken for it; None where there is nothing else.
    pub specificity: Option<f64>,
    /// The harmonic mean of precision and recall, 2 both / (found + true); None where the class is in neither.
    pub f1: Option<f64>,
}

impl Confusion {
    /// Of pairs of truth and prediction.
    pub fn new(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        pairs.into_iter().for_each(|(truth, predicted)| counts[truth][predicted] += 1);
        Self { counts }
    }

    fn truth(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    fn all(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    fn right(&self) -> u64 {
        (0..self.counts.len()).map(|class| self.counts[class][class]).sum()
    }

    /// How well a class was found.
    pub fn of(&self, class: usize) -> ClassAgreement {
        let (both, truth, predicted) = (self.counts[class][class], self.truth(class), self.predicted(class));
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let others = self.all() - truth;
        ClassAgreement {
            support: truth,
            precision: share(both, predicted),
            recall: share(both, truth),
            specificity: share(others - (predicted - both), others),
            f1: share(2 * both, truth + predicted),
        }
    }

    /// The share that was right.
    pub fn accuracy(&self) -> f64 {
        self.right() as f64 / self.all().max(1) as f64
    }

    /// The mean recall of the classes that there are.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = (0..self.counts.len()).filter_map(|class| self.of(class).recall).collect();
        recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
    }

    /// Matthews' correlation (1975), for several classes by Gorodkin (2004); 0 where it is not defined.
    pub fn correlation(&self) -> f64 {
        let (all, right) = (self.all() as f64, self.right() as f64);
        let sum = |of: &dyn Fn(usize) -> f64| (0..self.counts.len()).map(of).sum::<f64>();
        let (truth, predicted) = (|c| self.truth(c) as f64, |c| self.predicted(c) as f64);
        let shared = right * all - sum(&|c| truth(c) * predicted(c));
        let spread = (all * all - sum(&|c| predicted(c) * predicted(c))) * (all * all - sum(&|c| truth(c) * truth(c)));
        if spread > 0.0 { shared / spread.sqrt() } else { 0.0 }
    }

    /// The mean of a measure over the classes, each counting alike, and each by its support; what is not defined counts as 0.
    pub fn means(&self, of: impl Fn(&ClassAgreement) -> Option<f64>) -> [f64; 2] {
        let all: Vec<(f64, f64)> =
            (0..self.counts.len()).map(|c| self.of(c)).map(|c| (of(&c).unwrap_or(0.0), c.support as f64)).collect();
        let support: f64 = all.iter().map(|(_, n)| n).sum();
        let (plain, weighted) = all.iter().fold((0.0, 0.0), |(p, w), (v, n)| (p + v, w + v * n));
        [plain / all.len().max(1) as f64, weighted / support.max(1.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_images_by_hand() {
        let pairs = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 0), (1, 1)];
        let confusion = Confusion::new(2, pairs);
        assert_eq!(confusion.counts, [[2, 1], [1, 6]]);
        let ill = confusion.of(1);
        assert_eq!((ill.support, ill.precision, ill.recall), (7, Some(6.0 / 7.0), Some(6.0 / 7.0)));
        assert_eq!((ill.specificity, ill.f1), (Some(2.0 / 3.0), Some(6.0 / 7.0)));
        assert!((confusion.accuracy() - 0.8).abs() < 1e-12);
        assert!((confusion.balanced_accuracy() - (2.0 / 3.0 + 6.0 / 7.0) / 2.0).abs() < 1e-12);
        // (2 x 6 - 1 x 1) / sqrt(3 x 3 x 7 x 7).
        assert!((confusion.correlation() - 11.0 / 21.0).abs() < 1e-12);
        let [plain, weighted] = confusion.means(|class| class.recall);
        assert!((plain - confusion.balanced_accuracy()).abs() < 1e-12 && (weighted - 0.8).abs() < 1e-12);
        assert_eq!(Confusion::new(2, [(0, 0)]).of(1).f1, None);
        assert_eq!(Confusion::new(2, [(0, 0)]).correlation(), 0.0);
    }
}
