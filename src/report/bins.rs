//! From an exact histogram to the bins that are drawn.

/// At most so many bars.
const MOST: f64 = 256.0;
/// No fewer than so many if values lie far apart.
const FEWEST: f64 = 40.0;

/// What is drawn: bars of equal width, each a whole number of stored values wide, so that no bar holds more values than its
/// neighbours by chance (the comb that careless binning draws).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BarBins {
    /// Left edge of the first bar.
    pub low: f64,
    /// Width of a bar, in real units.
    pub width: f64,
    /// Share of all voxels in each bar.
    pub shares: Vec<f64>,
    /// Share of voxels left and right of what is drawn.
    pub beyond: [f64; 2],
    /// Cumulative share at each bar's right edge.
    pub cumulative: Vec<f64>,
    /// The value that the axis shows as the top; bars may be higher.
    pub top: f64,
}

impl BarBins {
    /// BarBins for the occupied `values` (ascending, with counts), which lie `step` apart or a multiple of it.
    pub fn new(values: &[(f64, u64)], step: f64) -> Self {
        let total = values.iter().map(|v| v.1).sum::<u64>().max(1) as f64;
        let Some((low, high)) = shown(values, total) else {
            return Self { low: 0.0, width: 1.0, shares: vec![0.0], beyond: [0.0; 2], cumulative: vec![0.0], top: 1.0 };
        };
        let step = coarsest(values, step);
        let steps = ((high - low) / step).round() + 1.0;
        let mut per_bar = (steps / MOST).ceil().max(1.0);
        let apart = gap(values) / step;
        if per_bar > 1.0 && apart > 1.5 {
            // Values far apart (16-bit results of few levels): one level or two in a bar would look like a comb.
            per_bar = per_bar.max((4.0 * apart).round().min((steps / FEWEST).floor()));
        }
        // As many bars, made as narrow as that allows: the last one is all but full.
        let count = (steps / per_bar).ceil();
        per_bar = (steps / count).ceil();
        let (left, width) = (low - step / 2.0, step * per_bar);
        let count = (steps / per_bar).ceil() as usize;
        let mut shares = vec![0.0; count];
        let mut beyond = [0.0; 2];
        for &(value, n) in values {
            let share = n as f64 / total;
            // Half a step stands between a value and the edges: rounding cannot move it to another bar.
            let bar = ((value - left) / width).floor();
            match bar {
                b if b < 0.0 => beyond[0] += share,
                b if b >= count as f64 => beyond[1] += share,
                b => shares[b as usize] += share,
            }
        }
        let mut sum = beyond[0];
        let cumulative = shares
            .iter()
            .map(|s| {
                sum += s;
                sum.min(1.0)
            })
            .collect();
        let top = top(&shares);
        Self { low: left, width, shares, beyond, cumulative, top }
    }

    /// Right edge of the last bar.
    pub fn high(&self) -> f64 {
        self.low + self.width * self.shares.len() as f64
    }

    /// Runs of neighbouring bars that are higher than the axis: first bar, one past the last, share of voxels in them.
    pub fn clipped(&self) -> Vec<(usize, usize, f64)> {
        let mut runs: Vec<(usize, usize, f64)> = Vec::new();
        for (i, &share) in self.shares.iter().enumerate().filter(|(_, s)| **s > self.top) {
            match runs.last_mut() {
                Some(run) if run.1 == i => *run = (run.0, i + 1, run.2 + share),
                _ => runs.push((i, i + 1, share)),
            }
        }
        runs
    }
}

/// The range to draw: everything, unless a few voxels (one in two thousand at each end) stretch it to more than twice what
/// the others need.
fn shown(values: &[(f64, u64)], total: f64) -> Option<(f64, f64)> {
    let (min, max) = (values.first()?.0, values.last()?.0);
    let limit = total / 2000.0;
    let rank = |mut each: Box<dyn Iterator<Item = &(f64, u64)> + '_>| {
        let mut sum = 0.0;
        each.find(|v| {
            sum += v.1 as f64;
            sum > limit
        })
        .map(|v| v.0)
    };
    let (low, high) = (rank(Box::new(values.iter()))?, rank(Box::new(values.iter().rev()))?);
    let margin = (high - low) * 0.08;
    if high > low && (high - low + 2.0 * margin) * 2.0 < max - min {
        // The ends stay on the grid of values, so that bars do.
        let first = values.iter().map(|v| v.0).find(|&v| v >= low - margin);
        let last = values.iter().rev().map(|v| v.0).find(|&v| v <= high + margin);
        return Some((first.unwrap_or(min), last.unwrap_or(max)));
    }
    Some((min, max))
}

/// The distance to the value before that three of four voxels keep at most, of those that have one before.
fn gap(values: &[(f64, u64)]) -> f64 {
    let total = values.iter().skip(1).map(|v| v.1).sum::<u64>() as f64;
    let mut gaps: Vec<(f64, u64)> = values.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1)).collect();
    gaps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let wide = gaps.iter().find(|g| {
        sum += g.1 as f64;
        sum >= 0.75 * total
    });
    wide.map_or(0.0, |g| g.0)
}

/// The widest step that all values lie on: files whose values are all multiples of 4 have bars 4 wide.
fn coarsest(values: &[(f64, u64)], step: f64) -> f64 {
    let step = if step.is_finite() && step > 0.0 { step } else { 1.0 };
    let mut divisor = 0u64;
    for pair in values.windows(2) {
        let steps = (pair[1].0 - pair[0].0) / step;
        if (steps - steps.round()).abs() > 1e-3 || steps > 1e15 {
            return step; // values of several rescales, not on one grid
        }
        let (mut a, mut b) = (divisor, steps.round() as u64);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        divisor = a;
    }
    step * divisor.max(1) as f64
}

