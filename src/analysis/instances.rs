//! Which objects of two maps are the same one, and how many were found.
//!
//! Objects match one to one by their intersection over union, from the best pair down to a threshold that they must exceed. From 0.5 on no object can exceed it with two others, so that
//! no choice is left (Kirillov et al. 2019, Panoptic Segmentation, section 4.1); below, of equal pairs the one with the lower numbers goes first.

use std::collections::BTreeMap;

/// Objects of one label, found and true.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InstanceMatch {
    /// Objects that were found.
    pub found: u64,
    /// Objects that are true.
    pub truth: u64,
    /// Pairs of them that match.
    pub matched: u64,
    /// The sum of the intersections over unions of these.
    pub iou_sum: f64,
}

impl InstanceMatch {
    /// Matches objects by their voxels, `found` and `truth` numbered from 0, and the voxels of pairs that overlap.
    pub fn new(found: &[u64], truth: &[u64], overlaps: &BTreeMap<(usize, usize), u64>, threshold: f64) -> Self {
        let iou = |(&(f, t), &both): (&(usize, usize), &u64)| (both as f64 / (found[f] + truth[t] - both) as f64, f, t);
        let mut pairs: Vec<(f64, usize, usize)> = overlaps.iter().map(iou).filter(|(iou, ..)| *iou > threshold).collect();
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let (mut free_found, mut free_truth) = (vec![true; found.len()], vec![true; truth.len()]);
        let mut all = Self { found: found.len() as u64, truth: truth.len() as u64, ..Self::default() };
        for (iou, f, t) in pairs {
            if free_found[f] && free_truth[t] {
                (free_found[f], free_truth[t]) = (false, false);
                all.matched += 1;
                all.iou_sum += iou;
            }
        }
        all
    }

    /// Both together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self {
            found: self.found + other.found,
            truth: self.truth + other.truth,
            matched: self.matched + other.matched,
            iou_sum: self.iou_sum + other.iou_sum,
        }
    }

    /// The share of found objects that match; none where nothing was found.
    pub fn precision(&self) -> Option<f64> {
        (self.found > 0).then(|| self.matched as f64 / self.found as f64)
    }

    /// The share of true objects that match; none where there are none.
    pub fn recall(&self) -> Option<f64> {
        (self.truth > 0).then(|| self.matched as f64 / self.truth as f64)
    }

    /// The harmonic mean of both, also called recognition quality: 2 · matched / (found + true).
    pub fn f1(&self) -> Option<f64> {
        (self.found + self.truth > 0).then(|| 2.0 * self.matched as f64 / (self.found + self.truth) as f64)
    }

    /// The mean intersection over union of matches, also called segmentation quality.
    pub fn mean_iou(&self) -> Option<f64> {
        (self.matched > 0).then(|| self.iou_sum / self.matched as f64)
    }

    /// Panoptic quality: the sum of the matches' intersections over unions, against the mean number of objects.
    pub fn panoptic_quality(&self) -> Option<f64> {
        (self.found + self.truth > 0).then(|| 2.0 * self.iou_sum / (self.found + self.truth) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_match_one_to_one() {
        // Found of 4, 10 and 2 voxels; true of 4, 8 and 3.
        let overlaps = BTreeMap::from([((0, 0), 3), ((1, 1), 8), ((1, 2), 2), ((2, 2), 1)]);
        let all = InstanceMatch::new(&[4, 10, 2], &[4, 8, 3], &overlaps, 0.5);
        assert_eq!((all.found, all.truth, all.matched), (3, 3, 2));
        assert!((all.iou_sum - (0.6 + 0.8)).abs() < 1e-12);
        assert_eq!((all.precision(), all.recall(), all.f1()), (Some(2.0 / 3.0), Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert!((all.panoptic_quality().unwrap() - 1.4 / 3.0).abs() < 1e-12 && (all.mean_iou().unwrap() - 0.7).abs() < 1e-12);
        // Lower: the third pair, too. What has found its match takes no other.
        assert_eq!(InstanceMatch::new(&[4, 10, 2], &[4, 8, 3], &overlaps, 0.1).matched, 3);
        assert_eq!(InstanceMatch::new(&[4, 10, 2], &[4, 8, 3], &overlaps, 0.8).matched, 0);
        let none = InstanceMatch::new(&[], &[], &BTreeMap::new(), 0.5);
        assert_eq!(
            (none.precision(), none.recall(), none.f1(), none.panoptic_quality(), none.mean_iou()),
            (None, None, None, None, None)
        );
    }
}
