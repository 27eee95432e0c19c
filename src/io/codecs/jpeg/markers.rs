//! Marker segments (T.81 annex B).

use super::fault::JpegFault;
use super::frame::JpegFrame;
use super::huffman::HuffmanTable;
use super::zigzag::ZIGZAG;

pub(super) const SOI: u8 = 0xD8;
pub(super) const EOI: u8 = 0xD9;
pub(super) const SOS: u8 = 0xDA;
pub(super) const DNL: u8 = 0xDC;

/// Walks from segment to segment.
#[derive(Debug, Clone)]
pub(super) struct Segments<'a> {
    pub(super) data: &'a [u8],
    /// Behind the last segment.
    pub(super) at: usize,
}

impl<'a> Segments<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, JpegFault> {
        if data.starts_with(&[0xFF, SOI]) { Ok(Self { data, at: 2 }) } else { Err(JpegFault::damaged("no JPEG image")) }
    }

    /// The next marker and what its segment holds; none where the image ends, with or without an EOI marker.
    pub(super) fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, JpegFault> {
        let cut = || JpegFault::damaged("the data end inside a segment");
        loop {
            let marker = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (None, _) => return Ok(None),
                (Some(0xFF), None) => return Err(cut()),
                // Fill bytes.
                (Some(0xFF), Some(0xFF)) => {
                    self.at += 1;
                    continue;
                }
                // Markers without a segment: TEM, and restarts that no scan waits for.
                (Some(0xFF), Some(0x01 | 0xD0..=0xD7)) => {
                    self.at += 2;
                    continue;
                }
                (Some(0xFF), Some(&marker @ 0xC0..=0xFE)) if marker != SOI => marker,
                _ => return Err(JpegFault::damaged(format!("no marker where one is due, {} bytes from the start", self.at))),
            };
            if marker == EOI {
                return Ok(None);
            }
            let length = self.data.get(self.at + 2..).and_then(<[u8]>::first_chunk).ok_or_else(cut)?;
            let end = self.at + 2 + usize::from(u16::from_be_bytes(*length));
            if end < self.at + 4 {
                return Err(JpegFault::damaged("a segment is too short"));
            }
            let body = self.data.get(self.at + 4..end).ok_or_else(cut)?;
            self.at = end;
            return Ok(Some((marker, body)));
        }
    }
}

/// Whether a segment is a frame header, of any kind.
pub(super) fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// The frame header with its height, where `segments` stands behind the frame header's segment. A height of 0 is in the DNL segment behind the
/// first scan (B.2.5).
pub(super) fn frame(marker: u8, body: &[u8], segments: &Segments) -> Result<JpegFrame, JpegFault> {
    let mut frame = JpegFrame::read(marker, body)?;
    if frame.rows == 0 {
        let rows = number_of_lines(segments.clone())?;
        frame.set_rows(rows);
    }
    Ok(frame)
}

fn number_of_lines(mut segments: Segments) -> Result<usize, JpegFault> {
    let missing = || JpegFault::damaged("the number of rows is missing");
    while segments.next()?.ok_or_else(missing)?.0 != SOS {}
    // The scan ends at a marker that is neither a stuffed byte nor a fill byte nor a restart.
    let scan = &segments.data[segments.at..];
    let end = scan.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF | 0xD0..=0xD7)).ok_or_else(missing)?;
    segments.at += end;
    match segments.next()? {
        Some((DNL, &[high, low])) if (high, low) != (0, 0) => Ok(usize::from(u16::from_be_bytes([high, low]))),
        _ => Err(missing()),
    }
}

/// What tables and application segments have said so far.
#[derive(Debug, Default)]
pub(super) struct JpegTables {
    /// Factors in zigzag order.
    pub(super) quantisation: [Option<Box<[i32; 64]>>; 4],
    pub(super) dc: [Option<HuffmanTable>; 4],
    pub(super) ac: [Option<HuffmanTable>; 4],
    /// MCUs between restart markers; 0 for none.
    pub(super) restart: usize,
    pub(super) jfif: bool,
    /// The colour transform of an Adobe segment.
    pub(super) adobe: Option<u8>,
}

impl JpegTables {
    /// Takes what a segment defines; others are passed over.
    pub(super) fn read(&mut self, marker: u8, body: &[u8]) -> Result<(), JpegFault> {
        match marker {
            0xC4 => self.huffman(body),
            0xCC => Err(JpegFault::unsupported("arithmetic coding is not supported")),
            0xDB => self.quantisation(body),
            0xDD => {
                let interval = body.try_into().map_err(|_| JpegFault::damaged("the restart interval is damaged"))?;
                self.restart = usize::from(u16::from_be_bytes(interval));
                Ok(())
            }
            0xDE | 0xDF => Err(JpegFault::unsupported("hierarchical JPEG is not supported")),
            0xE0 => {
                self.jfif |= body.starts_with(b"JFIF\0");
                Ok(())
            }
            0xF7 => Err(JpegFault::unsupported("JPEG-LS under the name of JPEG is not supported")),
            // Version and two words of flags, then the transform; a segment too short for it says nothing.
            0xEE if body.starts_with(b"Adobe") => {
                self.adobe = body.get(11).copied().or(self.adobe);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn huffman(&mut self, mut body: &[u8]) -> Result<(), JpegFault> {
        let damaged = || JpegFault::damaged("a Huffman table is damaged");
        while !body.is_empty() {
            let (head, rest) = body.split_first_chunk::<17>().ok_or_else(damaged)?;
            let (&place, lengths) = head.split_first().ok_or_else(damaged)?;
            let lengths: &[u8; 16] = lengths.try_into().map_err(|_| damaged())?;
            let count = lengths.iter().map(|&n| usize::from(n)).sum();
            let (symbols, rest) = rest.split_at_checked(count).ok_or_else(damaged)?;
            let tables = match place >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(damaged()),
            };
            *tables.get_mut(usize::from(place & 15)).ok_or_else(damaged)? = Some(HuffmanTable::new(lengths, symbols)?);
            body = rest;
        }
        Ok(())
    }

    fn quantisation(&mut self, mut body: &[u8]) -> Result<(), JpegFault> {
        let damaged = || JpegFault::damaged("a quantisation table is damaged");
        while let Some((&place, rest)) = body.split_first() {
            let wide = match place >> 4 {
                0 => false,
                1 => true,
                _ => return Err(damaged()),
            };
            let (factors, rest) = rest.split_at_checked(if wide { 128 } else { 64 }).ok_or_else(damaged)?;
            let factor = |k: usize| {
                i32::from(if wide { u16::from_be_bytes([factors[2 * k], factors[2 * k + 1]]) } else { factors[k].into() })
            };
            let factors: [i32; ZIGZAG.len()] = std::array::from_fn(factor);
            if factors.contains(&0) {
                return Err(damaged());
            }
            *self.quantisation.get_mut(usize::from(place & 15)).ok_or_else(damaged)? = Some(Box::new(factors));
            body = rest;
        }
        Ok(())
    }
}
