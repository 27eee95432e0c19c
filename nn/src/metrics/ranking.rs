//! What does not depend on a threshold: ROC, precision against recall, the areas below them; and the threshold itself.

/// For every threshold that makes a difference, how many positives and negatives lie at or above it, from the highest score down.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    steps: Vec<(f64, u64, u64)>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Of scores, each with whether it is of a positive; none unless there are both kinds.
    pub fn new(scores: &[f64], positive: &[bool]) -> Option<Self> {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut steps: Vec<(f64, u64, u64)> = Vec::new();
        let (mut positives, mut negatives) = (0, 0);
        for i in order {
            if positive[i] {
                positives += 1
            } else {
                negatives += 1
            }
            match steps.last_mut() {
                Some(last) if last.0 == scores[i] => *last = (scores[i], positives, negatives),
                _ => steps.push((scores[i], positives, negatives)),
            }
        }
        (positives > 0 && negatives > 0).then_some(Self { steps, positives, negatives })
    }

    /// The chance that a positive has a higher score than a negative, ties by half: the area below the ROC curve.
    pub fn auc(&self) -> f64 {
        let points = self.roc();
        let below = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0;
        points.windows(2).map(below).sum()
    }

    /// The share of negatives and of positives at or above each threshold, from none to all.
    pub fn roc(&self) -> Vec<(f64, f64)> {
        let share = |(_, p, n): &(f64, u64, u64)| (*n as f64 / self.negatives as f64, *p as f64 / self.positives as f64);
        std::iter::once((0.0, 0.0)).chain(self.steps.iter().map(share)).collect()
    }

    /// Recall and precision at each threshold, from the highest down.
    pub fn precision_recall(&self) -> Vec<(f64, f64)> {
        self.steps.iter().map(|(_, p, n)| (*p as f64 / self.positives as f64, *p as f64 / (p + n) as f64)).collect()
    }

    /// The mean of the precisions, each weighted by the recall that it adds: the area below steps of precision against recall.
    pub fn average_precision(&self) -> f64 {
        let mut before = 0.0;
        let gain = |(recall, precision): (f64, f64)| {
            let own = (recall - before) * precision;
            before = recall;
            own
        };
        self.precision_recall().into_iter().map(gain).sum()
    }
}

/// The threshold of the greatest sensitivity + specificity - 1 (Youden 1950): half-way between the two scores that it parts, of several equal ones the one in
/// the middle. None unless there are both kinds.
pub fn youden_threshold(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let ranking = Ranking::new(scores, positive)?;
    let j = |step: &(f64, u64, u64)| step.1 as f64 / ranking.positives as f64 - step.2 as f64 / ranking.negatives as f64;
    let most = ranking.steps.iter().map(j).fold(0.0, f64::max);
    let best: Vec<usize> = (0..ranking.steps.len()).filter(|&i| most - j(&ranking.steps[i]) < 1e-12).collect();
    let chosen = *best.get(best.len() / 2)?;
    let own = ranking.steps[chosen].0;
    Some(ranking.steps.get(chosen + 1).map_or(own, |below| f64::midpoint(own, below.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_scores_by_hand() {
        let scores = [0.9, 0.8, 0.8, 0.4, 0.3, 0.1];
        let positive = [true, true, false, true, false, false];
        let ranking = Ranking::new(&scores, &positive).unwrap();
        // Pairs won: 3 + 2.5 + 2 of 9.
        assert!((ranking.auc() - 7.5 / 9.0).abs() < 1e-12);
        assert_eq!(ranking.roc().len(), 6);
        assert!((ranking.average_precision() - (1.0 / 3.0 + 1.0 / 3.0 * (2.0 / 3.0) + 1.0 / 3.0 * 0.75)).abs() < 1e-12);
        // At 0.4 all three positives and one negative: 1 - 1/3.
        assert!((youden_threshold(&scores, &positive).unwrap() - 0.35).abs() < 1e-12);
        assert!(Ranking::new(&scores, &[true; 6]).is_none());
    }
}
