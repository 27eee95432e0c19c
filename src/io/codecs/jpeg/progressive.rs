//! Progressive DCT scans (T.81 annex G): coefficients come in bands, their bits from the top.

use super::bits::BitReader;
use super::fault::{JpegFault, ScanStop};
use super::frame::{JpegComponent, JpegFrame};
use super::huffman::HuffmanTable;
use super::markers::JpegTables;
use super::plane::JpegPlane;
use super::scan::{DataUnits, JpegScan, differences, table};
use super::sequential::{factors, predicted};
use super::zigzag::ZIGZAG;

/// Nothing of a coefficient has come yet.
const UNSEEN: u8 = u8::MAX;

/// The coefficients of all components, as far as they have come.
#[derive(Debug)]
pub(super) struct JpegProgress {
    components: Vec<Coefficients>,
}

#[derive(Debug)]
struct Coefficients {
    /// In natural order, row by row with the blocks that fill MCUs.
    blocks: Vec<[i16; 64]>,
    stride: usize,
    /// For each place of the zigzag order, how many of its lowest bits have yet to come.
    missing: [u8; 64],
    /// Those of the time of the first scan.
    factors: Option<Box<[i32; 64]>>,
}

impl JpegProgress {
    pub(super) fn new(frame: &JpegFrame) -> Self {
        let of = |c: &JpegComponent| Coefficients {
            blocks: vec![[0; 64]; c.padded.0 * c.padded.1],
            stride: c.padded.0,
            missing: [UNSEEN; 64],
            factors: None,
        };
        Self { components: frame.components.iter().map(of).collect() }
    }

    /// Whether every bit of every coefficient has come.
    pub(super) fn is_complete(&self) -> bool {
        self.components.iter().all(|c| c.missing == [0; 64])
    }

    /// Whether there is something of every component to show.
    pub(super) fn has_all(&self) -> bool {
        self.components.iter().all(|c| c.missing[0] != UNSEEN)
    }

    /// Makes ready for a scan.
    pub(super) fn scan<'a>(
        &'a mut self,
        scan: &'a JpegScan,
        tables: &'a JpegTables,
        frame: &JpegFrame,
    ) -> Result<Band<'a>, JpegFault> {
        let damaged = || JpegFault::damaged("a scan does not follow from those before it");
        let &JpegScan { first, last, high, low, .. } = scan;
        let dc = first == 0;
        if last > 63 || first > last || low > 13 || (dc && last != 0) || (!dc && scan.parts.len() != 1) {
            return Err(damaged());
        }
        for part in &scan.parts {
            let c = &mut self.components[part.component];
            // A coefficient's bits come once and in order, and nothing before the first bits of DC.
            let before = if high == 0 { UNSEEN } else { high };
            let follows = c.missing[first..=last].iter().all(|m| *m == before);
            if !follows || (high > 0 && high != low + 1) || (!dc && c.missing[0] == UNSEEN) {
                return Err(damaged());
            }
            c.missing[first..=last].fill(low);
            if c.factors.is_none() {
                c.factors = Some(Box::new(*factors(tables, frame.components[part.component].quantisation)?));
            }
        }
        let table = match (dc, high) {
            (true, 0) => scan.parts.iter().map(|p| differences(&tables.dc, p.dc, 15)).collect::<Result<_, _>>()?,
            (true, _) => Vec::new(),
            (false, _) => vec![table(&tables.ac, scan.parts[0].ac)?],
        };
        let precision = frame.precision;
        Ok(Band { precision, predictions: vec![0; scan.parts.len()], progress: self, scan, table, blocks_of_zeros: 0 })
    }

    /// The samples of all components.
    pub(super) fn planes(self, frame: &JpegFrame) -> Result<Vec<JpegPlane>, JpegFault> {
        let plane = |(c, component): (Coefficients, &JpegComponent)| {
            let mut plane = JpegPlane::new(frame, component);
            let factors = c.factors.unwrap_or_else(|| Box::new([0; 64]));
            for (i, block) in c.blocks.iter().enumerate() {
                let last = ZIGZAG.iter().rposition(|&place| block[place] != 0).unwrap_or(0);
                let mut coefficients = [0; 64];
                for (&place, factor) in ZIGZAG.iter().zip(factors.iter()).take(last + 1) {
                    coefficients[place] = i32::from(block[place]) * factor;
                }
                let (x, y) = (i % c.stride, i / c.stride);
                let set = plane.set_block((x, y), &coefficients, last);
                set.map_err(|stop| stop.at(y * 8 * frame.down / component.down, frame.rows))?;
            }
            Ok(plane)
        };
        self.components.into_iter().zip(&frame.components).map(plane).collect()
    }
}

/// One scan: a band of coefficients, some of their bits.
#[derive(Debug)]
pub(super) struct Band<'a> {
    progress: &'a mut JpegProgress,
    scan: &'a JpegScan,
    precision: u32,
    table: Vec<&'a HuffmanTable>,
    predictions: Vec<i32>,
    /// Blocks to come, this one among them, whose band holds nothing new.
    blocks_of_zeros: u32,
}

