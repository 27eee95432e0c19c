//! PNG, JPEG and TIFF: images, and TIFF files of several pages as volumes.
//!
//! An image, or a page of a TIFF file, is decoded as a whole, and not before it is asked for. Grey of less than 8 bits is spread over 0 … 255, so the two values of a 1-bit mask are 0
//! and 255. Colour becomes grey by a [`Grey`] rule; transparency is left out.

mod read;
mod tiff_read;
mod tiff_write;
mod write;

use std::path::Path;

use super::output::Target;
use super::{Grey, Limits, Output, Source};
use crate::Result;
use crate::volume::{Header, Volume};

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the formats' own names")]
pub enum Format {
    Png,
    Jpeg,
    Tiff,
}

impl Format {
    /// The format of a file that begins with these bytes.
    pub fn sniff(start: &[u8]) -> Option<Self> {
        if start.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if start.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| start.starts_with(*magic)) {
            Some(Self::Tiff)
        } else {
            None
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Tiff => "TIFF",
        }
    }
}

/// Opens an image; of several pages none but the first is decoded yet. An image or page keeps `limits`, all pages
/// together `volume_limits`.
///
/// # Errors
/// [`crate::Error::Read`], [`crate::Error::Format`], [`crate::Error::Unsupported`], or [`crate::Error::Limit`] before anything
/// is decoded.
pub fn open(path: &Path, limits: &Limits, volume_limits: &Limits, grey: Grey) -> Result<Box<dyn Source>> {
    let (header, bytes) = match read::format(path)? {
        Format::Tiff => return tiff_read::open(path, limits, volume_limits, grey),
        format => read::image(path, format, limits, grey)?,
    };
    Ok(Box::new(Volume::new(header, bytes)?))
}

/// The header that [`open`] would give, without decoding (notes on the content excepted).
///
/// # Errors
/// As [`open`], as far as the beginning of the file shows them.
pub fn probe(path: &Path, limits: &Limits, grey: Grey) -> Result<Header> {
    match read::format(path)? {
        // The type is only fixed with the pixels.
        Format::Tiff => Ok(tiff_read::open(path, limits, limits, grey)?.header().clone()),
        format => read::header(path, format, limits),
    }
}

/// Begins a PNG (8- or 16-bit unsigned, one image) or a TIFF (8- or 16-bit integers or float32, one page per slice).
///
/// # Errors
/// [`crate::Error::Unsupported`] for voxels the format cannot hold, [`crate::Error::Write`].
pub fn create(target: &Target, header: &Header) -> Result<Box<dyn Output>> {
    if target.path().extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
        return write::png(target, header);
    }
    tiff_write::create(target, header)
}
