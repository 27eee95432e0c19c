//! The scan header (T.81 B.2.3) and the order of data units in a scan (A.2), the same for every process.

use super::bits::BitReader;
use super::fault::{JpegFault, ScanStop};
use super::frame::JpegFrame;
use super::huffman::HuffmanTable;
use super::markers::JpegTables;

/// What a scan holds.
#[derive(Debug, Clone)]
pub(super) struct JpegScan {
    pub(super) parts: Vec<ScanPart>,
    /// The band of coefficients, or the predictor in `first`.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Successive approximation; the lower one is the point transform of lossless scans.
    pub(super) high: u8,
    pub(super) low: u8,
}

/// A component of a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScanPart {
    /// Its place in the frame.
    pub(super) component: usize,
    /// Huffman tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

impl JpegScan {
    pub(super) fn read(body: &[u8], frame: &JpegFrame) -> Result<Self, JpegFault> {
        let damaged = || JpegFault::damaged("a scan header is damaged");
        let (&count, rest) = body.split_first().ok_or_else(damaged)?;
        let (parts, end) = rest.as_chunks::<2>();
        let (parts, extra) = parts.split_at_checked(count.into()).ok_or_else(damaged)?;
        // Three bytes behind the parts: one pair and a single one.
        let (&[[first, last]], &[bits]) = (extra, end) else { return Err(damaged()) };
        let mut scan = Self { parts: Vec::new(), first: first.into(), last: last.into(), high: bits >> 4, low: bits & 15 };
        for &[id, tables] in parts {
            let component = frame.components.iter().position(|c| c.id == id).ok_or_else(damaged)?;
            let part = ScanPart { component, dc: usize::from(tables >> 4), ac: usize::from(tables & 15) };
            if part.dc > 3 || part.ac > 3 || scan.parts.iter().any(|p| p.component == component) {
                return Err(damaged());
            }
            scan.parts.push(part);
        }
        if scan.parts.is_empty() { Err(damaged()) } else { Ok(scan) }
    }
}

/// The table of a scan.
pub(super) fn table(tables: &[Option<HuffmanTable>; 4], which: usize) -> Result<&HuffmanTable, JpegFault> {
    tables[which].as_ref().ok_or_else(|| JpegFault::damaged("a Huffman table is missing"))
}

/// The table of a scan for differences, with sizes of up to `most` bits.
pub(super) fn differences(tables: &[Option<HuffmanTable>; 4], which: usize, most: u8) -> Result<&HuffmanTable, JpegFault> {
    let table = table(tables, which)?;
    if table.largest > most { Err(JpegFault::damaged("a Huffman table is damaged")) } else { Ok(table) }
}

/// What a process does with the data units of a scan.
pub(super) trait DataUnits {
    /// Decodes the data unit in column `x` and row `y` of the scan's part `part`.
    fn unit(&mut self, reader: &mut BitReader, part: usize, at: (usize, usize)) -> Result<(), ScanStop>;

    /// Forgets what was before: a restart marker was passed.
    fn restart(&mut self);

    /// A row of MCUs is whole.
    fn row(&mut self, _mcu_row: usize) -> Result<(), ScanStop> {
        Ok(())
    }
}

/// Decodes the scan that begins at `at`; the place of the marker behind it.
pub(super) fn walk(
    frame: &JpegFrame,
    scan: &JpegScan,
    tables: &JpegTables,
    (data, at): (&[u8], usize),
    units: &mut impl DataUnits,
) -> Result<usize, JpegFault> {
    let single = scan.parts.len() == 1;
    let size_of = |part: &ScanPart| {
        let c = &frame.components[part.component];
        if single { (1, 1) } else { (c.across, c.down) }
    };
    let sizes: Vec<(usize, usize)> = scan.parts.iter().map(size_of).collect();
    // A single component has no MCUs but its own data units, and none that only fill.
    let only = &frame.components[scan.parts[0].component];
    let (across, down) = if single { only.units } else { frame.mcus() };
    let height = frame.unit * if single { frame.down / only.down } else { frame.down };
    let mut reader = BitReader::new(data, at);
    let (mut left, mut due) = (tables.restart, 0);
    for mcu_y in 0..down {
        let mut row = || -> Result<(), ScanStop> {
            for mcu_x in 0..across {
                if tables.restart > 0 {
                    if left == 0 {
                        reader.restart(due)?;
                        units.restart();
                        (left, due) = (tables.restart, (due + 1) % 8);
                    }
                    left -= 1;
                }
                for (part, &(h, v)) in sizes.iter().enumerate() {
                    for i in 0..h * v {
                        let decoded = units.unit(&mut reader, part, (mcu_x * h + i % h, mcu_y * v + i / h));
                        // What was made of bits that are not there is no sign of other damage.
                        if reader.overrun() {
                            return Err(ScanStop::Ends);
                        }
                        decoded?;
                    }
                }
            }
            units.row(mcu_y)
        };
        row().map_err(|stop| stop.at(mcu_y * height, frame.rows))?;
    }
    reader.close().map_err(|stop| stop.at(frame.rows, frame.rows))
}