/// Bars that a spike has at most; what is wider is a hill.
const SPIKE: usize = 3;

/// The height of the axis: the highest bar, unless it is a spike or hill of its own (air, padding) four times as high as all others;
/// then those decide. Up to three may be cut, hills only while a quarter of the voxels is left to look at.
fn top(shares: &[f64]) -> f64 {
    let mut rest = shares.to_vec();
    let highest =
        |rest: &[f64]| rest.iter().copied().enumerate().fold((0, 0.0), |best, (i, s)| if s > best.1 { (i, s) } else { best });
    let mut peak = highest(&rest);
    for _ in 0..3 {
        let hill = peak.1;
        let mut wide = 0;
        for side in [-1isize, 1] {
            // Down the hill's side until it is low, or clearly rises again.
            let (mut at, mut lowest) = (peak.0 as isize, hill);
            while let Some(&s) = usize::try_from(at).ok().and_then(|i| rest.get(i)) {
                if s < hill * 0.02 || s > lowest * 1.5 {
                    break;
                }
                lowest = lowest.min(s);
                at += side;
            }
            let (from, to) = if side < 0 { (at + 1, peak.0 as isize) } else { (peak.0 as isize, at) };
            let side = &mut rest[from.max(0) as usize..to.max(0) as usize];
            wide += side.len();
            side.fill(0.0);
        }
        rest[peak.0] = 0.0;
        let next = highest(&rest);
        // What is left must be worth looking at.
        let least = if wide <= SPIKE { 0.01 } else { 0.25 };
        if hill < 4.0 * next.1 || rest.iter().sum::<f64>() < least {
            break;
        }
        peak = next;
    }
    if peak.1 > 0.0 { peak.1 * 1.08 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bar_each() {
        let bins = BarBins::new(&[(0.0, 1), (1.0, 2), (3.0, 1)], 1.0);
        assert_eq!((bins.low, bins.width, bins.high()), (-0.5, 1.0, 3.5));
        assert_eq!(bins.shares, [0.25, 0.5, 0.0, 0.25]);
        assert_eq!(bins.cumulative, [0.25, 0.75, 0.75, 1.0]);
    }

    #[test]
    fn a_flat_histogram_is_flat_whatever_its_length() {
        for n in [255, 256, 257, 300, 1000, 4096, 65_536] {
            let values: Vec<(f64, u64)> = (0..n).map(|i| (f64::from(i) * 0.3 - 17.0, 5)).collect();
            let bins = BarBins::new(&values, 0.3);
            assert!(bins.shares.len() <= 256, "{n}");
            let inner = &bins.shares[..bins.shares.len() - 1];
            assert!(inner.iter().all(|s| (s - inner[0]).abs() < 1e-12), "{n}");
            assert!((bins.cumulative.last().unwrap() - 1.0).abs() < 1e-9);
            assert!(bins.shares.len() >= 128, "{n}");
        }
    }

    #[test]
    fn few_levels_of_a_wide_type_make_no_comb() {
        let mut noise = crate::report::tests::Noise(3);
        let values: Vec<(f64, u64)> = (0..400).map(|i| ((i * 160 + noise.below(40)) as f64, 160)).collect();
        let bins = BarBins::new(&values, 1.0);
        let inner = &bins.shares[1..bins.shares.len() - 1];
        let (least, most) = inner.iter().fold((1.0f64, 0.0f64), |(a, b), &s| (a.min(s), b.max(s)));
        assert!(most < 1.7 * least, "{least} to {most}");
        // Where each value has its bar, gaps are in the data and are shown.
        assert_eq!(BarBins::new(&[(0.0, 1), (2.0, 1), (5.0, 1), (255.0, 1)], 1.0).width, 1.0);
    }

    #[test]
    fn multiples_of_four_make_no_comb() {
        let values: Vec<(f64, u64)> = (0..100).map(|i| (f64::from(i) * 4.0, 5)).collect();
        let bins = BarBins::new(&values, 1.0);
        assert_eq!((bins.width, bins.shares.len()), (4.0, 100));
    }

    #[test]
    fn a_spike_of_air_does_not_flatten_the_rest() {
        let mut values: Vec<(f64, u64)> = (0..200).map(|i| (f64::from(i), 100 + (i % 50) as u64)).collect();
        values[0].1 = 1_000_000;
        let bins = BarBins::new(&values, 1.0);
        assert_eq!(bins.clipped().len(), 1);
        assert_eq!((bins.clipped()[0].0, bins.clipped()[0].1), (0, 1));
        assert!(bins.clipped()[0].2 > 0.97 && bins.top < 2e-4);
        values[0].1 = 300;
        assert!(BarBins::new(&values, 1.0).clipped().is_empty());
    }

    #[test]
    fn a_few_outliers_do_not_stretch_the_axis() {
        let mut values: Vec<(f64, u64)> = (0..1000).map(|i| (f64::from(i), 100)).collect();
        values.push((30_000.0, 1));
        let bins = BarBins::new(&values, 1.0);
        assert!(bins.high() < 1200.0, "{}", bins.high());
        assert!((bins.beyond[1] - 1.0 / 100_001.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_counted_is_an_empty_plot() {
        let bins = BarBins::new(&[], 1.0);
        assert!(bins.top > 0.0 && bins.high() > bins.low);
        let one = BarBins::new(&[(7.0, 3)], 1.0);
        assert_eq!((one.low, one.high(), one.shares[0]), (6.5, 7.5, 1.0));
    }
}
