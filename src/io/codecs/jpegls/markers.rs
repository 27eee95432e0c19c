//! Markers and their segments (Annex C): what is said of the image and of each scan.

use super::JpegLsFault;
use super::parameters::JpegLsPreset;

/// Decoders of this program stop here; medical images have one or three.
const MOST_COMPONENTS: usize = 4;

/// The frame header SOF55 (C.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JpegLsFrame {
    pub(super) precision: u8,
    pub(super) rows: u16,
    pub(super) columns: u16,
    /// The identifiers of the components, in their order.
    pub(super) components: Vec<u8>,
}

/// How the components of a scan lie in it (C.2.3: ILV).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// One component, or line after line.
    Lines,
    Samples,
}

/// A scan header SOS (C.2.3).
#[derive(Debug, Clone)]
pub(super) struct JpegLsScan {
    /// Which components of the frame, counted from 0.
    pub(super) components: Vec<usize>,
    pub(super) near: u8,
    pub(super) interleave: Interleave,
}

/// A walk over the segments of an image.
pub(super) struct Markers<'a> {
    pub(super) data: &'a [u8],
    pub(super) at: usize,
    frame: Option<JpegLsFrame>,
    /// What holds for the next scan.
    pub(super) preset: JpegLsPreset,
    /// Lines between restart markers; 0 for none (C.2.5).
    pub(super) restart_lines: u32,
}

impl<'a> Markers<'a> {
    /// At the beginning of an image, which must be a marker SOI.
    pub(super) fn new(data: &'a [u8]) -> Result<Self, JpegLsFault> {
        if !data.starts_with(&[0xFF, 0xD8]) {
            return Err(JpegLsFault::Markers);
        }
        Ok(Self { data, at: 2, frame: None, preset: JpegLsPreset::default(), restart_lines: 0 })
    }

    /// Goes behind the frame header.
    pub(super) fn frame(&mut self) -> Result<JpegLsFrame, JpegLsFault> {
        loop {
            let (marker, body) = self.segment()?;
            if marker == 0xDA {
                return Err(JpegLsFault::Markers);
            }
            self.take(marker, body)?;
            if let Some(frame) = &self.frame {
                return Ok(frame.clone());
            }
        }
    }

    /// Goes behind the next scan header, where the data of the scan begins.
    pub(super) fn scan(&mut self, frame: &JpegLsFrame) -> Result<JpegLsScan, JpegLsFault> {
        loop {
            let (marker, body) = self.segment()?;
            if marker == 0xDA {
                return scan_header(body, frame);
            }
            self.take(marker, body)?;
        }
    }

    /// Goes behind the restart marker that must stand here (T.81 B.2.1): RST0 to RST7 in turn.
    pub(super) fn restart(&mut self, number: u32) -> Option<()> {
        while self.data.get(self.at..self.at + 2)? == [0xFF, 0xFF] {
            self.at += 1;
        }
        let found = self.data.get(self.at..self.at + 2)? == [0xFF, 0xD0 + (number % 8) as u8];
        self.at += 2;
        found.then_some(())
    }

    /// The next marker and what its segment holds.
    fn segment(&mut self) -> Result<(u8, &'a [u8]), JpegLsFault> {
        self.next_segment().ok_or(JpegLsFault::Markers)
    }

    fn next_segment(&mut self) -> Option<(u8, &'a [u8])> {
        if *self.data.get(self.at)? != 0xFF {
            return None;
        }
        // Any number of bytes 0xFF may stand before a marker (T.81 B.1.1.2).
        while *self.data.get(self.at)? == 0xFF {
            self.at += 1;
        }
        let marker = self.data[self.at];
        // No data, stand-alone markers and the end of the image (T.81 table B.1) do not belong between segments.
        if marker < 0xC0 || (0xD0..=0xD9).contains(&marker) {
            return None;
        }
        let &[high, low] = self.data.get(self.at + 1..)?.first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = self.data.get(self.at + 3..self.at + 1 + length)?;
        self.at += 1 + length;
        Some((marker, body))
    }

