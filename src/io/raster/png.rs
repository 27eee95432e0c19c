//! PNG: one image of 8 or 16 bits.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageFormat};

use super::{decode, indices};
use crate::io::loss::Loss;
use crate::io::output::{Staged, Target};
use crate::io::{Format, InFolder, Limits, Output, Sink};
use crate::volume::{Dtype, Header};
use crate::{Error, Hint, Result};

/// One image.
pub(in crate::io) const FORMAT: Format = Format {
    name: "PNG",
    read: &[".png"],
    written: &[".png"],
    in_folder: InFolder::Slices,
    limits: Limits::IMAGE,
    knows_better: false,
    sniff: |_, start| start.starts_with(b"\x89PNG\r\n\x1a\n"),
    open: indices::open_png,
    probe: Some(|path, options| decode::header(path, ImageFormat::Png, options)),
    create: Some(|target, header, _| create(target, header)),
};

fn create(target: &Target, header: &Header) -> Result<Box<dyn Output>> {
    let path = target.path();
    if header.grid.shape.slices() != 1 {
        return Err(Error::unsupported(path, format!("a PNG holds one image, not {}", header.grid.shape), Hint::OneSlice));
    }
    if !matches!(header.meaning.dtype, Dtype::U8 | Dtype::U16) {
        return Err(Error::unsupported(
            path,
            format!("PNG has no {} pixels", header.meaning.dtype),
            "window or rescale it to 8 or 16 bits, or use .tiff or .nii.gz",
        ));
    }
    let [Ok(width), Ok(height)] = [0, 1].map(|a| u32::try_from(header.grid.shape.axis(a))) else {
        return Err(Error::unsupported(path, "an image longer than 2^32 pixels does not fit PNG", "use .nii.gz"));
    };
    let file = target.create()?;
    let bytes = usize::try_from(header.bytes())
        .map_err(|_| Error::limit(path, "the image is larger than the memory", "use .tiff or .nii.gz"))?;
    Ok(Box::new(Png {
        target: target.clone(),
        file,
        width,
        height,
        dtype: header.meaning.dtype,
        bytes,
        pixels_per_metre: pixels_per_metre(header),
        losses: Loss::of_bare_values(header),
        blocks: Mutex::default(),
    }))
}

/// An image is small: it is gathered, then encoded at once.
struct Png {
    target: Target,
    file: tempfile::NamedTempFile,
    width: u32,
    height: u32,
    dtype: Dtype,
    bytes: usize,
    pixels_per_metre: Option<[u32; 2]>,
    losses: Vec<Loss>,
    blocks: Mutex<BTreeMap<u64, Vec<u8>>>,
}

/// All that PNG knows of the size of pixels: whole numbers of them in a metre.
fn pixels_per_metre(header: &Header) -> Option<[u32; 2]> {
    let [x, y, _] = header.grid.geometry.as_ref()?.spacing_mm;
    let whole = |mm: f64| Some((1e3 / mm).round()).filter(|n| (1.0..2147483648.0).contains(n)).map(|n| n as u32);
    Some([whole(x)?, whole(y)?])
}

/// An encoded image with a chunk `pHYs` (PNG, third edition, 11.3.4.3) behind its header, which is always of one length.
fn with_size(image: &[u8], [x, y]: [u32; 2]) -> Vec<u8> {
    const HEADER: usize = 8 + 25;
    let mut body = b"pHYs".to_vec();
    body.extend(x.to_be_bytes());
    body.extend(y.to_be_bytes());
    body.push(1);
    let sum = crc32fast::hash(&body).to_be_bytes();
    let (head, rest) = image.split_at(HEADER.min(image.len()));
    [head, &9u32.to_be_bytes(), &body, &sum, rest].concat()
}

impl Sink for Png {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).insert(at, bytes.to_vec());
        Ok(())
    }
}

impl Output for Png {
    fn finish(self: Box<Self>) -> Result<Staged> {
        let path = self.target.path();
        let mut pixels: Vec<u8> = Vec::with_capacity(self.bytes);
        for (at, block) in self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner) {
            if at as usize * self.dtype.bytes() == pixels.len() {
                pixels.extend(block);
            }
        }
        if pixels.len() != self.bytes {
            let text = format!("{} of {} bytes of pixels were given", pixels.len(), self.bytes);
            return Err(Error::Write { path: path.into(), source: std::io::Error::other(text) });
        }
        let colour = if self.dtype == Dtype::U16 { ExtendedColorType::L16 } else { ExtendedColorType::L8 };
        if self.dtype == Dtype::U16 {
            // The encoder takes the machine's byte order and gives PNG's.
            pixels.as_chunks_mut().0.iter_mut().for_each(|v| *v = u16::from_le_bytes(*v).to_ne_bytes());
        }
        let mut image = Vec::new();
        PngEncoder::new_with_quality(&mut image, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&pixels, self.width, self.height, colour)
            .map_err(|e| Error::write(path)(std::io::Error::other(e.to_string())))?;
        if let Some(size) = self.pixels_per_metre {
            image = with_size(&image, size);
        }
        self.file.as_file().write_all(&image).map_err(Error::write(path))?;
        self.target.stage(self.file)
    }

    fn losses(&self) -> &[Loss] {
        &self.losses
    }
}
