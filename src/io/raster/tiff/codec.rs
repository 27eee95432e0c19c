//! Strips and tiles as they lie in the file, unpacked.

use std::io::Read;

use weezl::BitOrder;
use weezl::decode::Decoder;

use super::bits::Predictor;
use crate::io::codecs::jpeg;
use crate::io::codecs::{guarded, rle};

/// More than any of these can expand: LZW, the worst, makes 4096 bytes from twelve bits.
pub(super) const MOST_EXPANSION: u64 = 4096;

/// How strips and tiles are packed (TIFF 6.0, page 30, and later registrations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compressor {
    None,
    /// CCITT T.6: two colours, in lines.
    Fax4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

impl Compressor {
    /// The one of this number, or the name of one that is not read.
    pub(super) fn of(number: u64) -> Result<Self, String> {
        Err(match number {
            1 => return Ok(Self::None),
            4 => return Ok(Self::Fax4),
            5 => return Ok(Self::Lzw),
            7 => return Ok(Self::Jpeg),
            8 | 32946 => return Ok(Self::Deflate),
            32773 => return Ok(Self::PackBits),
            2 => "CCITT run-length".into(),
            3 => "CCITT T.4 fax".into(),
            6 => "old-style JPEG".into(),
            33003..=33005 | 34712 => "JPEG 2000".into(),
            34887 => "LERC".into(),
            34925 => "LZMA".into(),
            50000 | 34926 => "Zstandard".into(),
            50001 | 34927 => "WebP".into(),
            50002 | 52546 => "JPEG XL".into(),
            other => format!("number {other}"),
        })
    }
}

/// How the strips and tiles of a page are packed.
#[derive(Debug)]
pub(super) struct Codec {
    pub(super) compressor: Compressor,
    pub(super) predictor: Predictor,
    /// Bits of each byte in the file's order: the least significant one first.
    pub(super) bits_reversed: bool,
    /// What JPEG strips and tiles have in common.
    pub(super) tables: Vec<u8>,
    /// JPEG: colours are stored as luminance and two differences.
    pub(super) ycbcr: bool,
}

/// What must come out of a strip or tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnpackedSize {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Samples of a pixel that lie side by side.
    pub(super) samples: usize,
    /// In all.
    pub(super) bytes: usize,
}

impl Codec {
    /// The first `wanted.bytes` bytes of what is packed; none if it is damaged or too short.
    pub(super) fn unpack(&self, mut packed: Vec<u8>, wanted: UnpackedSize) -> Option<Vec<u8>> {
        // Nothing is allocated on the word of a header.
        if wanted.bytes as u64 / MOST_EXPANSION > packed.len() as u64 {
            return None;
        }
        if self.bits_reversed {
            packed.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        match self.compressor {
            Compressor::None => {
                (packed.len() >= wanted.bytes).then(|| packed.truncate(wanted.bytes))?;
                Some(packed)
            }
            Compressor::Deflate => inflate(&packed, wanted.bytes),
            Compressor::Lzw => lzw(&packed, wanted.bytes),
            Compressor::PackBits => {
                let mut out = vec![0; wanted.bytes];
                rle::unpack(&packed, out.iter_mut())?;
                Some(out)
            }
            Compressor::Fax4 => fax4(&packed, wanted),
            Compressor::Jpeg => self.jpeg(packed, wanted),
        }
    }

    /// A JPEG image, which has its own idea of size and depth (TIFF technical note 2).
    fn jpeg(&self, packed: Vec<u8>, wanted: UnpackedSize) -> Option<Vec<u8>> {
        let data = match self.tables.strip_suffix(&[0xFF, 0xD9]) {
            // The tables without their end, then the image without its beginning.
            Some(tables) => [tables, packed.strip_prefix(&[0xFF, 0xD8])?].concat(),
            None => packed,
        };
        let facts = jpeg::facts(&data).ok()?;
        let (columns, rows, samples) = (wanted.columns as u64, wanted.rows as u64, wanted.samples as u64);
        if facts.columns != columns || facts.rows < rows || facts.components != samples {
            return None;
        }
        let bytes = if facts.precision > 8 { 2 } else { 1 };
        if wanted.bytes != wanted.columns * wanted.rows * wanted.samples * bytes {
            return None;
        }
        let mut out = jpeg::decode(&data, (samples == 3).then_some(!self.ycbcr)).ok()?.samples;
        (out.len() >= wanted.bytes).then(|| out.truncate(wanted.bytes))?;
        Some(out)
    }
}

fn inflate(packed: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut stream = flate2::read::ZlibDecoder::new(packed);
    let mut out = vec![0; bytes];
    stream.read_exact(&mut out).ok()?;
    // One byte more, so that the checksum behind the last one is looked at. A stream that was cut there has given all its pixels.
    match stream.read(&mut [0]) {
        Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => None,
        _ => Some(out),
    }
}

fn lzw(packed: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut decoder = Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let mut out = vec![0; bytes];
    let (mut read, mut filled) = (0, 0);
    while filled < bytes {
        let step = decoder.decode_bytes(&packed[read..], &mut out[filled..]);
        step.status.ok()?;
        (read, filled) = (read + step.consumed_in, filled + step.consumed_out);
        if (step.consumed_in, step.consumed_out) == (0, 0) {
            return None;
        }
    }
    Some(out)
}

/// Lines of white and black runs: white is 0, as libtiff has it.
fn fax4(packed: &[u8], wanted: UnpackedSize) -> Option<Vec<u8>> {
    let (columns, rows) = (u16::try_from(wanted.columns).ok()?, u16::try_from(wanted.rows).ok()?);
    let mut out = Vec::with_capacity(wanted.bytes);
    guarded(|| {
        fax::decoder::decode_g4(packed.iter().copied(), columns, Some(rows), |runs| {
            let mut row = vec![0u8; usize::from(columns).div_ceil(8)];
            for (x, colour) in fax::decoder::pels(runs, columns).enumerate() {
                if colour == fax::Color::Black {
                    row[x / 8] |= 0x80 >> (x % 8);
                }
            }
            out.extend(row);
        })
    })?;
    (out.len() == wanted.bytes).then_some(out)
}
