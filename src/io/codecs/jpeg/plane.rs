//! The samples of one component.

use super::fault::ScanStop;
use super::frame::{JpegComponent, JpegFrame};
use super::idct;

/// Whole data units, row by row.
#[derive(Debug)]
pub(super) struct JpegPlane {
    pub(super) samples: Vec<u16>,
    pub(super) stride: usize,
    /// Bits of a sample.
    precision: u32,
}

impl JpegPlane {
    pub(super) fn new(frame: &JpegFrame, component: &JpegComponent) -> Self {
        let stride = component.padded.0 * frame.unit;
        Self { samples: vec![0; stride * component.padded.1 * frame.unit], stride, precision: frame.precision }
    }

    pub(super) fn row(&self, y: usize) -> &[u16] {
        &self.samples[y * self.stride..][..self.stride]
    }

    /// Fills block `x`, `y` with the samples of its dequantised coefficients, none of which behind place `last` of the zigzag order differs from zero.
    pub(super) fn set_block(&mut self, (x, y): (usize, usize), coefficients: &[i32; 64], last: usize) -> Result<(), ScanStop> {
        // No sample is further from the middle than half the range, and DC is their mean times 8. Twice that is no rounding.
        if coefficients[0].abs() > 8 << self.precision {
            return Err(ScanStop::Range);
        }
        let block =
            if self.precision > 8 { idct::inverse::<12>(coefficients, last) } else { idct::inverse::<8>(coefficients, last) };
        let first = y * 8 * self.stride + x * 8;
        for (i, row) in block.iter().enumerate() {
            self.samples[first + i * self.stride..][..8].copy_from_slice(row);
        }
        Ok(())
    }
}
