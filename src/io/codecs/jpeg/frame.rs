//! The frame header (T.81 B.2.2) and the sizes that follow from it (A.1, A.2).

use super::fault::JpegFault;

/// How the samples are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// DCT, each coefficient at once: baseline and extended.
    Sequential,
    /// DCT, coefficients in parts over several scans.
    Progressive,
    /// Predicted samples.
    Lossless,
}

/// The whole image.
#[derive(Debug, Clone)]
pub(super) struct JpegFrame {
    pub(super) process: Process,
    /// Bits of a sample.
    pub(super) precision: u32,
    /// Pixels.
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) components: Vec<JpegComponent>,
    /// The largest sampling factors.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Samples along each side of a data unit: 8, lossless 1.
    pub(super) unit: usize,
}

/// One component of it.
#[derive(Debug, Clone)]
pub(super) struct JpegComponent {
    pub(super) id: u8,
    /// Sampling factors.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Which quantisation table.
    pub(super) quantisation: usize,
    /// Samples that belong to the image.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Data units that hold them.
    pub(super) units: (usize, usize),
    /// Data units with those that fill the last MCUs.
    pub(super) padded: (usize, usize),
}

impl JpegFrame {
    /// Of a SOF segment; its height may be 0 where a DNL segment has it.
    pub(super) fn read(marker: u8, body: &[u8]) -> Result<Self, JpegFault> {
        let process = match marker {
            0xC0 | 0xC1 => Process::Sequential,
            0xC2 => Process::Progressive,
            0xC3 => Process::Lossless,
            0xC9..=0xCB => return Err(JpegFault::unsupported("arithmetic coding is not supported")),
            0xCD..=0xCF => return Err(JpegFault::unsupported("hierarchical JPEG with arithmetic coding is not supported")),
            _ => return Err(JpegFault::unsupported("hierarchical JPEG is not supported")),
        };
        let damaged = || JpegFault::damaged("the frame header is damaged");
        let (&[precision, y0, y1, x0, x1, count], parts) = body.split_first_chunk::<6>().ok_or_else(damaged)?;
        let (parts, rest) = parts.as_chunks::<3>();
        let [columns, rows] = [[x0, x1], [y0, y1]].map(|b| usize::from(u16::from_be_bytes(b)));
        let distinct = parts.iter().enumerate().all(|(i, p)| parts[..i].iter().all(|q| q[0] != p[0]));
        if parts.len() != usize::from(count) || !rest.is_empty() || count == 0 || columns == 0 || !distinct {
            return Err(damaged());
        }
        let factors = parts.iter().map(|p| (usize::from(p[1] >> 4), usize::from(p[1] & 15)));
        if factors.clone().any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return Err(damaged());
        }
        let across = factors.clone().map(|f| f.0).max().unwrap_or(1);
        let down = factors.clone().map(|f| f.1).max().unwrap_or(1);
        match (process, precision) {
            (Process::Lossless, 2..=16) | (_, 8 | 12) => {}
            (Process::Lossless, _) => return Err(damaged()),
            _ => return Err(JpegFault::unsupported(format!("JPEG of {precision} bits is not supported"))),
        }
        if count > 4 {
            return Err(JpegFault::unsupported(format!("JPEG of {count} components is not supported")));
        }
        if factors.clone().any(|(h, v)| !across.is_multiple_of(h) || !down.is_multiple_of(v)) {
            return Err(JpegFault::unsupported("JPEG with fractional sampling factors is not supported"));
        }
        let component = |part: &[u8; 3], (across, down)| JpegComponent {
            id: part[0],
            across,
            down,
            quantisation: usize::from(part[2]),
            columns: 0,
            rows: 0,
            units: (0, 0),
            padded: (0, 0),
        };
        let components = parts.iter().zip(factors).map(|(part, f)| component(part, f)).collect();
        let unit = if process == Process::Lossless { 1 } else { 8 };
        let mut frame = Self { process, precision: precision.into(), columns, rows, components, across, down, unit };
        frame.set_rows(rows);
        Ok(frame)
    }

    /// Sets the height, and with it the sizes of all components.
    pub(super) fn set_rows(&mut self, rows: usize) {
        self.rows = rows;
        let (mcus_across, mcus_down) = self.mcus();
        for c in &mut self.components {
            c.columns = (self.columns * c.across).div_ceil(self.across);
            c.rows = (rows * c.down).div_ceil(self.down);
            c.units = (c.columns.div_ceil(self.unit), c.rows.div_ceil(self.unit));
            c.padded = (mcus_across * c.across, mcus_down * c.down);
        }
    }

    /// MCUs of an interleaved scan, across and down.
    pub(super) fn mcus(&self) -> (usize, usize) {
        (self.columns.div_ceil(self.across * self.unit), self.rows.div_ceil(self.down * self.unit))
    }

    /// Refuses a size that `bytes` bytes cannot hold: each data unit has a code of one bit, or two where a second must end its block.
    pub(super) fn check_size(&self, bytes: usize) -> Result<(), JpegFault> {
        let bits = if self.process == Process::Sequential { 2 } else { 1 };
        let least: u64 = self.components.iter().map(|c| c.units.0 as u64 * c.units.1 as u64 * bits).sum();
        if least <= bytes as u64 * 8 {
            return Ok(());
        }
        Err(JpegFault::damaged(format!("{} x {} pixels cannot lie in {bytes} bytes", self.columns, self.rows)))
    }
}
