//! Decompression of one frame: which codec has it, and whether what the image claims is what the header of the file says. The codecs
//! themselves are in [`crate::io::codecs`].

use std::borrow::Cow;
use std::path::Path;

use super::layout::{Colour, PixelLayout};
use super::syntax::{Compression, Syntax};
use super::{CONVERT, broken, jpegls};
use crate::io::codecs::codestream::{self, CodestreamFacts};
use crate::io::codecs::jpeg::{self, JpegFault};
use crate::io::codecs::registry::{self, CompressedImage};
use crate::io::codecs::rle;
use crate::{Error, Result};

/// A frame this large must not be packed more than [`SUSPICIOUS_RATIO`] times.
const SUSPICIOUS_BYTES: u128 = 64 << 20;
const SUSPICIOUS_RATIO: u128 = 1000;

/// Whether there is a decoder for the syntax at all.
pub(super) fn check(path: &Path, syntax: &Syntax) -> Result<()> {
    match syntax.compression {
        Compression::Unknown if syntax.uid.is_empty() => Err(broken(path, "the transfer syntax is no UID")),
        Compression::Unknown => {
            Err(Error::unsupported(path, format!("the transfer syntax {} is not supported", syntax.label()), CONVERT))
        }
        _ => Ok(()),
    }
}

/// The samples of one compressed frame, little-endian and side by side, and how they are laid out now.
pub(super) fn decode<'a>(
    path: &Path,
    syntax: &Syntax,
    layout: &'a PixelLayout,
    data: &[u8],
) -> Result<(Vec<u8>, Cow<'a, PixelLayout>)> {
    check(path, syntax)?;
    let damaged = || broken(path, "a compressed frame is damaged");
    let wanted = layout.frame_bits().div_ceil(8);
    if wanted > SUSPICIOUS_BYTES && wanted > SUSPICIOUS_RATIO * data.len() as u128 {
        return Err(broken(path, format!("a frame of {wanted} bytes cannot lie in {} compressed ones", data.len())));
    }
    if layout.bits_allocated == 1 && syntax.compression != Compression::Wrapped {
        return Err(Error::unsupported(path, "compressed pixels of one bit are not supported", CONVERT));
    }
    let mut now = PixelLayout { planar: false, ..layout.clone() };
    let samples = match syntax.compression {
        Compression::None | Compression::Wrapped => {
            now.planar = layout.planar;
            data.to_vec()
        }
        Compression::Rle => {
            let bytes = usize::from(layout.bits_allocated / 8);
            rle::decode(data, layout.pixels() as usize, layout.samples as usize, bytes).ok_or_else(damaged)?
        }
        Compression::Jpeg => {
            if now.is_colour() {
                now.colour = Colour::Rgb;
            }
            jpeg(path, layout, data)?
        }
        Compression::Jpeg2000 => {
            let facts = codestream::jpeg2000(data).ok_or_else(damaged)?;
            fits(path, layout, &facts)?;
            if facts.colour_marked && now.is_colour() {
                now.colour = Colour::Rgb;
            }
            if !facts.full_size {
                return Err(Error::unsupported(path, "JPEG 2000 with subsampled colours is not supported", CONVERT));
            }
            registry(path, syntax, layout, data)?
        }
        Compression::JpegXl => {
            if now.is_colour() {
                now.colour = Colour::Rgb;
            }
            registry(path, syntax, layout, data)?
        }
        Compression::JpegLs => {
            fits(path, layout, &jpegls::facts(path, data)?)?;
            jpegls::samples(path, layout, data)?
        }
        Compression::Unknown => Vec::new(),
    };
    if (samples.len() as u128) < wanted {
        return Err(broken(path, format!("a frame decodes to {} bytes where {wanted} are needed", samples.len())));
    }
    Ok((samples, Cow::Owned(now)))
}

fn fits(path: &Path, layout: &PixelLayout, facts: &CodestreamFacts) -> Result<()> {
    if (facts.columns, facts.rows, facts.components) == (layout.columns, layout.rows, layout.samples) {
        return Ok(());
    }
    Err(broken(
        path,
        format!(
            "a compressed frame has {} x {} pixels of {} samples, the header says {} x {} of {}",
            facts.columns, facts.rows, facts.components, layout.columns, layout.rows, layout.samples
        ),
    ))
}

fn jpeg(path: &Path, layout: &PixelLayout, data: &[u8]) -> Result<Vec<u8>> {
    let fault = |fault| match fault {
        JpegFault::Damaged(what) => broken(path, format!("a compressed frame is damaged: {what}")),
        JpegFault::Unsupported(what) => Error::unsupported(path, what, CONVERT),
    };
    fits(path, layout, &jpeg::facts(data).map_err(fault)?)?;
    // Where the image itself does not say how its colours are stored, the header of the file does.
    let image = jpeg::decode(data, Some(layout.colour == Colour::Rgb)).map_err(fault)?;
    match (image.width, layout.bits_allocated) {
        (1, 8) | (2, 16) => Ok(image.samples),
        (1, 16) => Ok(image.samples.into_iter().flat_map(|s| [s, 0]).collect()),
        _ => Err(broken(path, "a JPEG frame has another depth than the header says")),
    }
}

fn undecodable(path: &Path) -> Error {
    broken(path, "a compressed frame cannot be decoded")
}

fn registry(path: &Path, syntax: &Syntax, layout: &PixelLayout, data: &[u8]) -> Result<Vec<u8>> {
    let PixelLayout { rows, columns, samples, bits_allocated, bits_stored, .. } = *layout;
    if !matches!(bits_allocated, 8 | 16) {
        return Err(Error::unsupported(path, format!("compressed pixels of {bits_allocated} bits are not supported"), CONVERT));
    }
    if !registry::knows(&syntax.uid) {
        return Err(Error::unsupported(path, "this compression is not supported", CONVERT));
    }
    let image = CompressedImage { uid: &syntax.uid, rows, columns, samples, bits_allocated, bits_stored, data };
    registry::decode(&image).ok_or_else(|| undecodable(path))
}
