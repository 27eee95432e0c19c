//! How well labels agree with truth, from counts of the pairs that occur.

use std::collections::{BTreeMap, BTreeSet};

/// Why nothing can be said of how well two maps agree on a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The class is in neither.
    FromBoth,
    /// It was not found.
    FromFound,
    /// It is not true anywhere.
    FromTruth,
}

/// Voxels of one class, by where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlap {
    /// In both: true positives.
    pub both: u64,
    /// Found but not true: false positives.
    pub found_only: u64,
    /// True but not found: false negatives.
    pub true_only: u64,
    /// In neither: true negatives.
    pub neither: u64,
}

impl Overlap {
    /// Whether the class is missing from one of the two: what compares them is then not defined, and neither 0 nor 1.
    pub fn absence(&self) -> Option<Absence> {
        match (self.found() == 0, self.truth() == 0) {
            (true, true) => Some(Absence::FromBoth),
            (true, false) => Some(Absence::FromFound),
            (false, true) => Some(Absence::FromTruth),
            (false, false) => None,
        }
    }

    /// Voxels where it was found.
    pub fn found(&self) -> u64 {
        self.both + self.found_only
    }

    /// Voxels where it is true.
    pub fn truth(&self) -> u64 {
        self.both + self.true_only
    }

    /// Dice (1945), which is also F1, the harmonic mean of precision and recall: 2 · both / (found + true). None where the class is [missing](Self::absence).
    pub fn dice(&self) -> Option<f64> {
        self.share(2 * self.both, self.found() + self.truth())
    }

    /// Intersection over union (Jaccard 1901).
    pub fn iou(&self) -> Option<f64> {
        self.share(self.both, self.both + self.found_only + self.true_only)
    }

    /// The share of what was found that is true.
    pub fn precision(&self) -> Option<f64> {
        self.share(self.both, self.found())
    }

    /// The share of what is true that was found; also called sensitivity.
    pub fn recall(&self) -> Option<f64> {
        self.share(self.both, self.truth())
    }

    /// The share of all other voxels that was not found. Defined where the class is missing, too, but not where it is true everywhere.
    pub fn specificity(&self) -> Option<f64> {
        let others = self.neither + self.found_only;
        (others > 0).then(|| self.neither as f64 / others as f64)
    }

    /// The share of voxels on which both agree. Of a small class it is near 1 whatever was found.
    pub fn accuracy(&self) -> Option<f64> {
        let all = self.found() + self.true_only + self.neither;
        (all > 0).then(|| (self.both + self.neither) as f64 / all as f64)
    }

    /// By how many voxels more was found than is true, against what is true: 0.1 is a tenth too much. None without truth.
    pub fn excess(&self) -> Option<f64> {
        (self.truth() > 0).then(|| (self.found() as f64 - self.truth() as f64) / self.truth() as f64)
    }

    /// Voxels of two classes together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self {
            both: self.both + other.both,
            found_only: self.found_only + other.found_only,
            true_only: self.true_only + other.true_only,
            neither: self.neither + other.neither,
        }
    }

    fn share(&self, part: u64, whole: u64) -> Option<f64> {
        self.absence().is_none().then(|| part as f64 / whole as f64)
    }
}

/// How often each pair of labels occurs in two maps of any labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelPairs {
    /// By what was found, then what is true.
    counts: BTreeMap<(u32, u32), u64>,
    found: BTreeMap<u32, u64>,
    truth: BTreeMap<u32, u64>,
    voxels: u64,
}

impl LabelPairs {
    /// Counts so many voxels of a pair.
    pub fn add(&mut self, found: u32, truth: u32, voxels: u64) {
        if voxels == 0 {
            return;
        }
        *self.counts.entry((found, truth)).or_default() += voxels;
        *self.found.entry(found).or_default() += voxels;
        *self.truth.entry(truth).or_default() += voxels;
        self.voxels += voxels;
    }

    /// Adds the counts of other voxels.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(found, truth, voxels)| self.add(found, truth, voxels));
    }

    /// What was found, what is true and how often, of each pair that occurs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, u64)> {
        self.counts.iter().map(|((found, truth), voxels)| (*found, *truth, *voxels))
    }

    /// The labels of either map but for 0, ascending.
    pub fn labels(&self) -> Vec<u32> {
        let all: BTreeSet<u32> = self.found.keys().chain(self.truth.keys()).copied().filter(|label| *label != 0).collect();
        all.into_iter().collect()
    }

    /// All voxels.
    pub fn voxels(&self) -> u64 {
        self.voxels
    }

    /// Voxels on which both agree.
    pub fn agreeing(&self) -> u64 {
        self.iter().filter(|(found, truth, _)| found == truth).map(|(.., voxels)| voxels).sum()
    }

    /// The overlap of a label.
    pub fn of(&self, label: u32) -> Overlap {
        let of = |all: &BTreeMap<u32, u64>| all.get(&label).copied().unwrap_or(0);
        let both = self.counts.get(&(label, label)).copied().unwrap_or(0);
        let (found, truth) = (of(&self.found), of(&self.truth));
        Overlap { both, found_only: found - both, true_only: truth - both, neither: self.voxels - (found + truth - both) }
    }
}

