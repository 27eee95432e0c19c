//! The affine map from stored values to real ones.

/// real = slope · stored + intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Real units per stored step; finite and not zero.
    pub slope: f64,
    /// Real value of stored 0; finite.
    pub intercept: f64,
}

impl Rescale {
    /// Stored values are the real ones.
    pub const IDENTITY: Self = Self { slope: 1.0, intercept: 0.0 };

    /// The real value of a stored one.
    pub fn real(self, stored: f64) -> f64 {
        self.slope * stored + self.intercept
    }

    /// The stored value, not rounded, of a real one.
    pub fn stored(self, real: f64) -> f64 {
        (real - self.intercept) / self.slope
    }
}

/// One rescale for all voxels, or one for each slice (PET, some MR).
#[derive(Debug, Clone, PartialEq)]
pub enum Rescales {
    /// The same everywhere.
    Uniform(Rescale),
    /// One per slice; a slice is a run of `shape.x() * shape.y()` voxels, slices counted through all volumes.
    PerSlice(Vec<Rescale>),
}

impl Rescales {
    /// The distinct rescales in order of first appearance, and for each slice which of them holds (one entry, 0, if uniform).
    pub fn distinct(&self) -> (Vec<Rescale>, Vec<usize>) {
        match self {
            Self::Uniform(r) => (vec![*r], vec![0]),
            Self::PerSlice(all) => {
                let mut distinct: Vec<Rescale> = Vec::new();
                let of_slice = all
                    .iter()
                    .map(|r| {
                        distinct.iter().position(|d| d == r).unwrap_or_else(|| {
                            distinct.push(*r);
                            distinct.len() - 1
                        })
                    })
                    .collect();
                (distinct, of_slice)
            }
        }
    }

    /// The rescale of a slice, counted through all volumes.
    pub fn of_slice(&self, slice: u64) -> Rescale {
        match self {
            Self::Uniform(r) => *r,
            // A header with fewer rescales than slices is no header that a reader gives.
            Self::PerSlice(all) => all.get(slice as usize).copied().unwrap_or(Rescale::IDENTITY),
        }
    }

    /// The one rescale, if all slices share it.
    pub fn uniform(&self) -> Option<Rescale> {
        match self.distinct().0.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}
