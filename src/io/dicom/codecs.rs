//! Decompression of one frame. Third-party decoders run behind checks of what the image claims, and behind `catch_unwind`.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use dicom_encoding::TransferSyntaxIndex;
use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::layout::{Colour, Layout};
use super::syntax::{Compression, Syntax};
use super::{CONVERT, broken, codestream, rle};
use crate::{Error, Result};

/// A frame this large must not be packed more than [`SUSPICIOUS_RATIO`] times.
const SUSPICIOUS_BYTES: u128 = 64 << 20;
const SUSPICIOUS_RATIO: u128 = 1000;

/// Whether there is a decoder for the syntax at all.
pub(super) fn check(path: &Path, syntax: &Syntax) -> Result<()> {
    match syntax.compression {
        Compression::JpegLs => Err(Error::unsupported(path, "JPEG-LS is not supported", CONVERT)),
        Compression::Unknown if syntax.uid.is_empty() => Err(broken(path, "the transfer syntax is no UID")),
        Compression::Unknown => {
            Err(Error::unsupported(path, format!("the transfer syntax {} is not supported", syntax.label()), CONVERT))
        }
        _ => Ok(()),
    }
}

/// The samples of one compressed frame, little-endian and side by side, and how they are laid out now.
pub(super) fn decode<'a>(path: &Path, syntax: &Syntax, layout: &'a Layout, data: &[u8]) -> Result<(Vec<u8>, Cow<'a, Layout>)> {
    check(path, syntax)?;
    let damaged = || broken(path, "a compressed frame is damaged");
    let wanted = layout.frame_bits().div_ceil(8);
    if wanted > SUSPICIOUS_BYTES && wanted > SUSPICIOUS_RATIO * data.len() as u128 {
        return Err(broken(path, format!("a frame of {wanted} bytes cannot lie in {} compressed ones", data.len())));
    }
    if layout.bits_allocated == 1 && syntax.compression != Compression::Wrapped {
        return Err(Error::unsupported(path, "compressed pixels of one bit are not supported", CONVERT));
    }
    let mut now = Layout { planar: false, ..layout.clone() };
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
            let facts = codestream::jpeg(data).ok_or_else(damaged)?;
            fits(path, layout, &facts)?;
            if now.is_colour() {
                now.colour = Colour::Rgb;
            }
            jpeg(path, layout, data, &facts)?
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
        Compression::JpegLs | Compression::Unknown => Vec::new(),
    };
    if (samples.len() as u128) < wanted {
        return Err(broken(path, format!("a frame decodes to {} bytes where {wanted} are needed", samples.len())));
    }
    Ok((samples, Cow::Owned(now)))
}

fn fits(path: &Path, layout: &Layout, facts: &codestream::Facts) -> Result<()> {
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

fn jpeg(path: &Path, layout: &Layout, data: &[u8], facts: &codestream::Facts) -> Result<Vec<u8>> {
    use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};
    if facts.precision != 8 && !facts.lossless {
        return Err(Error::unsupported(path, format!("JPEG of {} bits is not supported", facts.precision), CONVERT));
    }
    let decoded = guarded(path, || {
        let mut decoder = Decoder::new(data);
        if layout.samples == 3 && !facts.colour_marked {
            // Without a marker in the image the header of the file decides.
            let transform = if layout.colour == Colour::Rgb { ColorTransform::RGB } else { ColorTransform::YCbCr };
            decoder.set_color_transform(transform);
        }
        let samples = decoder.decode().ok()?;
        Some((samples, decoder.info()?.pixel_format))
    })?;
    Ok(match (decoded, layout.bits_allocated) {
        ((samples, PixelFormat::L8 | PixelFormat::RGB24), 8) => samples,
        ((samples, PixelFormat::L8), 16) => samples.into_iter().flat_map(|s| [s, 0]).collect(),
        ((samples, PixelFormat::L16), 16) => {
            samples.chunks_exact(2).flat_map(|s| u16::from_ne_bytes([s[0], s[1]]).to_le_bytes()).collect()
        }
        _ => return Err(broken(path, "a JPEG frame has another depth than the header says")),
    })
}

/// Runs a decoder; a panic or a refusal both mean that the frame is damaged.
fn guarded<T>(path: &Path, decode: impl FnOnce() -> Option<T>) -> Result<T> {
    // Nothing that the decoder touched is used after a panic.
    catch_unwind(AssertUnwindSafe(decode)).ok().flatten().ok_or_else(|| broken(path, "a compressed frame cannot be decoded"))
}

fn registry(path: &Path, syntax: &Syntax, layout: &Layout, data: &[u8]) -> Result<Vec<u8>> {
    if !matches!(layout.bits_allocated, 8 | 16) {
        let what = format!("compressed pixels of {} bits are not supported", layout.bits_allocated);
        return Err(Error::unsupported(path, what, CONVERT));
    }
    let reader = TransferSyntaxRegistry.get(&syntax.uid).and_then(|ts| ts.pixel_data_reader());
    let reader = reader.ok_or_else(|| Error::unsupported(path, "this compression is not supported", CONVERT))?;
    let frame = OneFrame { syntax, layout, data };
    guarded(path, || {
        let mut out = Vec::new();
        reader.decode_frame(&frame, 0, &mut out).ok().map(|()| out)
    })
}

/// One compressed frame, as the decoders of dicom-rs want to see it.
struct OneFrame<'a> {
    syntax: &'a Syntax,
    layout: &'a Layout,
    data: &'a [u8],
}

impl PixelDataObject for OneFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        &self.syntax.uid
    }
    fn rows(&self) -> Option<u16> {
        self.layout.rows.try_into().ok()
    }
    fn cols(&self) -> Option<u16> {
        self.layout.columns.try_into().ok()
    }
    fn samples_per_pixel(&self) -> Option<u16> {
        self.layout.samples.try_into().ok()
    }
    fn bits_allocated(&self) -> Option<u16> {
        Some(self.layout.bits_allocated)
    }
    fn bits_stored(&self) -> Option<u16> {
        Some(self.layout.bits_stored)
    }
    fn photometric_interpretation(&self) -> Option<&str> {
        Some(if self.layout.samples == 1 { "MONOCHROME2" } else { "RGB" })
    }
    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }
    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }
    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.data))
    }
    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        None
    }
    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData { fragments: vec![self.data.to_vec()].into(), offset_table: Vec::new().into() })
    }
}