/// How often each pair of label and truth occurs, both 0 to the number of classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    labels: usize,
    /// Row: label; column: truth.
    pairs: Vec<u64>,
    /// Voxels whose truth is no number from 0 to the number of classes; counted as 0.
    pub strange: u64,
}

impl Confusion {
    /// Nothing counted, for `classes` classes beside 0.
    pub fn new(classes: usize) -> Self {
        let labels = classes + 1;
        Self { labels, pairs: vec![0; labels * labels], strange: 0 }
    }

    /// Counts a voxel. A label above the number of classes counts as 0.
    pub fn add(&mut self, label: u8, truth: f64) {
        let own = usize::from(label);
        let known = (0..self.labels).find(|t| *t as f64 == truth);
        self.strange += u64::from(known.is_none());
        self.pairs[if own < self.labels { own } else { 0 } * self.labels + known.unwrap_or(0)] += 1;
    }

    /// Adds the counts of other voxels, of as many classes.
    pub fn merge(&mut self, other: &Self) {
        self.pairs.iter_mut().zip(&other.pairs).for_each(|(a, b)| *a += b);
        self.strange += other.strange;
    }

    /// The overlap of a class, from 1.
    pub fn of(&self, class: usize) -> Overlap {
        let both = self.pairs[class * self.labels + class];
        let row: u64 = self.pairs[class * self.labels..][..self.labels].iter().sum();
        let column: u64 = self.pairs.iter().skip(class).step_by(self.labels).sum();
        let all: u64 = self.pairs.iter().sum();
        Overlap { both, found_only: row - both, true_only: column - both, neither: all - (row + column - both) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_voxels_by_hand() {
        let mut c = Confusion::new(3);
        for (label, truth) in [(1, 1.0), (1, 2.0), (2, 2.0), (2, 2.0), (0, 2.0), (0, 7.0)] {
            c.add(label, truth);
        }
        assert_eq!(c.of(1), Overlap { both: 1, found_only: 1, true_only: 0, neither: 4 });
        assert_eq!(c.of(2), Overlap { both: 2, found_only: 0, true_only: 2, neither: 2 });
        let (one, two) = (c.of(1), c.of(2));
        assert_eq!([one.dice(), one.iou(), two.dice(), two.iou()], [2.0 / 3.0, 0.5, 2.0 / 3.0, 0.5].map(Some));
        assert_eq!([one.precision(), one.recall(), one.specificity(), one.accuracy()], [0.5, 1.0, 0.8, 5.0 / 6.0].map(Some));
        assert_eq!((one.excess(), two.excess()), (Some(1.0), Some(-0.5)));
        let none = c.of(3);
        assert_eq!((none.absence(), none.dice(), none.iou(), none.excess()), (Some(Absence::FromBoth), None, None, None));
        assert_eq!((none.specificity(), none.accuracy()), (Some(1.0), Some(1.0)));
        assert_eq!(c.strange, 1);
        let mut twice = c.clone();
        twice.merge(&c);
        assert_eq!((twice.of(2).both, twice.strange), (4, 2));
    }

    #[test]
    fn pairs_of_any_labels_have_the_same_overlaps() {
        let mut pairs = LabelPairs::default();
        for (found, truth) in [(1, 1), (1, 2), (2, 2), (2, 2), (0, 2), (0, 70_000)] {
            pairs.add(found, truth, 1);
        }
        assert_eq!(pairs.labels(), [1, 2, 70_000]);
        assert_eq!((pairs.voxels(), pairs.agreeing()), (6, 3));
        assert_eq!(pairs.of(1), Overlap { both: 1, found_only: 1, true_only: 0, neither: 4 });
        assert_eq!(pairs.of(70_000).absence(), Some(Absence::FromFound));
        let mut twice = pairs.clone();
        twice.merge(&pairs);
        assert_eq!(twice.of(2), Overlap { both: 4, found_only: 0, true_only: 4, neither: 4 });
    }
}
