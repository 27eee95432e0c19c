//! Otsu's thresholds for two to five classes: the exact maximum of the between-class variance over all voxels.
//!
//! With N and S the voxels and the sum of values of a run of neighbouring values, the best classes maximise the sum of S² / N over the
//! classes. The spread within a run, Σ x² - S² / N, obeys the quadrangle inequality: spread(a, c) + spread(b, d) ≤ spread(a, d) +
//! spread(b, c) for a ≤ b ≤ c ≤ d, because a value added to a run costs the more the further the run reaches beyond it. So where the
//! best first cut of all values from `i` on lies never moves down as `i` moves up, and each layer of the dynamic programme takes
//! n log n steps by divide and conquer (Grønlund et al. 2017) instead of n². N and S come from exact integer prefix sums.

use super::distribution::Distribution;
use crate::{Error, Hint, Result};

/// Most classes.
pub const MOST_CLASSES: usize = 5;

/// EntrySums of values (counted from their mean) stay below this.
const LARGEST_SUM: f64 = (1u64 << 62) as f64;

/// Levels to which values that are not evenly spaced are rounded before they are summed.
const LEVELS: f64 = (1u64 << 24) as f64;

/// Two sums of S² / N closer than this, relative to the best, are a tie: some ten times their rounding.
const TIE: f64 = 1e-14;

/// The thresholds found.
#[derive(Debug, Clone, PartialEq)]
pub struct Otsu {
    /// Ascending; class = number of thresholds t with value > t. Each is a value that occurs (for bins the largest in its bin).
    pub thresholds: Vec<f64>,
    /// The share of the variance that lies between the classes, 0 to 1.
    pub separability: f64,
}

/// The thresholds between `classes` classes with the largest between-class variance; of several such, the lowest, the first threshold first.
///
/// # Errors
/// [`Error::Usage`] unless there are 2 to 5 classes and as many distinct values or more.
pub fn otsu(values: &Distribution, classes: usize) -> Result<Otsu> {
    if !(2..=MOST_CLASSES).contains(&classes) {
        return Err(Error::usage(format!("{classes} classes"), format!("give 2 to {MOST_CLASSES}")));
    }
    let entries = values.entries();
    if entries.len() < classes {
        let distinct = match entries.len() {
            0 => "no voxel counts".to_owned(),
            1 => format!("all voxels that count hold one value, {}", entries[0].value),
            n => format!("the voxels that count hold only {n} distinct values"),
        };
        return Err(Error::usage(format!("{distinct}: that makes no {classes} classes"), Hint::GiveThresholds));
    }
    let sums = EntrySums::new(values)?;
    let cuts = sums.best_cuts(classes);
    let ends: Vec<usize> = cuts.iter().copied().chain([entries.len()]).collect();
    let mut from = 0;
    let between: f64 = ends.iter().map(|&to| sums.gain(std::mem::replace(&mut from, to), to)).sum();
    Ok(Otsu {
        thresholds: cuts.iter().map(|c| entries[c - 1].high).collect(),
        separability: ((between - sums.gain(0, entries.len())) / sums.spread).clamp(0.0, 1.0),
    })
}

/// Prefix sums over the entries: exact integers.
struct EntrySums {
    voxels: Vec<u64>,
    sums: Vec<i64>,
    /// Sum of squared distances from the mean.
    spread: f64,
}

impl EntrySums {
    fn new(values: &Distribution) -> Result<Self> {
        let entries = values.entries();
        let first = entries[0].value;
        let unit = match values.step() {
            Some(step) => step,
            None => (entries[entries.len() - 1].value - first) / LEVELS,
        };
        let scores: Vec<f64> = entries.iter().map(|e| ((e.value - first) / unit).round()).collect();
        let weighted: f64 = entries.iter().zip(&scores).map(|(e, s)| s * e.count as f64).sum();
        if weighted >= LARGEST_SUM {
            return Err(Error::usage("too many voxels for exact sums", "take fewer volumes at a time"));
        }
        // From near the mean, so that large equal parts do not hide small differences.
        let middle = (weighted / values.total() as f64).round();
        let (mut voxels, mut sums, mut spread) = (vec![0], vec![0], 0.0);
        let (mut n, mut s) = (0, 0);
        for (entry, score) in entries.iter().zip(scores) {
            let score = score - middle;
            n += entry.count;
            s += score as i64 * entry.count as i64;
            spread += score * score * entry.count as f64;
            voxels.push(n);
            sums.push(s);
        }
        let all = Self { voxels, sums, spread: 0.0 };
        let spread = spread - all.gain(0, entries.len());
        Ok(Self { spread, ..all })
    }

