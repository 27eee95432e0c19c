//! Bin edges for f32 voxels, as numbers and as integer keys.

use crate::volume::keys::order_key;
use crate::{Error, Result};

/// The N + 1 ascending edges of N bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Edges {
    values: Vec<f32>,
    keys: Vec<u32>,
    guess: Guess,
}

/// Where to look first for the bin of a value: a matter of speed, never of the answer.
#[derive(Debug, Clone, PartialEq)]
enum Guess {
    /// Edges are evenly spaced: bins per unit of value.
    Even(f64),
    /// They are not: the first bin of each run of keys that share their upper half, and the last bin behind them.
    Runs(Vec<u32>),
}

/// Even edges that lie further than this from their place make guesses too poor.
const NEAR: usize = 2;

impl Edges {
    /// `bins` bins of even width from `low` to `high`; edge `i` is `low + (high - low) * i / bins` in f64, rounded once.
    ///
    /// # Errors
    /// [`Error::Usage`] unless `low < high`, both are finite, there are 1 to 65,536 bins, and f32 tells the edges apart.
    pub fn uniform(low: f32, high: f32, bins: usize) -> Result<Self> {
        let (a, b) = (f64::from(low), f64::from(high));
        Self::new((0..=bins).map(|i| if i == bins { high } else { (a + (b - a) * i as f64 / bins as f64) as f32 }).collect())
    }

    /// These edges.
    ///
    /// # Errors
    /// [`Error::Usage`] unless they are finite and ascend strictly, and there are 2 to 65,537 of them.
    pub fn new(values: Vec<f32>) -> Result<Self> {
        let bad = |what: &str| Err(Error::usage(what, "give finite, strictly ascending edges of 1 to 65,536 bins"));
        if values.len() < 2 || values.len() > 65_537 {
            return bad("the number of bins is out of range");
        }
        if values.iter().any(|v| !v.is_finite()) {
            return bad("a bin edge is not finite");
        }
        let keys: Vec<u32> = values.iter().map(|v| order_key(v.to_bits())).collect();
        if keys.windows(2).any(|pair| pair[0] >= pair[1]) {
            return bad("bin edges do not ascend");
        }
        let bins = values.len() - 1;
        let per_unit = bins as f64 / (f64::from(values[bins]) - f64::from(values[0]));
        let place = |v: f32| ((f64::from(v) - f64::from(values[0])) * per_unit).round() as usize;
        let even = values.iter().enumerate().all(|(i, v)| place(*v).abs_diff(i) <= NEAR);
        let guess = if even { Guess::Even(per_unit) } else { Guess::Runs(runs(&keys)) };
        Ok(Self { values, keys, guess })
    }

    /// A bin for each f32 from `low` to `high`, where these are few (at most 256): exact. None where they are more.
    ///
    /// # Errors
    /// [`Error::Usage`] if `low <= high` does not hold, or `high` is the largest f32.
    pub fn of_each(low: f32, high: f32) -> Result<Option<Self>> {
        const FEW: u32 = 256;
        let (first, last) = (order_key(low.to_bits()), order_key(high.to_bits()));
        if last.saturating_sub(first) >= FEW {
            return Ok(None);
        }
        // -0 is +0.
        let values = (first..=last).filter(|key| *key != order_key(0) - 1).map(of_key).chain([high.next_up()]);
        Self::new(values.collect()).map(Some)
    }

    /// Edges at every 65,536th f32 from `low` to `high`, and at the two: 128 bins between a power of two and the next.
    ///
    /// # Errors
    /// [`Error::Usage`] if `low < high` does not hold.
    pub fn by_magnitude(low: f32, high: f32) -> Result<Self> {
        let (first, last) = (order_key(low.to_bits()), order_key(high.to_bits()));
        let between = (first / RUN + 1..last.div_ceil(RUN)).map(|run| of_key(run * RUN));
        Self::new([low].into_iter().chain(between).chain([high]).collect())
    }

