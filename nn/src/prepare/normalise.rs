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

/// What is taken from a value, what it is divided by, and how far from 0 results may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    centre: f64,
    half: f64,
    bound: f64,
}

impl Scale {
    /// Normalises values. Those of an image of a single value become 0.
    pub fn apply(&self, values: &mut [f32]) {
        let Self { centre, half, bound } = *self;
        let flat = half <= 1e-12 * centre.abs().max(1e-30);
        for value in values {
            *value = if flat { 0.0 } else { ((f64::from(*value) - centre) / half).clamp(-bound, bound) as f32 };
        }
    }
}

/// Shows all values in their order, some at a time.
pub type Visit<'a, E> = dyn FnMut(&mut dyn FnMut(&[f32])) -> Result<(), E> + 'a;

impl Normalise {
    /// Normalises an image or a volume. One of a single value becomes 0.
    pub fn apply(&self, values: &mut [f32]) {
        let all: &[f32] = values;
        let scale = self.scale(&mut |see| {
            see(all);
            Ok::<_, std::convert::Infallible>(())
        });
        let Ok(scale) = scale;
        scale.apply(values);
    }

    /// What it measures values by. They are visited once or twice, and never held.
    ///
    /// # Errors
    /// What a visit gives.
    pub fn scale<E>(&self, visit: &mut Visit<'_, E>) -> Result<Scale, E> {
        let between = |low: f64, high: f64| Scale { centre: f64::midpoint(low, high), half: (high - low) / 2.0, bound: 1.0 };
        match *self {
            Self::ZScore => {
                let (mut n, mut sum) = (0, 0.0);
                visit(&mut |values| {
                    n += values.len();
                    values.iter().for_each(|v| sum += f64::from(*v));
                })?;
                let mean = sum / n.max(1) as f64;
                let mut squares = 0.0;
                visit(&mut |values| values.iter().for_each(|v| squares += (f64::from(*v) - mean).powi(2)))?;
                Ok(Scale { centre: mean, half: (squares / n.max(1) as f64).sqrt(), bound: f64::INFINITY })
            }
            Self::Percentiles { low, high } => {
                let [low, high] = percentiles([low, high], visit)?;
                Ok(between(low, high))
            }
            Self::Range { low, high } => Ok(between(low, high)),
        }
    }
}

/// Whole numbers in the order of the values.
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn of_key(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// The values of these percentiles, of the nearest rank: counted by the upper half of their keys, then by the lower.
fn percentiles<E>(percents: [f64; 2], visit: &mut Visit<'_, E>) -> Result<[f64; 2], E> {
    const HALF: usize = 1 << 16;
    let mut upper = vec![0_u64; HALF];
    visit(&mut |values| values.iter().for_each(|v| upper[(key(*v) >> 16) as usize] += 1))?;
    let n: u64 = upper.iter().sum();
    if n == 0 {
        return Ok([0.0; 2]);
    }
    /// In which bin a rank lies, and its rank there.
    fn find(counts: &[u64], mut rank: u64) -> (u32, u64) {
        let bin = counts.iter().position(|count| {
            let here = rank < *count;
            rank -= if here { 0 } else { *count };
            here
        });
        (bin.unwrap_or(counts.len() - 1) as u32, rank)
    }
    let wanted = percents.map(|percent| find(&upper, ((n - 1) as f64 * percent / 100.0).round() as u64));
    let mut lower = [vec![0_u64; HALF], vec![0_u64; HALF]];
    visit(&mut |values| {
        for key in values.iter().map(|v| key(*v)) {
            for (counts, (bin, _)) in lower.iter_mut().zip(&wanted) {
                if key >> 16 == *bin {
                    counts[(key & 0xffff) as usize] += 1;
                }
            }
        }
    })?;
    let value = |i: usize| f64::from(of_key(wanted[i].0 << 16 | find(&lower[i], wanted[i].1).0));
    Ok([value(0), value(1)])
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
        let mut negative = [-3.0, 7.5, -1e-3, 0.0, 2.0];
        assert_eq!(
            percentiles([0.0, 100.0], &mut |see| {
                negative.chunks(2).for_each(&mut *see);
                Ok::<_, ()>(())
            }),
            Ok([-3.0, 7.5])
        );
        negative.sort_by(f32::total_cmp);
        for (i, value) in negative.iter().enumerate() {
            let percent = 25.0 * i as f64;
            let found = percentiles([percent; 2], &mut |see| {
                negative.chunks(3).for_each(&mut *see);
                Ok::<_, ()>(())
            });
            assert_eq!(found, Ok([f64::from(*value); 2]));
        }
        for bad in ["", "zscore:1:2", "range:3:1", "percentiles:-1:50", "percentiles:1:101", "range:0:inf", "other"] {
            assert!(bad.parse::<Normalise>().is_err(), "{bad}");
        }
    }
}
