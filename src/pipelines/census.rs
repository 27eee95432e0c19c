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