    /// At most 65,536 bins that follow the voxels counted in `rough`: half of them of even width, the others in its bins by the square root
    /// of their counts. So a few extreme values do not leave all others in one bin, and no bin is wider than two of even width.
    ///
    /// # Errors
    /// [`Error::Usage`] never, but for what [`Edges::new`] refuses.
    pub fn following(rough: &Self, counts: &[u64]) -> Result<Self> {
        const HALF: usize = 32_767;
        let (low, high) = (rough.values[0], rough.values[rough.bins()]);
        let mut keys = Self::at_most(low, high, HALF)?.keys;
        let share = |n: u64| (n as f64).sqrt();
        let all: f64 = counts.iter().map(|n| share(*n)).sum();
        for (ends, n) in rough.keys.windows(2).zip(counts) {
            let parts = (HALF as f64 * share(*n) / all) as u64;
            let step = |i: u64| ends[0] + (u64::from(ends[1] - ends[0]) * i / (parts + 1)) as u32;
            keys.extend((1..=parts).map(step));
        }
        keys.sort_unstable();
        keys.dedup();
        // -0 is +0.
        keys.retain(|key| *key != order_key(0) - 1);
        Self::new(keys.into_iter().map(of_key).collect())
    }

    /// The fewest steps from these f32 neighbours on: as many bins as asked for, or fewer where f32 cannot tell more apart.
    ///
    /// # Errors
    /// [`Error::Usage`] if `low < high` does not hold.
    pub fn at_most(low: f32, high: f32, bins: usize) -> Result<Self> {
        let mut n = bins.clamp(1, 65_536);
        loop {
            match Self::uniform(low, high, n) {
                Err(_) if n > 1 => n /= 2,
                result => return result,
            }
        }
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.values.len() - 1
    }

    /// The edges.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The edges as keys that sort as the numbers do.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }

    /// The bin of a value that is not NaN: below the first edge `Err(Below)`, above the last `Err(Above)`.
    #[inline]
    pub(crate) fn bin(&self, x: f32) -> Result<usize, Outside> {
        let key = order_key(x.to_bits());
        let last = self.bins();
        if key < self.keys[0] {
            return Err(Outside::Below);
        }
        if key > self.keys[last] {
            return Err(Outside::Above);
        }
        // Guess in floats, decide in integers. Added to 2⁵², a number below 2³² leaves its whole part in the low bits (rounded, hence
        // less a half): a third of the work of a conversion that must saturate.
        let per_unit = match &self.guess {
            Guess::Even(per_unit) => per_unit,
            Guess::Runs(starts) => {
                let run = (key / RUN - self.keys[0] / RUN) as usize;
                let (from, to) = (starts[run] as usize, starts[run + 1] as usize);
                return Ok((from + self.keys[from..=to].partition_point(|edge| *edge <= key)).saturating_sub(1).min(last - 1));
            }
        };
        let place = (f64::from(x) - f64::from(self.values[0])) * per_unit - 0.5;
        let place = if place > 0.0 { place } else { 0.0 };
        let guess = (place + (1u64 << 52) as f64).to_bits() as u32 as usize;
        let mut bin = guess.min(last - 1);
        while key < self.keys[bin] {
            bin -= 1;
        }
        while bin + 1 < last && key >= self.keys[bin + 1] {
            bin += 1;
        }
        Ok(bin)
    }
}

/// Neighbouring f32 that share the upper half of their keys.
const RUN: u32 = 1 << 16;

/// For each run of keys from that of the first edge on: the bin in which it begins; then that of the last edge.
fn runs(keys: &[u32]) -> Vec<u32> {
    let (first, last) = (keys[0] / RUN, keys[keys.len() - 1] / RUN);
    let begins = (first..=last).map(|run| keys.partition_point(|key| *key <= run * RUN).saturating_sub(1) as u32);
    begins.chain([keys.len() as u32 - 1]).collect()
}

/// The number of a key.
fn of_key(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}

/// On which side of all bins a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    Below,
    Above,
}
