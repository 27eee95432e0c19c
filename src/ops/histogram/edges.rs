//! Bin edges for f32 voxels, as numbers and as integer keys.

use crate::{Error, Result};

/// The N + 1 ascending edges of N bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Edges {
    values: Vec<f32>,
    keys: Vec<u32>,
    /// Bins per unit of value if the edges are evenly spaced: a first guess, never the answer.
    per_unit: f64,
}

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
        Ok(Self { values, keys, per_unit })
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
        let place = (f64::from(x) - f64::from(self.values[0])) * self.per_unit - 0.5;
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

/// On which side of all bins a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    Below,
    Above,
}

/// The bits of an f32 that is not NaN as an integer that sorts alike; -0 and +0 are one.
#[inline]
pub(crate) fn order_key(bits: u32) -> u32 {
    let bits = if bits & 0x7fff_ffff == 0 { 0 } else { bits };
    // All bits of a negative number turn over, of others the sign.
    bits ^ ((bits as i32 >> 31) as u32 | 0x8000_0000)
}
