//! Voxels as (value, count), ascending: what the decisions of a chain of steps are made from. A step is a function of the value,
//! so a distribution goes through it without another look at the voxels.

use std::collections::BTreeMap;

use super::statistics::{self, compensated, interpolated};
use crate::volume::{Counts, Rescale};

/// The voxels of one value, or of one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The smallest value in it.
    pub low: f64,
    /// The value that stands for all: the value itself, or the middle of the bin.
    pub value: f64,
    /// The largest value in it.
    pub high: f64,
    /// Voxels.
    pub count: u64,
}

/// Values in ascending order, each with its voxels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distribution {
    entries: Vec<Entry>,
    step: Option<f64>,
}

impl Distribution {
    /// The real values of 8- and 16-bit voxels: exact.
    pub fn exact(groups: &[(Rescale, &Counts)]) -> Self {
        let entry = |(value, count)| Entry { low: value, value, high: value, count };
        let step = match groups {
            [(rescale, _)] => Some(rescale.slope.abs()),
            _ => None,
        };
        Self { entries: statistics::distribution(groups).into_iter().map(entry).collect(), step }
    }

    /// The real values of f32 voxels counted in bins between `edges`: exact to the width of a bin.
    pub fn binned(edges: &[f32], counts: &Counts, rescale: Rescale) -> Self {
        let last = counts.bins.len() - 1;
        let mut entries: Vec<Entry> = counts
            .bins
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(i, &count)| {
                // A bin ends before the next edge; the last one has its upper edge too.
                let ends = [edges[i], if i == last { edges[i + 1] } else { edges[i + 1].next_down() }];
                let [a, b] = ends.map(|e| rescale.real(f64::from(e)));
                Entry { low: a.min(b), value: f64::midpoint(a, b), high: a.max(b), count }
            })
            .collect();
        if rescale.slope < 0.0 {
            entries.reverse();
        }
        Self { entries, step: None }
    }

    /// Whether every entry is one value.
    pub fn is_exact(&self) -> bool {
        self.entries.iter().all(|e| e.low == e.high)
    }

    /// For figures: (value, count) in bins of even width, about `bins` of them over the values between which all but a thousandth of the
    /// voxels lie, and that width. The voxels of an entry are spread evenly over it. None without voxels.
    pub fn even(&self, bins: usize) -> Option<(Vec<(f64, u64)>, f64)> {
        let most = self.percentiles(&[0.05, 99.95])?;
        let (low, high) = self.ends()?;
        let span = if most[1] > most[0] { most[1] - most[0] } else { high - low };
        if span <= 0.0 {
            return Some((vec![(low, self.total())], 1.0));
        }
        let width = span / bins as f64;
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for e in &self.entries {
            let place = |x: f64| (x - most[0]) / width;
            let (from, to) = (place(e.low), place(e.high));
            if to - from < 1e-9 || to - from > 4.0 * bins as f64 {
                *counts.entry(place(e.value).floor() as i64).or_default() += e.count;
                continue;
            }
            // By differences of rounded sums, so that no voxel is lost.
            let below = |x: f64| (e.count as f64 * ((x - from) / (to - from)).clamp(0.0, 1.0)).round() as u64;
            for bin in from.floor() as i64..=to.floor() as i64 {
                let n = below(bin as f64 + 1.0) - below(bin as f64);
                if n > 0 {
                    *counts.entry(bin).or_default() += n;
                }
            }
        }
        Some((counts.into_iter().map(|(bin, n)| (most[0] + (bin as f64 + 0.5) * width, n)).collect(), width))
    }

    /// After a function that nowhere rises, or nowhere falls; any function will do if this is exact.
    #[must_use]
    pub fn through(&self, f: impl Fn(f64) -> f64) -> Self {
        let mut entries: Vec<Entry> = self
            .entries
            .iter()
            .map(|e| {
                let [a, b] = [e.low, e.high].map(&f);
                Entry { low: a.min(b), value: if e.low == e.high { a } else { f(e.value) }, high: a.max(b), count: e.count }
            })
            .collect();
        if entries.first().zip(entries.last()).is_some_and(|(a, b)| a.value > b.value) {
            entries.reverse();
        }
        if !entries.is_sorted_by(|a, b| a.value <= b.value) {
            entries.sort_by(|a, b| a.value.total_cmp(&b.value));
        }
        entries.dedup_by(|next, kept| {
            let same = next.low == next.high && kept.low == next.low && kept.high == next.high;
            if same {
                kept.count += next.count;
            }
            same
        });
        Self { entries, step: None }
    }

    /// Only what lies from `low` to `high`, both included.
    #[must_use]
    pub fn within(&self, low: f64, high: f64) -> Self {
        let entries = self.entries.iter().filter(|e| e.low >= low && e.high <= high).copied().collect();
        Self { entries, step: self.step }
    }

    /// The entries, ascending.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What all values are whole multiples of, one more or less apart, counted from any of them; none if that is not known.
    pub fn step(&self) -> Option<f64> {
        self.step
    }

    /// Voxels.
    pub fn total(&self) -> u64 {
        self.entries.iter().map(|e| e.count).sum()
    }

    /// The smallest and the largest value; none without voxels.
    pub fn ends(&self) -> Option<(f64, f64)> {
        Some((self.entries.first()?.low, self.entries.last()?.high))
    }

    /// Mean and population standard deviation; none without voxels.
    pub fn mean_std(&self) -> Option<(f64, f64)> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let mean = compensated(self.entries.iter().map(|e| e.value * e.count as f64)) / total as f64;
        let square = |v: f64| (v - mean) * (v - mean);
        let variance = compensated(self.entries.iter().map(|e| square(e.value) * e.count as f64)) / total as f64;
        Some((mean, variance.sqrt()))
    }

    /// Percentiles (0 to 100), interpolated linearly as numpy's default; none without voxels.
    pub fn percentiles(&self, percents: &[f64]) -> Option<Vec<f64>> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let mut sum = 0;
        let cumulative: Vec<u64> = self
            .entries
            .iter()
            .map(|e| {
                sum += e.count;
                sum
            })
            .collect();
        let at = |rank: u64| self.entries[cumulative.partition_point(|c| *c <= rank)].value;
        Some(percents.iter().map(|p| interpolated(total, *p, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Dtype;

    #[test]
    fn even_bins_spread_uneven_ones_and_lose_no_voxel() {
        let edges = [0.0, 1.0, 1.5, 4.0, 1e6];
        let counts = Counts { bins: vec![1000, 700, 2500, 1], ..Counts::binned(Dtype::F32, 4) };
        let d = Distribution::binned(&edges, &counts, Rescale::IDENTITY);
        let (pairs, width) = d.even(40).unwrap();
        assert_eq!(pairs.iter().map(|p| p.1).sum::<u64>(), 4201);
        let density = |at: f64| pairs.iter().find(|p| (p.0 - at).abs() <= width / 2.0).map_or(0.0, |p| p.1 as f64 / width);
        for (at, want) in [(0.5, 1000.0), (1.25, 1400.0), (3.0, 1000.0)] {
            assert!((density(at) - want).abs() < 0.05 * want, "{} at {at}", density(at));
        }
        assert!(Distribution::default().even(40).is_none());
    }

    #[test]
    fn five_voxels_by_hand() {
        let mut counts = Counts::exact(Dtype::U8);
        for v in [1, 2, 2, 4, 11] {
            counts.bins[v] += 1;
        }
        let d = Distribution::exact(&[(Rescale { slope: -1.0, intercept: 0.0 }, &counts)]);
        assert_eq!((d.total(), d.ends(), d.step()), (5, Some((-11.0, -1.0)), Some(1.0)));
        let (mean, std) = d.mean_std().unwrap();
        assert!((mean + 4.0).abs() < 1e-15 && (std - 13.2f64.sqrt()).abs() < 1e-15);
        let clipped = d.through(|v| v.clamp(-4.0, -2.0));
        assert_eq!(clipped.entries().iter().map(|e| (e.value, e.count)).collect::<Vec<_>>(), [(-4.0, 2), (-2.0, 3)]);
        let back = d.through(|v| -v);
        assert_eq!(back.percentiles(&[0.0, 25.0, 50.0, 100.0]).unwrap(), [1.0, 2.0, 2.0, 11.0]);
        assert_eq!(Distribution::default().mean_std(), None);
    }

    #[test]
    fn bins_know_their_ends() {
        let mut counts = Counts::binned(Dtype::F32, 2);
        counts.bins = vec![3, 4];
        let d = Distribution::binned(&[0.0, 1.0, 3.0], &counts, Rescale { slope: 2.0, intercept: 0.0 });
        assert_eq!(d.entries()[0].high, 2.0 * f64::from(1.0f32.next_down()));
        assert_eq!(d.ends(), Some((0.0, 6.0)));
        let d = Distribution::binned(&[0.0, 1.0, 3.0], &counts, Rescale { slope: -1.0, intercept: 0.0 });
        assert_eq!(d.entries()[0], Entry { low: -3.0, value: -2.0, high: -1.0, count: 4 });
    }
}
