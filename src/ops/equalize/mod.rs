//! From cumulative counts to the table that equalises, on the device, for renderers that must not wait for the host.
//!
//! `entry(v) = round((c(v) - c_min) · top / (n - c_min))`, exact rational, ties to even: `c(v)` counts the voxels up to `v`
//! within the range that takes part and outside padding, `c_min` those of the lowest occupied value, `n` all of them. A constant
//! image keeps its values (clamped to the output).
//!
//! - **Input**: the cumulative counts of u8, i8, u16 or i16 voxels, total below 2³².
//! - **Output**: one u32 entry for each value, 0 to `top`; padding gets 0.
//! - **Exactness**: Exact, and the same as the host's decision, [`crate::analysis::equalization`].
//! - **Cost**: a few hundred integer operations a bin; at most 65,536 bins.
//! - **Errors**: a range or padding outside the type's bins.
//! - **Agrees with**: `cv2.equalizeHist` for u8, but for rare images where its f32 arithmetic is one level off.

mod case;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use gpu::{SHADER, encode};

use crate::analysis::equalization;
use crate::volume::{Counts, Dtype, Rescale, Table};

/// What takes part in an equalisation on the device, in stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Type of the voxels.
    pub from: Dtype,
    /// Type of the result: u8 or u16.
    pub to: Dtype,
    /// First and last stored value to equalise; values outside are clamped to the ends.
    pub range: (i32, i32),
    /// First and last stored value that mean "no data".
    pub padding: Option<(i32, i32)>,
}

impl Settings {
    /// All values, no padding, 8 bits to 8 bits and 16 bits to 16.
    pub fn of(from: Dtype) -> Self {
        let last = from.first() + from.values() as i32 - 1;
        let to = if from.bytes() == 1 { Dtype::U8 } else { Dtype::U16 };
        Self { from, to, range: (from.first(), last), padding: None }
    }

    /// The largest result.
    pub fn top(&self) -> u32 {
        self.to.values() as u32 - 1
    }
}

/// The same table on the host.
pub fn cpu(counts: &Counts, settings: &Settings) -> Table {
    let padding = settings.padding.map(|(low, high)| crate::volume::Padding { low: f64::from(low), high: f64::from(high) });
    let group = equalization::LevelGroup { rescale: Rescale::IDENTITY, counts, padding };
    let range = (f64::from(settings.range.0), f64::from(settings.range.1));
    equalization::decide(&[group], settings.to, Some(range)).tables.remove(0)
}