    /// S² / N of the entries from … to.
    fn gain(&self, from: usize, to: usize) -> f64 {
        let s = (self.sums[to] - self.sums[from]) as f64;
        s * s / (self.voxels[to] - self.voxels[from]) as f64
    }

    /// Where each class but the first begins.
    fn best_cuts(&self, classes: usize) -> Vec<usize> {
        let n = self.voxels.len() - 1;
        // tails[j][i]: the best sum for the entries from i on in j + 1 classes.
        let mut tails: Vec<Vec<f64>> = vec![(0..n).map(|i| self.gain(i, n)).collect()];
        for j in 1..classes - 1 {
            let mut layer = vec![f64::NEG_INFINITY; n];
            self.layer(&tails[j - 1], &mut layer, 0..n - j, (1, n - j));
            tails.push(layer);
        }
        let mut from = 0;
        (0..classes - 1)
            .rev()
            .map(|j| {
                let sum = |cut: usize| self.gain(from, cut) + tails[j][cut];
                let candidates = from + 1..n - j;
                let best = candidates.clone().map(sum).fold(f64::NEG_INFINITY, f64::max);
                from = candidates.into_iter().find(|c| sum(*c) >= best - TIE * best.abs()).unwrap_or(from + 1);
                from
            })
            .collect()
    }

