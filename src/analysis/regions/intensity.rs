//! The intensities of a region.

use crate::analysis::statistics::{Quantiles, compensated};

/// IBSI's intensity-based statistics (section 3.3) in real units, and three features of the histogram of the values as they are. Percentiles are interpolated linearly, as numpy's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntensityFeatures {
    /// Voxels.
    pub count: u64,
    pub mean: f64,
    /// Over n, as IBSI has it.
    pub variance: f64,
    /// Fisher's; 0 where all values are the same.
    pub skewness: f64,
    /// Excess kurtosis, 0 for a Gaussian (pyradiomics adds 3); 0 where all values are the same.
    pub kurtosis: f64,
    pub median: f64,
    pub min: f64,
    /// 10th percentile.
    pub p10: f64,
    /// 90th percentile.
    pub p90: f64,
    pub max: f64,
    /// From the 25th to the 75th percentile.
    pub iqr: f64,
    pub range: f64,
    /// Mean absolute deviation from the mean.
    pub mad: f64,
    /// The same of the values from the 10th to the 90th percentile, from their own mean.
    pub robust_mad: f64,
    /// Mean absolute deviation from the median.
    pub median_ad: f64,
    /// Coefficient of variation; none where the mean is 0.
    pub cov: Option<f64>,
    /// Quartile coefficient of dispersion; none where both quartiles sum to 0.
    pub qcod: Option<f64>,
    /// Sum of squares.
    pub energy: f64,
    /// Root of the mean square.
    pub rms: f64,
    /// Bits, over the values that occur.
    pub entropy: f64,
    /// Sum of the squares of the shares of the values.
    pub uniformity: f64,
    /// The value that most voxels have; of several the least.
    pub mode: f64,
}

impl IntensityFeatures {
    /// Of values in ascending order with how many voxels have each; none without voxels. Sums are compensated (Neumaier 1974), and the same on every host.
    pub fn of(values: &[(f64, u64)]) -> Option<Self> {
        let count: u64 = values.iter().map(|(_, n)| n).sum();
        let (&(min, _), &(max, _)) = (values.first()?, values.last()?);
        let n = count as f64;
        let mean_of = |f: &dyn Fn(f64) -> f64| compensated(values.iter().map(|(v, n)| f(*v) * *n as f64)) / n;
        let mean = mean_of(&|v| v);
        let central = |power: i32| mean_of(&|v| (v - mean).powi(power));
        let variance = central(2);
        let flat = min == max;
        let quantiles = Quantiles::new(values);
        let [p10, p25, median, p75, p90] = [10.0, 25.0, 50.0, 75.0, 90.0].map(|p| quantiles.percentile(p));
        let kept: Vec<(f64, u64)> = values.iter().copied().filter(|(v, _)| (p10..=p90).contains(v)).collect();
        let few = kept.iter().map(|(_, n)| n).sum::<u64>() as f64;
        let kept_mean = compensated(kept.iter().map(|(v, n)| v * *n as f64)) / few;
        let robust_mad = compensated(kept.iter().map(|(v, n)| (v - kept_mean).abs() * *n as f64)) / few;
        let energy = compensated(values.iter().map(|(v, n)| v * v * *n as f64));
        let share = |count: &u64| *count as f64 / n;
        let most = values.iter().map(|(_, n)| *n).max()?;
        Some(Self {
            count,
            mean,
            variance,
            skewness: if flat { 0.0 } else { central(3) / variance.powf(1.5) },
            kurtosis: if flat { 0.0 } else { central(4) / (variance * variance) - 3.0 },
            median,
            min,
            p10,
            p90,
            max,
            iqr: p75 - p25,
            range: max - min,
            mad: mean_of(&|v| (v - mean).abs()),
            robust_mad,
            median_ad: mean_of(&|v| (v - median).abs()),
            cov: (mean != 0.0).then(|| variance.sqrt() / mean),
            qcod: (p75 + p25 != 0.0).then(|| (p75 - p25) / (p75 + p25)),
            energy,
            rms: (energy / n).sqrt(),
            entropy: compensated(values.iter().map(|(_, n)| -share(n) * share(n).log2())).max(0.0),
            uniformity: compensated(values.iter().map(|(_, n)| share(n) * share(n))),
            mode: values.iter().find(|(_, n)| *n == most)?.0,
        })
    }
}
