//! The functions that steps are made of: plain numbers, no statistics left to take.

use crate::analysis::distribution::Distribution;
use crate::analysis::equalization;
use crate::analysis::windows;
use crate::volume::{Rescale, VoiLut, Window};

/// A function of one real value that nowhere rises, or nowhere falls; except display tables, which may do both on whole numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Function {
    Affine(Rescale),
    Window(Window),
    Lut(VoiLut),
    /// `low` to 0 and `high` to 1; beyond them the same.
    Spread {
        low: f64,
        high: f64,
    },
    Standard {
        mean: f64,
        std: f64,
    },
    Clip {
        low: f64,
        high: f64,
    },
    Gamma {
        low: f64,
        high: f64,
        exponent: f64,
    },
    Ranks(Ranks),
    /// The number of these, ascending, that lie below.
    Classes(Vec<f64>),
}

impl Function {
    /// Equalisation of these voxels, of which two values or more are held.
    pub fn ranks(input: &Distribution) -> Self {
        let least = input.entries().first().map_or(0, |e| e.count);
        let mut sum = 0;
        let steps = input.entries().iter().map(|e| {
            sum += e.count;
            (e.low, sum - least)
        });
        let (lows, ranks): (Vec<f64>, Vec<u64>) = steps.unzip();
        // One bin of many values is all: each value has rank 0 of 1.
        Self::Ranks(Ranks { lows, ranks, divisor: (sum - least).max(1) })
    }

    pub fn apply(&self, x: f64) -> f64 {
        match self {
            Self::Affine(r) => r.real(x),
            Self::Window(w) => windows::fraction(w, x),
            Self::Lut(lut) => windows::looked_up(lut, x),
            Self::Spread { low, high } => ((x - low) / (high - low)).clamp(0.0, 1.0),
            Self::Standard { mean, std } => (x - mean) / std,
            Self::Clip { low, high } => x.clamp(*low, *high),
            Self::Gamma { low, high, exponent } => {
                let part = ((x - low) / (high - low)).clamp(0.0, 1.0);
                low + (high - low) * libm::pow(part, *exponent)
            }
            Self::Ranks(r) => r.rank(x) as f64 / r.divisor as f64,
            Self::Classes(thresholds) => thresholds.partition_point(|t| x > *t) as f64,
        }
    }

    /// Where it bends or jumps.
    pub fn breaks(&self) -> Vec<f64> {
        match self {
            Self::Affine(_) | Self::Standard { .. } => vec![],
            Self::Window(w) => windows::ends(w).map_or(vec![w.center], |(left, right)| vec![left, right]),
            Self::Lut(lut) => windows::jumps(lut),
            Self::Spread { low, high } | Self::Clip { low, high } | Self::Gamma { low, high, .. } => vec![*low, *high],
            Self::Ranks(r) => r.lows.clone(),
            Self::Classes(thresholds) => thresholds.clone(),
        }
    }
}

/// How many voxels lie at or below a value, less those of the lowest value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranks {
    /// The least value of each entry, ascending.
    lows: Vec<f64>,
    ranks: Vec<u64>,
    divisor: u64,
}

impl Ranks {
    fn rank(&self, x: f64) -> u64 {
        match self.lows.partition_point(|low| *low <= x) {
            0 => 0,
            n => self.ranks[n - 1],
        }
    }

    /// The share of voxels as one of `top` + 1 levels.
    pub fn level(&self, x: f64, top: u64) -> u64 {
        equalization::rounded(self.rank(x), top, self.divisor)
    }
}