impl DataUnits for Band<'_> {
    fn unit(&mut self, reader: &mut BitReader, part: usize, (x, y): (usize, usize)) -> Result<(), ScanStop> {
        let coefficients = &mut self.progress.components[self.scan.parts[part].component];
        let block = &mut coefficients.blocks[y * coefficients.stride + x];
        let low = self.scan.low;
        match (self.scan.first, self.scan.high) {
            (0, 0) => {
                let value = predicted(self.table[part], reader, &mut self.predictions[part], self.precision)?;
                block[0] = shifted(value, low, 8 << self.precision)?;
            }
            (0, _) => block[0] |= i16::from(reader.bit()) << low,
            (_, 0) => self.first_bits(reader, x, y)?,
            _ => self.next_bit(reader, x, y)?,
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.predictions.fill(0);
        self.blocks_of_zeros = 0;
    }
}

/// A coefficient of which `low` bits have yet to come; it must stay below `limit`.
fn shifted(value: i32, low: u8, limit: i32) -> Result<i16, ScanStop> {
    let value = value << low;
    if value.abs() < limit { i16::try_from(value).map_err(|_| ScanStop::Range) } else { Err(ScanStop::Range) }
}

impl Band<'_> {
    fn block(&mut self, x: usize, y: usize) -> &mut [i16; 64] {
        let coefficients = &mut self.progress.components[self.scan.parts[0].component];
        &mut coefficients.blocks[y * coefficients.stride + x]
    }

    /// Blocks that a code with this run stands for (table G.1).
    fn zeros(reader: &mut BitReader, run: u8) -> u32 {
        reader.refill();
        (1 << run) + reader.take(run.into()) as u32
    }

    /// The first bits of AC coefficients (G.1.2.2).
    fn first_bits(&mut self, reader: &mut BitReader, x: usize, y: usize) -> Result<(), ScanStop> {
        if self.blocks_of_zeros > 0 {
            self.blocks_of_zeros -= 1;
            return Ok(());
        }
        let (last, low, table) = (self.scan.last, self.scan.low, self.table[0]);
        let mut k = self.scan.first;
        while k <= last {
            let (run, value) = table.next(reader).ok_or(ScanStop::Code)?;
            match (run, value) {
                (15, 0) => k += 16,
                (_, 0) => {
                    self.blocks_of_zeros = Self::zeros(reader, run) - 1;
                    return Ok(());
                }
                _ => {
                    k += usize::from(run);
                    if k > last {
                        return Err(ScanStop::Index);
                    }
                    self.block(x, y)[ZIGZAG[k]] = shifted(value, low, 4 << self.precision)?;
                    k += 1;
                }
            }
        }
        if k > last + 1 { Err(ScanStop::Index) } else { Ok(()) }
    }

    /// One more bit of AC coefficients (G.1.2.3): those that are not zero have theirs in the data as they are passed, others begin.
    fn next_bit(&mut self, reader: &mut BitReader, x: usize, y: usize) -> Result<(), ScanStop> {
        let (last, table, bit) = (self.scan.last, self.table[0], 1 << self.scan.low);
        let mut k = self.scan.first;
        while self.blocks_of_zeros == 0 && k <= last {
            let (run, value) = table.next(reader).ok_or(ScanStop::Code)?;
            match value {
                0 if run < 15 => self.blocks_of_zeros = Self::zeros(reader, run),
                -1..=1 => {
                    k = pass(reader, self.block(x, y), k..last + 1, Some(run), bit)?;
                    if value != 0 {
                        // Of the band there must be a place left for it.
                        *self.block(x, y).get_mut(*ZIGZAG[..=last].get(k).ok_or(ScanStop::Index)?).ok_or(ScanStop::Index)? =
                            bit * value as i16;
                    }
                    k += 1;
                }
                _ => return Err(ScanStop::Code),
            }
        }
        if self.blocks_of_zeros > 0 {
            pass(reader, self.block(x, y), k..last + 1, None, bit)?;
            self.blocks_of_zeros -= 1;
        }
        Ok(())
    }
}

/// Passes over coefficients, giving their bit to those that have begun, until `zeros` others were passed and one more is met, or to the end if
/// there is no such number; where it stops.
fn pass(
    reader: &mut BitReader,
    block: &mut [i16; 64],
    band: std::ops::Range<usize>,
    mut zeros: Option<u8>,
    bit: i16,
) -> Result<usize, ScanStop> {
    for k in band.clone() {
        let coefficient = &mut block[ZIGZAG[k]];
        if *coefficient == 0 {
            match &mut zeros {
                Some(0) => return Ok(k),
                Some(n) => *n -= 1,
                None => {}
            }
        } else if reader.bit() {
            // Away from zero.
            *coefficient = coefficient.checked_add(bit * coefficient.signum()).ok_or(ScanStop::Range)?;
        }
    }
    Ok(band.end)
}
