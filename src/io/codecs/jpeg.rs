//! JPEG: baseline and lossless, by `jpeg-decoder`.

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use super::guarded;

/// How wide the decoded samples are, and how many make a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum JpegSamples {
    /// One byte for grey, three for colour.
    Bytes,
    /// Two bytes of grey.
    Words,
    /// What medical images do not have.
    Other,
}

/// The samples of an image, colours as red, green and blue. `rgb` says, if anything does, whether they are stored that way: the image's
/// own marker, or else a guess, decides where nothing does.
pub(in crate::io) fn decode(data: &[u8], rgb: Option<bool>) -> Option<(Vec<u8>, JpegSamples)> {
    guarded(|| {
        let mut decoder = Decoder::new(data);
        if let Some(rgb) = rgb {
            decoder.set_color_transform(if rgb { ColorTransform::RGB } else { ColorTransform::YCbCr });
        }
        let mut samples = decoder.decode().ok()?;
        let kind = match decoder.info()?.pixel_format {
            PixelFormat::L8 | PixelFormat::RGB24 => JpegSamples::Bytes,
            PixelFormat::L16 => JpegSamples::Words,
            PixelFormat::CMYK32 => JpegSamples::Other,
        };
        if kind == JpegSamples::Words {
            samples.as_chunks_mut::<2>().0.iter_mut().for_each(|s| *s = u16::from_ne_bytes(*s).to_le_bytes());
        }
        Some((samples, kind))
    })
}