    /// Fills `layer[rows]` with the best of gain(i, cut) + tail[cut]; the best cuts lie from `cuts.0` to `cuts.1`.
    fn layer(&self, tail: &[f64], layer: &mut [f64], rows: std::ops::Range<usize>, cuts: (usize, usize)) {
        if rows.is_empty() {
            return;
        }
        let row = usize::midpoint(rows.start, rows.end - 1);
        let first = cuts.0.max(row + 1);
        let (mut best, mut at) = (f64::NEG_INFINITY, first);
        for (cut, rest) in (first..).zip(&tail[first..=cuts.1]) {
            let sum = self.gain(row, cut) + rest;
            if sum > best {
                (best, at) = (sum, cut);
            }
        }
        layer[row] = best;
        self.layer(tail, layer, rows.start..row, (cuts.0, at));
        self.layer(tail, layer, row + 1..rows.end, (at, cuts.1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::noise;
    use crate::volume::{Counts, Dtype, Rescale};

    fn distribution(pairs: &[(usize, u64)], rescale: Rescale) -> Distribution {
        let mut counts = Counts::exact(Dtype::U16);
        pairs.iter().for_each(|(v, n)| counts.bins[*v] = *n);
        Distribution::exact(&[(rescale, &counts)])
    }

    /// Σ S² / N of all ways to cut, compared as exact fractions; the lowest cuts of the best.
    fn exhaustive(pairs: &[(usize, u64)], classes: usize) -> Vec<f64> {
        let n = pairs.len();
        let mut best: Option<((i128, i128), Vec<usize>)> = None;
        let mut cuts: Vec<usize> = (1..classes).collect();
        loop {
            let ends: Vec<usize> = [0].into_iter().chain(cuts.iter().copied()).chain([n]).collect();
            let sums = ends.windows(2).map(|w| {
                let part = &pairs[w[0]..w[1]];
                let s: i128 = part.iter().map(|(v, c)| *v as i128 * i128::from(*c)).sum();
                (s * s, part.iter().map(|(_, c)| i128::from(*c)).sum::<i128>())
            });
            let (a, b) = sums.fold((0, 1), |(a, b), (c, d)| (a * d + c * b, b * d));
            if best.as_ref().is_none_or(|((c, d), _)| a * d > c * b) {
                best = Some(((a, b), cuts.clone()));
            }
            // The next cuts in lexicographic order.
            let Some(i) = (0..cuts.len()).rev().find(|i| cuts[*i] < n - (cuts.len() - i)) else { break };
            cuts[i] += 1;
            (i + 1..cuts.len()).for_each(|j| cuts[j] = cuts[j - 1] + 1);
        }
        best.unwrap().1.iter().map(|c| pairs[c - 1].0 as f64).collect()
    }

    #[test]
    fn worked_by_hand() {
        // 0 0 0 10 10 50: cut after 10: S² / N = 20² / 5 + 50² = 2580; after 0: 0 + 70² / 3 = 1633.
        let o = otsu(&distribution(&[(0, 3), (10, 2), (50, 1)], Rescale::IDENTITY), 2).unwrap();
        assert_eq!(o.thresholds, [10.0]);
        // Variance 10/6 · 10 ...: Σx² - S²/n = 2700 - 70²/6, of which 2580 - 70²/6 lies between.
        assert!((o.separability - (2580.0 - 4900.0 / 6.0) / (2700.0 - 4900.0 / 6.0)).abs() < 1e-12);
        // As many values as classes: each its own.
        let o = otsu(&distribution(&[(0, 3), (10, 2), (50, 1)], Rescale::IDENTITY), 3).unwrap();
        assert_eq!((o.thresholds, o.separability), (vec![0.0, 10.0], 1.0));
    }

    #[test]
    fn ties_take_the_lowest_and_gaps_their_lower_end() {
        assert_eq!(otsu(&distribution(&[(0, 1), (1, 2), (2, 1)], Rescale::IDENTITY), 2).unwrap().thresholds, [0.0]);
        assert_eq!(otsu(&distribution(&[(7, 5), (900, 5)], Rescale::IDENTITY), 2).unwrap().thresholds, [7.0]);
        let even: Vec<(usize, u64)> = (0..9).map(|v| (v * 7, 3)).collect();
        for classes in 2..=5 {
            let got = otsu(&distribution(&even, Rescale::IDENTITY), classes).unwrap().thresholds;
            assert_eq!(got, exhaustive(&even, classes), "{classes}");
        }
    }

    #[test]
    fn equal_to_exhaustive_search() {
        for seed in 0..400u64 {
            let r = |i: u64, n: u64| noise(seed * 1000 + i) % n;
            let mut values: Vec<usize> =
                (0..5 + r(0, 14)).map(|i| r(i + 1, [12, 40, 900][(seed % 3) as usize]) as usize).collect();
            values.sort_unstable();
            values.dedup();
            // Few different counts make ties.
            let pairs: Vec<(usize, u64)> = values
                .iter()
                .enumerate()
                .map(|(i, v)| (*v, 1 + r(100 + i as u64, [2, 9, 60][(seed / 3 % 3) as usize])))
                .collect();
            for classes in 2..=5.min(pairs.len()) {
                let got = otsu(&distribution(&pairs, Rescale::IDENTITY), classes).unwrap().thresholds;
                assert_eq!(got, exhaustive(&pairs, classes), "{pairs:?} {classes}");
            }
        }
    }

    #[test]
    fn thresholds_are_real_values_whatever_the_rescale() {
        let pairs = [(3, 9), (4, 9), (20, 9), (22, 9), (70, 9)];
        let ct = Rescale { slope: 0.3, intercept: -1024.0 };
        assert_eq!(otsu(&distribution(&pairs, ct), 3).unwrap().thresholds, [4.0, 22.0].map(|v| ct.real(v)));
        let falling = Rescale { slope: -2.0, intercept: 1.0 };
        assert_eq!(otsu(&distribution(&pairs, falling), 3).unwrap().thresholds, [70.0, 20.0].map(|v| falling.real(v)));
    }

    #[test]
    fn values_off_any_grid_are_cut_too() {
        let d = distribution(&[(0, 3), (10, 2), (50, 1)], Rescale::IDENTITY).through(|v| libm::exp(-v / 100.0));
        assert_eq!(otsu(&d, 2).unwrap().thresholds, [libm::exp(-0.5)]);
    }

    #[test]
    fn what_cannot_be_cut_says_so() {
        let one = distribution(&[(7, 100)], Rescale::IDENTITY);
        assert!(otsu(&one, 2).unwrap_err().to_string().contains("one value, 7"));
        let three = distribution(&[(7, 100), (8, 1), (9, 1)], Rescale::IDENTITY);
        assert!(otsu(&three, 4).unwrap_err().to_string().contains("3 distinct"));
        for classes in [0, 1, 6] {
            assert!(otsu(&three, classes).is_err());
        }
        assert!(otsu(&Distribution::default(), 2).is_err());
    }

    #[test]
    fn all_values_of_16_bits_take_milliseconds() {
        let pairs: Vec<(usize, u64)> = (0..65_536).map(|v| (v, 1 + noise(v as u64) % 1000)).collect();
        let d = distribution(&pairs, Rescale::IDENTITY);
        for classes in 2..=5 {
            let start = std::time::Instant::now();
            let o = otsu(&d, classes).unwrap();
            eprintln!("{classes} classes over 65,536 values: {:?}, {:?}", start.elapsed(), o.thresholds);
            // Near even parts of a near even distribution.
            for (i, t) in o.thresholds.iter().enumerate() {
                let even = 65_536.0 * (i + 1) as f64 / classes as f64;
                assert!((t - even).abs() < 600.0, "{t} {even}");
            }
        }
    }
}