    fn take(&mut self, marker: u8, body: &[u8]) -> Result<(), JpegLsFault> {
        match marker {
            0xF7 if self.frame.is_some() => return Err(JpegLsFault::Markers),
            0xF7 => self.frame = Some(frame_header(body)?),
            0xF8 => self.lse(body)?,
            // DRI: two to four bytes in JPEG-LS.
            0xDD => match *body {
                [a, b] => self.restart_lines = u32::from_be_bytes([0, 0, a, b]),
                [a, b, c] => self.restart_lines = u32::from_be_bytes([0, a, b, c]),
                [a, b, c, d] => self.restart_lines = u32::from_be_bytes([a, b, c, d]),
                _ => return Err(JpegLsFault::Markers),
            },
            // APP8 of HP's and CharLS's colour images: 0 is no transform.
            0xE8 if body.starts_with(b"mrfx") && body.get(4) != Some(&0) => {
                return Err(JpegLsFault::Unsupported("a colour transform"));
            }
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Err(JpegLsFault::Unsupported("a frame of another kind of JPEG"));
            }
            _ => {}
        }
        Ok(())
    }

    /// A segment LSE (C.2.4).
    fn lse(&mut self, body: &[u8]) -> Result<(), JpegLsFault> {
        let (&id, rest) = body.split_first().ok_or(JpegLsFault::Markers)?;
        match id {
            1 => {
                let (words, []) = rest.as_chunks::<2>() else { return Err(JpegLsFault::Markers) };
                let &[maxval, t1, t2, t3, reset] = words else { return Err(JpegLsFault::Markers) };
                let [maxval, t1, t2, t3, reset] = [maxval, t1, t2, t3, reset].map(u16::from_be_bytes);
                self.preset = JpegLsPreset { maxval, thresholds: [t1, t2, t3], reset };
                Ok(())
            }
            // Mapping tables: refused where a scan asks for one.
            2 | 3 => Ok(()),
            4 => Err(JpegLsFault::Unsupported("a size beyond its frame header")),
            _ => Err(JpegLsFault::Unsupported("extensions of T.870")),
        }
    }
}

fn frame_header(body: &[u8]) -> Result<JpegLsFrame, JpegLsFault> {
    let &[precision, y0, y1, x0, x1, count, ref list @ ..] = body else { return Err(JpegLsFault::Markers) };
    let (rows, columns) = (u16::from_be_bytes([y0, y1]), u16::from_be_bytes([x0, x1]));
    let (list, []) = list.as_chunks::<3>() else { return Err(JpegLsFault::Markers) };
    let components: Vec<u8> = list.iter().map(|c| c[0]).collect();
    let twice = |i: usize| components[..i].contains(&components[i]);
    if list.is_empty() || list.len() != usize::from(count) || !(2..=16).contains(&precision) || (1..list.len()).any(twice) {
        return Err(JpegLsFault::Markers);
    }
    if list.len() > MOST_COMPONENTS {
        return Err(JpegLsFault::Unsupported("more than four components"));
    }
    // Of no account where all are alike.
    if list.iter().any(|c| c[1] != list[0][1]) {
        return Err(JpegLsFault::Unsupported("subsampled components"));
    }
    if rows == 0 || columns == 0 {
        return Err(JpegLsFault::Unsupported("a size beyond its frame header"));
    }
    Ok(JpegLsFrame { precision, rows, columns, components })
}

fn scan_header(body: &[u8], frame: &JpegLsFrame) -> Result<JpegLsScan, JpegLsFault> {
    let (&count, rest) = body.split_first().ok_or(JpegLsFault::Markers)?;
    let (list, &[near, ilv, transform]) = rest.split_last_chunk::<3>().ok_or(JpegLsFault::Markers)?;
    let (list, []) = list.as_chunks::<2>() else { return Err(JpegLsFault::Markers) };
    if list.is_empty() || list.len() != usize::from(count) {
        return Err(JpegLsFault::Markers);
    }
    if list.iter().any(|c| c[1] != 0) {
        return Err(JpegLsFault::Unsupported("mapping tables"));
    }
    if transform & 15 != 0 {
        return Err(JpegLsFault::Unsupported("a point transform"));
    }
    let place = |c: &[u8; 2]| frame.components.iter().position(|id| *id == c[0]);
    let components = list.iter().map(place).collect::<Option<Vec<_>>>().ok_or(JpegLsFault::Markers)?;
    let interleave = match (ilv, components.len()) {
        (0, 1) | (1, _) => Interleave::Lines,
        (2, _) => Interleave::Samples,
        _ => return Err(JpegLsFault::Markers),
    };
    Ok(JpegLsScan { components, near, interleave })
}
