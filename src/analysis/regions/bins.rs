//! Bins of one width, in which the values of a region are put before their histogram is looked at.

use std::str::FromStr;

use super::IntensityFeatures;
use crate::analysis::statistics::compensated;

/// How wide bins are, and where one begins.
///
/// IBSI's fixed bin size (section 2.7) begins at the least value of the region; pyradiomics' bins begin at multiples of the width, which is an origin of 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinWidth {
    width: f64,
    /// In real units; none: the least value.
    origin: Option<f64>,
}

impl FromStr for BinWidth {
    type Err = String;

    /// `25`, or with an origin `25:0`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| word.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let (width, origin) = text.split_once(':').map_or((text, None), |(width, origin)| (width, Some(origin)));
        let wrong =
            || format!("{text:?} is no width of bins: give it in the image's unit, as 25, or as 25:0 with bins from 0 on");
        let width = number(width).filter(|width| *width > 0.0).ok_or_else(wrong)?;
        Ok(Self { width, origin: origin.map(|origin| number(origin).ok_or_else(wrong)).transpose()? })
    }
}

impl IntensityFeatures {
    /// With entropy, uniformity and mode of bins instead of values: the mode is the middle of its bin. `values` are those of which the features are.
    #[must_use]
    pub fn binned(mut self, values: &[(f64, u64)], bins: BinWidth) -> Self {
        let origin = bins.origin.unwrap_or(self.min);
        let bin = |value: f64| ((value - origin) / bins.width).floor();
        let counts: Vec<(f64, u64)> = values
            .chunk_by(|a, b| bin(a.0) == bin(b.0))
            .map(|same| (bin(same[0].0), same.iter().map(|(_, n)| n).sum()))
            .collect();
        let share = |n: u64| n as f64 / self.count as f64;
        self.entropy = compensated(counts.iter().map(|(_, n)| -share(*n) * share(*n).log2())).max(0.0);
        self.uniformity = compensated(counts.iter().map(|(_, n)| share(*n) * share(*n)));
        let most = counts.iter().map(|(_, n)| *n).max().unwrap_or(0);
        if let Some((bin, _)) = counts.iter().find(|(_, n)| *n == most) {
            self.mode = origin + (bin + 0.5) * bins.width;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_begin_at_the_least_value_or_where_they_are_told_to() {
        // From 3: 3 4 5 | 6 8 with width 3. From 0: 3 4 5 | 6 8 as well; from 1: 3 | 4 5 6 | 8.
        let values = [(3.0, 1), (4.0, 2), (5.0, 1), (6.0, 3), (8.0, 1)];
        let plain = IntensityFeatures::of(&values).unwrap();
        let of = |text: &str| plain.binned(&values, text.parse().unwrap());
        for text in ["3", "3:0", "3:-3"] {
            assert_eq!((of(text).entropy, of(text).uniformity, of(text).mode), (1.0, 0.5, 4.5), "{text}");
        }
        let shifted = of("3:1");
        assert_eq!((shifted.uniformity, shifted.mode), ((1.0 + 36.0 + 1.0) / 64.0, 5.5));
        assert_eq!(shifted.mean, plain.mean);
        for wrong in ["", "0", "-1", "a", "3:", "3:b", "inf"] {
            assert!(wrong.parse::<BinWidth>().is_err(), "{wrong}");
        }
    }
}
