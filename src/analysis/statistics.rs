//! Statistics of voxels from exact histograms.
//!
//! Population variance (ddof 0), percentiles interpolated linearly as numpy's default, entropy in bits over occupied stored values.
//! With one rescale, mean and variance come from exact integer sums, so the only rounding is that of the results.

use crate::volume::{Counts, Rescale};

/// The percentiles reported.
pub const PERCENTILES: [u8; 6] = [1, 5, 25, 75, 95, 99];

/// Statistics in real units.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Voxels that took part.
    pub count: u64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// 50th percentile.
    pub median: f64,
    /// Population variance.
    pub variance: f64,
    /// Square root of the variance.
    pub std: f64,
    /// The percentiles in [`PERCENTILES`].
    pub percentiles: [f64; 6],
    /// Shannon entropy of the stored values in bits; none where values are not counted one by one (floats).
    pub entropy_bits: Option<f64>,
}

/// Statistics of voxels given as one histogram for each rescale; none if no voxel is counted.
pub fn of(groups: &[(Rescale, &Counts)]) -> Option<Statistics> {
    let values = distribution(groups);
    let count: u64 = values.iter().map(|(_, n)| n).sum();
    let (mean, variance) = match groups {
        [] => return None,
        [(rescale, counts)] => {
            let (mean, variance) = moments(counts)?;
            (rescale.real(mean), rescale.slope * rescale.slope * variance)
        }
        _ => {
            // In ascending order of values with compensation (Neumaier 1974): the same on every host.
            let mean = compensated(values.iter().map(|(v, n)| v * *n as f64)) / count as f64;
            let square = |v: f64| (v - mean) * (v - mean);
            (mean, compensated(values.iter().map(|(v, n)| square(*v) * *n as f64)) / count as f64)
        }
    };
    let (min, max) = (values.first()?.0, values.last()?.0);
    let quantile = Quantiles::new(&values);
    Some(Statistics {
        count,
        min,
        max,
        mean,
        median: quantile.percentile(50.0),
        variance,
        std: variance.sqrt(),
        percentiles: PERCENTILES.map(|p| quantile.percentile(f64::from(p))),
        entropy_bits: Some(entropy(groups, count)),
    })
}

/// All voxels as (real value, count), ascending, each value once.
pub fn distribution(groups: &[(Rescale, &Counts)]) -> Vec<(f64, u64)> {
    let mut values: Vec<(f64, u64)> =
        groups.iter().flat_map(|(r, c)| c.occupied().map(|(v, n)| (r.real(f64::from(v)), n))).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    values
}

/// Percentiles of a distribution.
#[derive(Debug)]
pub struct Quantiles<'a> {
    values: &'a [(f64, u64)],
    cumulative: Vec<u64>,
}

impl<'a> Quantiles<'a> {
    /// Of (value, count), ascending, at least one.
    pub fn new(values: &'a [(f64, u64)]) -> Self {
        let cumulative = values
            .iter()
            .scan(0, |sum, (_, n)| {
                *sum += n;
                Some(*sum)
            })
            .collect();
        Self { values, cumulative }
    }

    /// The value at `percent` (0 to 100) of the sorted voxels, interpolated linearly between neighbours.
    pub fn percentile(&self, percent: f64) -> f64 {
        let count = self.cumulative.last().copied().unwrap_or(0);
        interpolated(count, percent, |rank| self.at(rank))
    }

    fn at(&self, rank: u64) -> f64 {
        self.values[self.cumulative.partition_point(|c| *c <= rank)].0
    }
}

/// numpy's linear interpolation: the value at `percent` of `count` sorted values, of which `at` gives the one of a rank.
pub fn interpolated(count: u64, percent: f64, at: impl Fn(u64) -> f64) -> f64 {
    let place = (count - 1) as f64 * percent / 100.0;
    let rank = (place.floor() as u64).min(count - 1);
    let part = place - rank as f64;
    let (low, high) = (at(rank), at((rank + 1).min(count - 1)));
    // From the nearer end, as numpy does.
    if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) }
}

