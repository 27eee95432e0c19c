//! Frames of JPEG-LS (transfer syntaxes 1.2.840.10008.1.2.4.80 and .81): the words of their faults, and samples as wide as the header of
//! the file has them. JPEG-LS itself knows no colour transform and no sign.

use std::path::Path;

use super::layout::PixelLayout;
use super::{CONVERT, broken};
use crate::io::codecs::codestream::CodestreamFacts;
use crate::io::codecs::jpegls::{self, JpegLsFault};
use crate::{Error, Result};

/// What a frame says of itself.
///
/// # Errors
/// [`Error::Format`] for damage, [`Error::Unsupported`] for what is not decoded.
pub(super) fn facts(path: &Path, data: &[u8]) -> Result<CodestreamFacts> {
    jpegls::facts(data).map_err(|fault| error(path, fault))
}

/// The samples of a frame whose size was checked, side by side, each of the bits allocated.
///
/// # Errors
/// As [`facts`]; [`Error::Format`] if the samples have more bits than are allocated.
pub(super) fn samples(path: &Path, layout: &PixelLayout, data: &[u8]) -> Result<Vec<u8>> {
    let precision = facts(path, data)?.precision;
    let allocated = layout.bits_allocated;
    if u16::from(precision) > allocated {
        return Err(broken(path, format!("a JPEG-LS frame of {precision} bits does not fit into {allocated} bits allocated")));
    }
    let samples = jpegls::decode(data).map_err(|fault| error(path, fault))?;
    let (from, to) = (usize::from(precision.div_ceil(8)), usize::from(allocated / 8));
    let extended = layout.signed && u16::from(precision) < layout.bits_stored;
    if from == to && !extended {
        return Ok(samples);
    }
    // Where the frame has fewer bits than the header, the sign is the highest that it has.
    let shift = if extended { 32 - u32::from(precision) } else { 0 };
    let wide = |sample: &[u8]| {
        let mut word = [0; 4];
        word[..from].copy_from_slice(sample);
        (i32::from_le_bytes(word) << shift >> shift).to_le_bytes().into_iter().take(to)
    };
    Ok(samples.chunks_exact(from).flat_map(wide).collect())
}

fn error(path: &Path, fault: JpegLsFault) -> Error {
    match fault {
        JpegLsFault::Markers => broken(path, "a JPEG-LS frame is damaged or cut in its headers"),
        JpegLsFault::Line(line) => broken(path, format!("a JPEG-LS frame is damaged or cut at line {line}")),
        JpegLsFault::Unsupported(what) => Error::unsupported(path, format!("JPEG-LS with {what} is not supported"), CONVERT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::dicom::layout::Colour;

    /// Of CharLS: 2 x 1 samples 0x801 and 0x7FF of 12 bits.
    const TWELVE: [u8; 34] = [
        0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x0C, 0x00, 0x01, 0x00, 0x02, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xDA, 0x00, 0x08, 0x01,
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1F, 0xFB, 0x88, 0xFF, 0xD9,
    ];
    /// 2 x 1 samples 200 and 100 of 8 bits.
    const EIGHT: [u8; 35] = [
        0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x01, 0x00, 0x02, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xDA, 0x00, 0x08, 0x01,
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x6D, 0x00, 0x00, 0x01, 0xC7, 0xFF, 0xD9,
    ];

    fn layout(allocated: u16, stored: u16, signed: bool) -> PixelLayout {
        PixelLayout {
            rows: 1,
            columns: 2,
            frames: 1,
            samples: 1,
            planar: false,
            bits_allocated: allocated,
            bits_stored: stored,
            high_bit: stored - 1,
            signed,
            float: false,
            colour: Colour::Grey,
            inverted: false,
            padding_words: None,
            mosaic: None,
        }
    }

    #[test]
    fn samples_are_as_wide_as_the_header_says() {
        let read = |layout: &PixelLayout, data: &[u8]| samples(Path::new("x"), layout, data).unwrap();
        assert_eq!(read(&layout(8, 8, false), &EIGHT), [200, 100]);
        assert_eq!(read(&layout(16, 8, false), &EIGHT), [200, 0, 100, 0]);
        assert_eq!(read(&layout(32, 8, false), &EIGHT), [200, 0, 0, 0, 100, 0, 0, 0]);
        assert_eq!(read(&layout(16, 12, false), &TWELVE), [0x01, 0x08, 0xFF, 0x07]);
        // What lies above the stored bits is the caller's affair, as with uncompressed pixels.
        assert_eq!(read(&layout(16, 12, true), &TWELVE), [0x01, 0x08, 0xFF, 0x07]);
    }

    #[test]
    fn the_sign_is_the_highest_bit_of_the_frame() {
        let read = |layout: &PixelLayout, data: &[u8]| samples(Path::new("x"), layout, data).unwrap();
        assert_eq!(read(&layout(16, 16, true), &TWELVE), [0x01, 0xF8, 0xFF, 0x07]);
        assert_eq!(read(&layout(16, 12, true), &EIGHT), [200, 0xFF, 100, 0]);
    }

    #[test]
    fn faults_have_words() {
        let word = |layout: &PixelLayout, data: &[u8]| samples(Path::new("x"), layout, data).unwrap_err().to_string();
        assert!(word(&layout(8, 8, false), &TWELVE).contains("12 bits does not fit into 8 bits"));
        assert!(word(&layout(16, 12, false), &TWELVE[..12]).contains("cut in its headers"));
        assert!(word(&layout(16, 12, false), &TWELVE[..30]).contains("cut at line 1"));
        let mut table = TWELVE;
        table[21] = 1;
        assert!(word(&layout(16, 12, false), &table).contains("mapping tables is not supported"));
    }
}
