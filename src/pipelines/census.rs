//! What one look at all voxels of a wide type says: how they can be counted.

use crate::volume::Dtype;

/// What one look at all voxels says of a wide type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Census {
    /// Smallest finite stored value; +∞ if there is none.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// All voxels are whole numbers: no NaN, no infinity, no fraction.
    pub whole: bool,
    /// Voxels that are NaN or infinite.
    pub not_finite: u64,
    /// What float32 does to them.
    pub rounding: Rounding,
}

/// What a type loses as float32, before anything is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rounding {
    /// Some finite value is no float32.
    pub lossy: bool,
    /// Neighbouring voxels, taken in pairs, that differ and of which float32 rounds one at least.
    pub pairs: u64,
    /// Those among them that become the same.
    pub merged: u64,
}

impl Rounding {
    /// Of both parts of a volume.
    pub(super) fn and(self, other: Self) -> Self {
        Self { lossy: self.lossy || other.lossy, pairs: self.pairs + other.pairs, merged: self.merged + other.merged }
    }

    /// Looks at a block of a wide type.
    pub(super) fn see(&mut self, dtype: Dtype, bytes: &[u8]) {
        // An f64 beyond 2⁵³ may have been rounded itself, from a 64-bit integer.
        let whole = if matches!(dtype, Dtype::I64 | Dtype::U64) { (1u64 << 53) as f64 } else { f64::INFINITY };
        let rounds = |value: f64| value.is_finite() && (f64::from(value as f32) != value || value.abs() >= whole);
        for pair in bytes.chunks(2 * dtype.bytes()) {
            let (a, b) = pair.split_at(dtype.bytes());
            // The last of an odd number has no partner.
            let (x, y) = (dtype.decode(a), if b.is_empty() { f64::NAN } else { dtype.decode(b) });
            if rounds(x) || rounds(y) {
                self.lossy = true;
                self.pairs += u64::from(a != b && y.is_finite() && x.is_finite());
                self.merged += u64::from(a != b && x as f32 == y as f32);
            }
        }
    }
}

impl Census {
    #[inline]
    pub(super) fn see(&mut self, value: f64) {
        if !value.is_finite() {
            self.not_finite += 1;
            self.whole = false;
            return;
        }
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
        // From 2⁵² on there are no fractions. (`trunc` is a call on CPUs that may lack the instruction.)
        self.whole &= value as i64 as f64 == value || value.abs() >= (1u64 << 52) as f64;
    }

    /// What nothing was seen of.
    pub(super) const NOTHING: Self = Self {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        whole: true,
        not_finite: 0,
        rounding: Rounding { lossy: false, pairs: 0, merged: 0 },
    };

    /// Of both parts of a volume.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            whole: self.whole && other.whole,
            not_finite: self.not_finite + other.not_finite,
            rounding: self.rounding.and(other.rounding),
        }
    }

    /// How values that are no float32 become some with the least loss: what to subtract first, and what to divide by then, a power of two. Values that
    /// lie further from 0 than from each other are counted from the least of them; those of sizes that float32 does not know, or hardly, in
    /// another unit.
    pub fn frame(&self) -> (f64, f64) {
        const FAR: f64 = 2.0;
        const SIZES: f64 = 100.0;
        let largest = self.min.abs().max(self.max.abs());
        if !self.rounding.lossy || self.min >= self.max {
            return (0.0, 1.0);
        }
        let offset = if largest > FAR * (self.max - self.min) { self.min } else { 0.0 };
        let place = libm::log2((self.min - offset).abs().max((self.max - offset).abs())).floor();
        (offset, if place.abs() > SIZES { libm::exp2(place) } else { 1.0 })
    }

    /// The same census of values in that frame.
    #[must_use]
    pub(super) fn within(self, (offset, scale): (f64, f64)) -> Self {
        Self { min: (self.min - offset) / scale, max: (self.max - offset) / scale, ..self }
    }

    /// The 16-bit type that holds all voxels, and what to subtract first; none if there is no such type.
    pub fn narrow(&self) -> Option<(Dtype, f64)> {
        let within = |low: f64, high: f64| self.min >= low && self.max <= high;
        // Beyond 2⁵³ an f64 no longer tells neighbouring integers apart.
        if !self.whole || !within(-9e15, 9e15) {
            None
        } else if within(-32_768.0, 32_767.0) {
            Some((Dtype::I16, 0.0))
        } else if within(0.0, 65_535.0) {
            Some((Dtype::U16, 0.0))
        } else if self.max - self.min <= 65_535.0 {
            Some((Dtype::U16, self.min))
        } else {
            None
        }
    }
}