/// Mean and population variance of stored values, each rounded once from an exact fraction.
fn moments(counts: &Counts) -> Option<(f64, f64)> {
    let (mut n, mut sum, mut squares) = (0u128, 0i128, 0u128);
    for (value, count) in counts.occupied() {
        n += u128::from(count);
        sum += i128::from(value) * i128::from(count);
        squares += u128::from(value.unsigned_abs()).pow(2) * u128::from(count);
    }
    if n == 0 {
        return None;
    }
    let mean = sum as f64 / n as f64;
    // n · Σx² - (Σx)² fits 128 bits up to 2⁴⁸ voxels of 16 bits.
    let spread = n * squares - sum.unsigned_abs().pow(2);
    Some((mean, spread as f64 / n as f64 / n as f64))
}

fn entropy(groups: &[(Rescale, &Counts)], count: u64) -> f64 {
    let mut merged: Option<Counts> = None;
    for (_, counts) in groups {
        match &mut merged {
            Some(m) => m.merge(counts),
            None => merged = Some((*counts).clone()),
        }
    }
    let parts = merged.iter().flat_map(|m| m.bins.iter()).filter(|n| **n > 0).map(|n| *n as f64 / count as f64);
    // + 0 turns the -0 of a constant image into 0.
    -compensated(parts.map(|p| p * libm::log2(p))) + 0.0
}

/// A sum in which rounding errors are carried along (Neumaier 1974).
pub(super) fn compensated(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for term in terms {
        let next = sum + term;
        lost += if sum.abs() >= term.abs() { (sum - next) + term } else { (term - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Dtype;

    fn counts(values: &[i16]) -> Counts {
        let mut c = Counts::exact(Dtype::I16);
        for v in values {
            c.bins[(i32::from(*v) + 32_768) as usize] += 1;
        }
        c
    }

    #[test]
    fn five_numbers_by_hand() {
        // 1 2 2 4 11: mean 4, variance (9 + 4 + 4 + 0 + 49) / 5; the 25th percentile is rank 1, the 95th lies 0.8 from 4 to 11.
        let c = counts(&[4, 2, 11, 1, 2]);
        let s = of(&[(Rescale::IDENTITY, &c)]).unwrap();
        assert_eq!((s.count, s.min, s.max, s.mean, s.median, s.variance), (5, 1.0, 11.0, 4.0, 2.0, 13.2));
        assert_eq!(s.percentiles[2], 2.0);
        assert!((s.percentiles[4] - 9.6).abs() < 1e-12);
        let expected = -(3.0 * 0.2 * 0.2f64.log2() + 0.4 * 0.4f64.log2());
        assert!((s.entropy_bits.unwrap() - expected).abs() < 1e-14);
    }

    #[test]
    fn a_negative_slope_swaps_the_ends() {
        let c = counts(&[1, 2, 4]);
        let s = of(&[(Rescale { slope: -2.0, intercept: 1.0 }, &c)]).unwrap();
        assert_eq!((s.min, s.max, s.median), (-7.0, -1.0, -3.0));
        assert!((s.mean - (1.0 - 14.0 / 3.0)).abs() < 1e-15);
    }

    #[test]
    fn two_rescales_give_what_their_merged_values_give() {
        let (a, b) = (counts(&[1, 2, 3]), counts(&[10, 30]));
        let two = of(&[(Rescale::IDENTITY, &a), (Rescale { slope: 0.1, intercept: 0.0 }, &b)]).unwrap();
        let one = of(&[(Rescale::IDENTITY, &counts(&[1, 2, 3, 1, 3]))]).unwrap();
        assert_eq!((two.min, two.max, two.median, two.mean), (one.min, one.max, one.median, one.mean));
        assert!((two.variance - one.variance).abs() < 1e-15);
    }

    #[test]
    fn nothing_counted_is_no_statistics_and_a_constant_has_no_entropy() {
        assert_eq!(of(&[(Rescale::IDENTITY, &Counts::exact(Dtype::U8))]), None);
        let s = of(&[(Rescale::IDENTITY, &counts(&[7, 7]))]).unwrap();
        assert_eq!((s.variance, s.entropy_bits, s.percentiles), (0.0, Some(0.0), [7.0; 6]));
        assert!(s.entropy_bits.unwrap().is_sign_positive());
    }
}
