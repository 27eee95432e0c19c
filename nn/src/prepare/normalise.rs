//! Intensities as a network takes them: around 0, a few units wide.

use serde::{Deserialize, Serialize};

/// What the intensities of an image are measured by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Normalise {
    /// Less the mean, over the standard deviation, of the image itself: neither brightness nor contrast is left.
    ZScore,
    /// From one percentile of the image to another, -1 to 1; beyond is cut off.
    Percentiles {
        /// The lower, from 0 to 100.
        low: f64,
        /// The upper.
        high: f64,
    },
    /// From one real value to another, such as Hounsfield units, -1 to 1; beyond is cut off.
    Range {
        /// The lower.
        low: f64,
        /// The upper.
        high: f64,
    },
}

impl Normalise {
    /// Normalises an image or a volume. One of a single value becomes 0.
    pub fn apply(&self, values: &mut [f32]) {
        let (centre, half, bound) = match *self {
            Self::ZScore => {
                let n = values.len().max(1) as f64;
                let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
                (mean, variance.sqrt(), f64::INFINITY)
            }
            Self::Percentiles { low, high } => {
                let mut sorted = values.to_vec();
                sorted.sort_by(f32::total_cmp);
                let at = |percent: f64| f64::from(sorted[((sorted.len() - 1) as f64 * percent / 100.0).round() as usize]);
                let (low, high) = if sorted.is_empty() { (0.0, 0.0) } else { (at(low), at(high)) };
                (f64::midpoint(low, high), (high - low) / 2.0, 1.0)
            }
            Self::Range { low, high } => (f64::midpoint(low, high), (high - low) / 2.0, 1.0),
        };
        let flat = half <= 1e-12 * centre.abs().max(1e-30);
        for value in values {
            *value = if flat { 0.0 } else { ((f64::from(*value) - centre) / half).clamp(-bound, bound) as f32 };
        }
    }
}

impl std::str::FromStr for Normalise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is none of zscore, percentiles:LOW:HIGH and range:LOW:HIGH");
        let parts: Vec<&str> = text.split(':').collect();
        let numbers = || {
            let [_, low, high] = parts.as_slice() else { return Err(wrong()) };
            let (low, high) = (low.parse::<f64>().map_err(|_| wrong())?, high.parse::<f64>().map_err(|_| wrong())?);
            if low < high && low.is_finite() && high.is_finite() { Ok((low, high)) } else { Err(wrong()) }
        };
        match parts[0] {
            "zscore" if parts.len() == 1 => Ok(Self::ZScore),
            "percentiles" => match numbers()? {
                (low, high) if low >= 0.0 && high <= 100.0 => Ok(Self::Percentiles { low, high }),
                _ => Err(wrong()),
            },
            "range" => numbers().map(|(low, high)| Self::Range { low, high }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, mut values: Vec<f32>) -> Vec<f32> {
        text.parse::<Normalise>().unwrap().apply(&mut values);
        values
    }

    #[test]
    fn each_way_by_hand() {
        assert_eq!(of("zscore", vec![1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(of("zscore", vec![5.0; 3]), [0.0; 3]);
        assert_eq!(of("range:-100:300", vec![-500.0, 100.0, 200.0]), [-1.0, 0.0, 0.5]);
        assert_eq!(of("percentiles:0:75", vec![0.0, 1.0, 2.0, 3.0, 900.0]), [-1.0, -1.0 / 3.0, 1.0 / 3.0, 1.0, 1.0]);
        for bad in ["", "zscore:1:2", "range:3:1", "percentiles:-1:50", "percentiles:1:101", "range:0:inf", "other"] {
            assert!(bad.parse::<Normalise>().is_err(), "{bad}");
        }
    }
}
