//! The mean of a box of voxels around each: `floor((2 Σ + n) / 2n)` of the sum of the n voxels.
//!
//! - **Input**: integers of 8 and 16 bits, or [levels](super::whole); a reach in voxels along x, y and z.
//! - **Output**: voxels of the same type; geometry and rescale unchanged.
//! - **Border**: beyond the ends of the input its outermost voxels go on, and count as often as they occur; other rules come by [`extend`](super::extend).
//! - **NaN/Inf**: a window that holds a NaN gives the canonical NaN. Levels have no infinities.
//! - **Exactness**: Exact: the whole sum, rounded once, halves up.
//! - **Cost**: CPU: about four additions along each axis, whatever the reach, and a multiplication. GPU: three passes that each read (2 reach + 1) voxels, most
//!   of them from a cache.
//! - **Errors**: a reach of more than [`MAX_REACH`], or of 0 along all axes. `cpu` panics at a box that is not inside the input, or an input or output of another length.
//! - **Agrees with**: `scipy.ndimage.uniform_filter` on float64 with `mode="nearest"`, rounded. On integers SciPy truncates after every axis, and SimpleITK's
//!   `BoxMean` truncates, and takes smaller windows at the border.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode, scratch};

use super::rank::MAX_REACH;
use crate::{Error, Result};

/// A box of voxels whose mean is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanBox {
    reach: [u32; 3],
}

impl MeanBox {
    /// One that goes so many voxels from its centre, along x, y and z.
    ///
    /// # Errors
    /// [`Error::Usage`] if a reach is above [`MAX_REACH`], or all are 0.
    pub fn new(reach: [u32; 3]) -> Result<Self> {
        if reach == [0; 3] || reach.iter().any(|r| *r > MAX_REACH) {
            let hint = format!("give a reach from 1 to {MAX_REACH} voxels");
            return Err(Error::usage(format!("the mean within {reach:?} voxels"), hint));
        }
        Ok(Self { reach })
    }

    /// Voxels on each side along x, y and z.
    pub fn reach(self) -> [u32; 3] {
        self.reach
    }

    /// Voxels in all.
    pub fn count(self) -> u32 {
        self.reach.iter().map(|r| 2 * r + 1).product()
    }
}
