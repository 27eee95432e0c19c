//! What a class is.

use super::{LevelGaussian, LevelSpace};

/// Narrowest class, in levels.
const LEAST_STD: f64 = 1.0;

/// A class is not narrower than so much of the way to the nearest other: voxels of two tissues fill what lies between, and a class that shrank to its pure voxels would leave them all to the other.
const NARROWEST: f64 = 0.17;

/// Nor wider than so much of it: classes that reach as far as that swallow their neighbour's voxels.
const WIDEST: f64 = 0.35;

/// Two channels of a class are never more alike: its ellipse keeps a width.
const MOST_CORRELATED: f64 = 0.95;

/// A class of tissue, in levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TissueClass {
    /// Mean level of the first channel.
    pub mean: f64,
    /// Its standard deviation.
    pub std: f64,
    /// Of a second channel.
    pub second: Option<SecondChannel>,
    /// Of all voxels, 0 to 1.
    pub share: f64,
    /// Whether no voxel is left; it is as it was when there were some.
    pub empty: bool,
}

/// What a second channel says of a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondChannel {
    /// Mean level.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// With the first channel, -1 to 1.
    pub correlation: f64,
}

/// Sums over the voxels of a class: of weights, and of weights times levels x and y, xx, yy and xy.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LevelSums {
    pub n: f64,
    pub x: f64,
    pub xx: f64,
    y: f64,
    yy: f64,
    xy: f64,
}

impl LevelSums {
    pub fn add(&mut self, [x, y]: [f64; 2], n: f64) {
        self.n += n;
        self.x += n * x;
        self.xx += n * x * x;
        self.y += n * y;
        self.yy += n * y * y;
        self.xy += n * x * y;
    }

    pub fn less(self, other: Self) -> Self {
        let Self { n, x, xx, y, yy, xy } = other;
        Self { n: self.n - n, x: self.x - x, xx: self.xx - xx, y: self.y - y, yy: self.yy - yy, xy: self.xy - xy }
    }
}

impl TissueClass {
    /// None without a weight.
    pub(super) fn of_sums(sums: LevelSums, all: f64, space: LevelSpace) -> Option<Self> {
        let LevelSums { n, x, xx, y, yy, xy } = sums;
        let (mean, other) = (x / n, y / n);
        let std = |squares: f64, mean: f64| (squares / n - mean * mean).max(0.0).sqrt().max(LEAST_STD);
        let std_x = std(xx, mean);
        let second = (space == LevelSpace::Two).then(|| {
            let std = std(yy, other);
            let correlation = ((xy / n - mean * other) / (std_x * std)).clamp(-MOST_CORRELATED, MOST_CORRELATED);
            SecondChannel { mean: other, std, correlation }
        });
        (n > 0.0).then_some(Self { mean, std: std_x, second, share: n / all, empty: false })
    }

    /// The classes that weights by level make; one that is [empty](Self::empty) stays as it was.
    pub fn learn(classes: &mut [Self], histograms: &[Vec<u64>], space: LevelSpace) {
        let sums = |counts: &Vec<u64>| {
            let mut sums = LevelSums::default();
            for (level, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                sums.add(space.of(level), *count as f64);
            }
            sums
        };
        let sums: Vec<LevelSums> = histograms.iter().map(sums).collect();
        let all = sums.iter().map(|sums| sums.n).sum::<f64>();
        for (class, sums) in classes.iter_mut().zip(sums) {
            match Self::of_sums(sums, all, space) {
                // A voxel at least.
                Some(learnt) if sums.n >= 255.0 => *class = learnt,
                _ => (class.share, class.empty) = (sums.n / all.max(1.0), true),
            }
        }
        Self::keep_apart(classes);
    }

    /// Keeps standard deviations in proportion to the distance of means.
    pub(super) fn keep_apart(classes: &mut [Self]) {
        let means: Vec<[f64; 2]> = classes.iter().map(Self::means).collect();
        for (i, class) in classes.iter_mut().enumerate() {
            let way = |other: &[f64; 2]| [other[0] - means[i][0], other[1] - means[i][1]];
            let others = means.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, other)| way(other));
            let Some(nearest) = others.min_by(|a, b| length(*a).total_cmp(&length(*b))) else { continue };
            class.keep_within(nearest);
        }
    }

    /// A width along the way to the nearest other; all directions of an ellipse change together.
    fn keep_within(&mut self, way: [f64; 2]) {
        let far = length(way);
        let kept = |std: f64| std.min(WIDEST * far).max(NARROWEST * far);
        let Some(second) = &mut self.second else {
            self.std = kept(self.std).max(LEAST_STD);
            return;
        };
        let [a, b] = [way[0] * self.std, way[1] * second.std];
        let std = (a * a + 2.0 * second.correlation * a * b + b * b).max(0.0).sqrt() / far;
        if std > 0.0 && std.is_finite() {
            let change = kept(std) / std;
            self.std = (self.std * change).max(LEAST_STD);
            second.std = (second.std * change).max(LEAST_STD);
        }
    }

    fn means(&self) -> [f64; 2] {
        [self.mean, self.second.map_or(0.0, |second| second.mean)]
    }

    /// Mean and standard deviation of a channel, 0 or 1.
    pub fn of_channel(&self, channel: usize) -> (f64, f64) {
        match (channel, self.second) {
            (1, Some(second)) => (second.mean, second.std),
            _ => (self.mean, self.std),
        }
    }

    /// As sweeps take it.
    pub fn gaussian(&self) -> LevelGaussian {
        match self.second {
            None => LevelGaussian::One { mean: self.mean, std: self.std },
            Some(SecondChannel { mean, std, correlation }) => {
                LevelGaussian::Two { mean: [self.mean, mean], std: [self.std, std], correlation }
            }
        }
    }
}

fn length([x, y]: [f64; 2]) -> f64 {
    libm::hypot(x, y)
}
