//! How well labels agree with truth, from counts of the pairs that occur.

/// Voxels of one class, by where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlap {
    /// In both: true positives.
    pub both: u64,
    /// Found but not true: false positives.
    pub found_only: u64,
    /// True but not found: false negatives.
    pub true_only: u64,
}

impl Overlap {
    /// Dice (1945): 2 · both / (found + true). A class that is empty in both agrees perfectly: 1.
    pub fn dice(&self) -> f64 {
        ratio(2 * self.both, 2 * self.both + self.found_only + self.true_only)
    }

    /// Intersection over union (Jaccard 1901). A class that is empty in both agrees perfectly: 1.
    pub fn iou(&self) -> f64 {
        ratio(self.both, self.both + self.found_only + self.true_only)
    }

    /// Whether the class occurs neither among the labels nor in the truth.
    pub fn empty(&self) -> bool {
        self.both + self.found_only + self.true_only == 0
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
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
        Overlap { both, found_only: row - both, true_only: column - both }
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
        assert_eq!(c.of(1), Overlap { both: 1, found_only: 1, true_only: 0 });
        assert_eq!(c.of(2), Overlap { both: 2, found_only: 0, true_only: 2 });
        assert_eq!((c.of(1).dice(), c.of(1).iou(), c.of(2).dice(), c.of(2).iou()), (2.0 / 3.0, 0.5, 2.0 / 3.0, 0.5));
        assert!(c.of(3).empty() && c.of(3).dice() == 1.0 && c.of(3).iou() == 1.0);
        assert_eq!(c.strange, 1);
        let mut twice = c.clone();
        twice.merge(&c);
        assert_eq!((twice.of(2).both, twice.strange), (4, 2));
    }
}
