//! Lossless scans (T.81 annex H): each sample is a prediction from its neighbours plus a difference, modulo 2^16.

use super::bits::BitReader;
use super::fault::{JpegFault, ScanStop};
use super::frame::JpegFrame;
use super::huffman::HuffmanTable;
use super::markers::JpegTables;
use super::plane::JpegPlane;
use super::scan::{DataUnits, JpegScan, differences};

/// The samples of one scan. Differences are gathered for a row of MCUs, then the predictions are added.
pub(super) struct Lossless<'a> {
    parts: Vec<LosslessPart<'a>>,
    predictor: usize,
    /// Bits that were shifted out before coding.
    shift: u32,
    /// Bits that were coded.
    bits: u32,
    /// The next row is the first one, or the first one after a restart.
    fresh: bool,
}

struct LosslessPart<'a> {
    table: &'a HuffmanTable,
    plane: JpegPlane,
    /// Rows of a row of MCUs.
    height: usize,
    columns: usize,
    rows: usize,
}

impl<'a> Lossless<'a> {
    pub(super) fn new(frame: &JpegFrame, scan: &JpegScan, tables: &'a JpegTables) -> Result<Self, JpegFault> {
        let shift = u32::from(scan.low);
        if !(1..=7).contains(&scan.first) || shift >= frame.precision {
            return Err(JpegFault::damaged("a scan header is damaged"));
        }
        let single = scan.parts.len() == 1;
        let across = if single { frame.components[scan.parts[0].component].units.0 } else { frame.mcus().0 };
        if !tables.restart.is_multiple_of(across) {
            return Err(JpegFault::unsupported("lossless JPEG that restarts within a row is not supported"));
        }
        let parts = scan.parts.iter().map(|p| {
            let component = &frame.components[p.component];
            Ok(LosslessPart {
                table: differences(&tables.dc, p.dc, 16)?,
                plane: JpegPlane::new(frame, component),
                height: if single { 1 } else { component.down },
                columns: component.columns,
                rows: component.rows,
            })
        });
        let (parts, bits) = (parts.collect::<Result<_, _>>()?, frame.precision - shift);
        Ok(Self { parts, predictor: scan.first, shift, bits, fresh: true })
    }

    /// The planes, in the scan's order.
    pub(super) fn planes(self) -> impl Iterator<Item = JpegPlane> {
        self.parts.into_iter().map(move |mut p| {
            p.plane.samples.iter_mut().for_each(|s| *s <<= self.shift);
            p.plane
        })
    }
}

impl DataUnits for Lossless<'_> {
    fn unit(&mut self, reader: &mut BitReader, part: usize, (x, y): (usize, usize)) -> Result<(), ScanStop> {
        let LosslessPart { table, plane, .. } = &mut self.parts[part];
        let (run, value) = table.next(reader).ok_or(ScanStop::Code)?;
        // A size of 16 has one value and no bits for it; in run and size it looks like a run of one.
        plane.samples[y * plane.stride + x] = if run == 0 { value as u16 } else { 1 << 15 };
        Ok(())
    }

    fn restart(&mut self) {
        self.fresh = true;
    }

    fn row(&mut self, mcu_row: usize) -> Result<(), ScanStop> {
        for part in &mut self.parts {
            let stride = part.plane.stride;
            for y in mcu_row * part.height..((mcu_row + 1) * part.height).min(part.rows) {
                let (above, row) = part.plane.samples.split_at_mut(y * stride);
                let row = &mut row[..stride];
                if self.fresh && y == mcu_row * part.height {
                    from_left(row, 1 << (self.bits - 1));
                } else {
                    predict(self.predictor, &above[(y - 1) * stride..], row);
                }
                // Some encoders extend the sign of negative values beyond the bits that they announce.
                let (top, negative) = (u16::MAX >> (16 - self.bits), u16::MAX << (self.bits - 1));
                if row[..part.columns].iter().any(|s| *s > top && *s < negative) {
                    return Err(ScanStop::Range);
                }
            }
        }
        self.fresh = false;
        Ok(())
    }
}

/// Turns the differences of a row into samples, each predicted by its left neighbour, the first by `before`.
fn from_left(row: &mut [u16], mut before: u16) {
    for sample in row {
        before = before.wrapping_add(*sample);
        *sample = before;
    }
}

/// Turns the differences of a row into samples (table H.1).
fn predict(predictor: usize, above: &[u16], row: &mut [u16]) {
    match predictor {
        1 => from_left(row, above[0]),
        2 => each(above, row, |_, b, _| b),
        3 => each(above, row, |_, _, c| c),
        4 => each(above, row, |a, b, c| a + b - c),
        5 => each(above, row, |a, b, c| a + ((b - c) >> 1)),
        6 => each(above, row, |a, b, c| b + ((a - c) >> 1)),
        _ => each(above, row, |a, b, _| (a + b) >> 1),
    }
}

/// The same for a rule of the samples to the left, above, and above to the left; the first sample has the one above.
fn each(above: &[u16], row: &mut [u16], rule: impl Fn(i32, i32, i32) -> i32) {
    let (mut a, mut c) = (above[0], above[0]);
    for (i, (sample, &b)) in row.iter_mut().zip(above).enumerate() {
        let prediction = if i == 0 { b } else { rule(a.into(), b.into(), c.into()) as u16 };
        *sample = sample.wrapping_add(prediction);
        (a, c) = (*sample, b);
    }
}
