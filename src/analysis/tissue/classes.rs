//! What a class is.

use super::LevelGaussian;

/// Narrowest class, in levels.
const LEAST_STD: f64 = 1.0;

/// A class is not narrower than so much of the way to the nearest other: voxels of two tissues fill what lies between, and a class that shrank to its pure voxels would leave them all to the other.
const NARROWEST: f64 = 0.2;

/// Nor wider than so much of it: classes that reach as far as that swallow their neighbour's voxels.
const WIDEST: f64 = 0.35;

/// A class of tissue, in levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TissueClass {
    /// Mean level.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// Of all voxels, 0 to 1.
    pub share: f64,
    /// Whether no voxel is left; it is as it was when there were some.
    pub empty: bool,
}

impl TissueClass {
    /// From the sums of weights, weights times level, and weights times squared level; none without a weight.
    pub(super) fn of_sums([n, x, xx]: [f64; 3], all: f64) -> Option<Self> {
        let mean = x / n;
        (n > 0.0).then(|| Self { mean, std: (xx / n - mean * mean).max(0.0).sqrt().max(LEAST_STD), share: n / all, empty: false })
    }

    /// The classes that weights by level make; one that is [empty](Self::empty) stays as it was.
    pub fn learn(classes: &mut [Self], histograms: &[Vec<u64>]) {
        let sums = |counts: &Vec<u64>| {
            counts.iter().enumerate().fold([0.0; 3], |[n, x, xx], (level, count)| {
                let (weight, level) = (*count as f64, level as f64);
                [n + weight, x + weight * level, xx + weight * level * level]
            })
        };
        let sums: Vec<[f64; 3]> = histograms.iter().map(sums).collect();
        let all = sums.iter().map(|[n, ..]| n).sum::<f64>();
        for (class, sums) in classes.iter_mut().zip(sums) {
            match Self::of_sums(sums, all) {
                // A voxel at least.
                Some(learnt) if sums[0] >= 255.0 => *class = learnt,
                _ => (class.share, class.empty) = (sums[0] / all.max(1.0), true),
            }
        }
        Self::keep_apart(classes);
    }

    /// Keeps standard deviations in proportion to the distance of means.
    pub(super) fn keep_apart(classes: &mut [Self]) {
        let means: Vec<f64> = classes.iter().map(|class| class.mean).collect();
        for (i, class) in classes.iter_mut().enumerate() {
            let others = means.iter().enumerate().filter(|(j, _)| *j != i);
            let nearest = others.map(|(_, mean)| (mean - class.mean).abs()).fold(f64::INFINITY, f64::min);
            if nearest.is_finite() {
                class.std = class.std.min(WIDEST * nearest).max(NARROWEST * nearest).max(LEAST_STD);
            }
        }
    }

    /// As sweeps take it.
    pub fn gaussian(&self) -> LevelGaussian {
        LevelGaussian { mean: self.mean, std: self.std }
    }
}
