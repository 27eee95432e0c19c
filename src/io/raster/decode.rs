//! Images that the `image` crate decodes as a whole: PNG.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::labels;
use crate::io::{Grey, Limits, OpenOptions, Role, Source};
use crate::volume::{Dtype, Header, Shape, Volume};
use crate::{Error, Result};

/// Decoders need room besides the picture itself.
pub(super) const WORKING_SPACE: u64 = 64 << 20;

/// The most that PNG can expand: deflate 1032 : 1, and one bit of a palette to four bytes.
const MOST_EXPANSION: u64 = 1032 * 32;

/// The header that [`open`] would give, without decoding (notes on the content excepted).
pub(super) fn header(path: &Path, format: ImageFormat, options: &OpenOptions) -> Result<Header> {
    let decoder = decoder(path, format, options.limits(Limits::IMAGE))?;
    described(path, format, options.grey, &decoder)
}

/// Decodes an image; its size is checked before.
pub(super) fn open(path: &Path, format: ImageFormat, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let decoder = decoder(path, format, options.limits(Limits::IMAGE))?;
    let mut header = described(path, format, options.grey, &decoder)?;
    let image = DynamicImage::from_decoder(decoder).map_err(|e| error(path, e))?;
    let bytes = greys(path, image, options, &mut header)?;
    Ok(Box::new(Volume::new(header, bytes)?))
}

/// One grey value per pixel, with notes of what was lost; masks and label maps in colours by their own rule.
pub(super) fn greys(path: &Path, image: DynamicImage, options: &OpenOptions, header: &mut Header) -> Result<Vec<u8>> {
    let mut notes = Vec::new();
    let coloured = (options.role != Role::Image && image.color().has_color()).then(|| image.clone());
    let mut bytes = to_grey(image, options.grey, &mut notes)
        .ok_or_else(|| Error::unsupported(path, "pixels of this type", "convert the image to 8- or 16-bit grey"))?;
    if let Some(image) = coloured {
        notes.extend(labels::settle(path, &image, options, &mut bytes)?);
    }
    header.origin.notes.extend(notes);
    Ok(bytes)
}

fn decoder(path: &Path, format: ImageFormat, limits: Limits) -> Result<impl ImageDecoder> {
    let file = File::open(path).map_err(Error::read(path))?;
    let length = file.metadata().map_err(Error::read(path))?.len();
    let mut reader = ImageReader::with_format(BufReader::new(file), format);
    let mut bound = image::Limits::no_limits();
    bound.max_alloc = Some(limits.max_bytes.saturating_add(WORKING_SPACE));
    reader.limits(bound);
    let decoder = reader.into_decoder().map_err(|e| error(path, e))?;
    limits.check(path, decoder.total_bytes())?;
    if format == ImageFormat::Png && decoder.total_bytes() / MOST_EXPANSION > length {
        let (width, height) = decoder.dimensions();
        let what = format!("truncated: {length} bytes for an image of {width} x {height} pixels");
        return Err(Error::format(path, what, "get the file again"));
    }
    Ok(decoder)
}

fn described(path: &Path, format: ImageFormat, grey: Grey, decoder: &impl ImageDecoder) -> Result<Header> {
    let (width, height) = decoder.dimensions();
    let shape = Shape::new(&[width.into(), height.into()])
        .ok_or_else(|| Error::format(path, format!("an image of {width} x {height} pixels"), "get the file again"))?;
    let colour = decoder.color_type();
    let dtype = if colour.bytes_per_pixel() / colour.channel_count() == 2 { Dtype::U16 } else { Dtype::U8 };
    let mut header = Header::new(shape, dtype);
    header.origin.format = if format == ImageFormat::Png { "PNG" } else { "JPEG" }.into();
    header.origin.files = 1;
    if colour.has_color() {
        grey.noted("RGB", &mut header);
    }
    Ok(header)
}

/// One grey value per pixel, little-endian; none for pixel types that neither format has.
fn to_grey(image: DynamicImage, grey: Grey, notes: &mut Vec<String>) -> Option<Vec<u8>> {
    fn transparent<T: PartialEq>(pixels: &[T], channels: usize, opaque: T, notes: &mut Vec<String>) {
        if pixels.iter().skip(channels - 1).step_by(channels).any(|a| *a != opaque) {
            notes.push("transparency was left out".into());
        }
    }
    let words = |values: Vec<u16>| values.into_iter().flat_map(u16::to_le_bytes).collect();
    Some(match image {
        DynamicImage::ImageLuma8(i) => i.into_raw(),
        DynamicImage::ImageLumaA8(i) => {
            transparent(&i, 2, u8::MAX, notes);
            i.iter().step_by(2).copied().collect()
        }
        DynamicImage::ImageRgb8(i) => i.as_chunks().0.iter().map(|&[r, g, b]| grey.of_u8(r, g, b)).collect(),
        DynamicImage::ImageRgba8(i) => {
            transparent(&i, 4, u8::MAX, notes);
            i.as_chunks().0.iter().map(|&[r, g, b, _]| grey.of_u8(r, g, b)).collect()
        }
        DynamicImage::ImageLuma16(i) => words(i.into_raw()),
        DynamicImage::ImageLumaA16(i) => {
            transparent(&i, 2, u16::MAX, notes);
            words(i.iter().step_by(2).copied().collect())
        }
        DynamicImage::ImageRgb16(i) => words(i.as_chunks().0.iter().map(|&[r, g, b]| grey.of_u16(r, g, b)).collect()),
        DynamicImage::ImageRgba16(i) => {
            transparent(&i, 4, u16::MAX, notes);
            words(i.as_chunks().0.iter().map(|&[r, g, b, _]| grey.of_u16(r, g, b)).collect())
        }
        _ => return None,
    })
}

fn error(path: &Path, error: ImageError) -> Error {
    let broken = |what: String| Error::format(path, what, "get the file again");
    match error {
        ImageError::IoError(e) => io_error(path, e),
        ImageError::Limits(e) => Error::limit(path, one_line(&e), "raise the limit if the file is genuine"),
        ImageError::Unsupported(e) => Error::unsupported(path, one_line(&e), "convert the image to 8- or 16-bit grey PNG"),
        e => broken(format!("damaged image ({})", one_line(&e))),
    }
}

/// What reading gives, the file's fault or the system's.
pub(super) fn io_error(path: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind;
    let broken = |what: String| Error::format(path, what, "get the file again");
    match error.kind() {
        ErrorKind::UnexpectedEof => broken("truncated: the image ends early".into()),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => broken(format!("damaged image ({})", one_line(&error))),
        _ => Error::read(path)(error),
    }
}

pub(super) fn one_line(text: &impl std::fmt::Display) -> String {
    text.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect()
}
