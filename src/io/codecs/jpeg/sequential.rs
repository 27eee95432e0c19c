//! Sequential DCT scans, baseline and extended (T.81 annex F).

use super::bits::BitReader;
use super::fault::{JpegFault, ScanStop};
use super::frame::JpegFrame;
use super::huffman::HuffmanTable;
use super::markers::JpegTables;
use super::plane::JpegPlane;
use super::scan::{DataUnits, JpegScan, differences, table};
use super::zigzag::ZIGZAG;

/// Blocks of one scan, transformed as they come.
pub(super) struct Sequential<'a> {
    parts: Vec<SequentialPart<'a>>,
    precision: u32,
}

struct SequentialPart<'a> {
    dc: &'a HuffmanTable,
    ac: &'a HuffmanTable,
    factors: &'a [i32; 64],
    plane: JpegPlane,
    prediction: i32,
}

impl<'a> Sequential<'a> {
    pub(super) fn new(frame: &JpegFrame, scan: &JpegScan, tables: &'a JpegTables) -> Result<Self, JpegFault> {
        let parts = scan.parts.iter().map(|p| {
            let component = &frame.components[p.component];
            Ok(SequentialPart {
                dc: differences(&tables.dc, p.dc, 15)?,
                ac: table(&tables.ac, p.ac)?,
                factors: factors(tables, component.quantisation)?,
                plane: JpegPlane::new(frame, component),
                prediction: 0,
            })
        });
        Ok(Self { parts: parts.collect::<Result<_, _>>()?, precision: frame.precision })
    }

    /// The planes, in the scan's order.
    pub(super) fn planes(self) -> impl Iterator<Item = JpegPlane> {
        self.parts.into_iter().map(|p| p.plane)
    }
}

/// The factors that a component is quantised with, in zigzag order.
pub(super) fn factors(tables: &JpegTables, which: usize) -> Result<&[i32; 64], JpegFault> {
    tables.quantisation.get(which).and_then(Option::as_deref).ok_or_else(|| JpegFault::damaged("a quantisation table is missing"))
}

/// The next DC coefficient from the one before. Quantised or not, it is below 2^(`precision` + 3).
pub(super) fn predicted(
    dc: &HuffmanTable,
    reader: &mut BitReader,
    prediction: &mut i32,
    precision: u32,
) -> Result<i32, ScanStop> {
    let (_, difference) = dc.next(reader).ok_or(ScanStop::Code)?;
    *prediction += difference;
    if prediction.abs() < 8 << precision { Ok(*prediction) } else { Err(ScanStop::Range) }
}

impl DataUnits for Sequential<'_> {
    fn unit(&mut self, reader: &mut BitReader, part: usize, at: (usize, usize)) -> Result<(), ScanStop> {
        let SequentialPart { dc, ac, factors, plane, prediction } = &mut self.parts[part];
        let mut coefficients = [0; 64];
        coefficients[0] = predicted(dc, reader, prediction, self.precision)? * factors[0];
        let mut last = 0;
        while last < 63 {
            let (run, value) = ac.next(reader).ok_or(ScanStop::Code)?;
            if value == 0 {
                match run {
                    0 => break,
                    // Sixteen zeros, one of which has yet to come.
                    15 => {
                        last += 16;
                        continue;
                    }
                    _ => return Err(ScanStop::Code),
                }
            }
            last += usize::from(run) + 1;
            let (Some(&place), Some(factor)) = (ZIGZAG.get(last), factors.get(last)) else { return Err(ScanStop::Index) };
            // The largest size of AC coefficients (table F.2).
            if value.abs() >= 4 << self.precision {
                return Err(ScanStop::Range);
            }
            coefficients[place] = value * factor;
        }
        if last > 63 {
            return Err(ScanStop::Index);
        }
        plane.set_block(at, &coefficients, last)
    }

    fn restart(&mut self) {
        self.parts.iter_mut().for_each(|p| p.prediction = 0);
    }
}
