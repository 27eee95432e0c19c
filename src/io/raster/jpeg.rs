//! JPEG.

use std::path::Path;

use image::{DynamicImage, ImageBuffer};

use super::decode;
use super::exif::Orientation;
use crate::io::codecs::codestream::CodestreamFacts;
use crate::io::codecs::jpeg::{self, JpegFault, JpegImage};
use crate::io::{Format, InFolder, Limits, OpenOptions, Source};
use crate::volume::{Dtype, Header, Shape, Volume};
use crate::{Error, Result};

/// One image; only read, for JPEG loses what medicine needs.
pub(in crate::io) const FORMAT: Format = Format {
    name: "JPEG",
    read: &[".jpg", ".jpeg"],
    written: &[],
    in_folder: InFolder::Slices,
    limits: Limits::IMAGE,
    knows_better: false,
    sniff: |_, start| start.starts_with(&[0xff, 0xd8, 0xff]),
    open,
    probe: Some(|path, options| Ok(JpegFile::read(path, options)?.header)),
    create: None,
};

fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let mut file = JpegFile::read(path, options)?;
    let image = jpeg::decode(&file.data, None).map_err(|fault| file.fault(fault))?;
    let picture = file.picture(image).ok_or_else(|| file.fault(JpegFault::Damaged("the image has too few samples".into())))?;
    let samples = decode::greys(path, picture, options, &mut file.header)?;
    let size = [file.facts.columns, file.facts.rows].map(|n| n as usize);
    let samples = file.orientation.turn(samples, size, file.header.meaning.dtype.bytes());
    Ok(Box::new(Volume::new(file.header, samples)?))
}

/// A file before its pixels.
struct JpegFile<'a> {
    path: &'a Path,
    data: Vec<u8>,
    facts: CodestreamFacts,
    orientation: Orientation,
    header: Header,
}

impl<'a> JpegFile<'a> {
    /// Reads the file and checks what its frame header claims.
    fn read(path: &'a Path, options: &OpenOptions) -> Result<Self> {
        let limits = options.limits(Limits::IMAGE);
        // No sound file is larger than its pixels by more than what cameras add.
        limits.check(path, std::fs::metadata(path).map_err(Error::read(path))?.len())?;
        let data = std::fs::read(path).map_err(Error::read(path))?;
        let facts = jpeg::facts(&data).map_err(|fault| error(path, fault))?;
        if !matches!(facts.components, 1 | 3) {
            let colours = if facts.components == 4 { "CMYK colours" } else { "two colours" };
            return Err(unsupported(path, format!("JPEG of {colours} is not supported")));
        }
        let dtype = if facts.precision > 8 { Dtype::U16 } else { Dtype::U8 };
        limits.check(path, facts.columns * facts.rows * facts.components * dtype.bytes() as u64)?;
        let orientation = jpeg::application(&data, 0xE1, b"Exif\0\0").map(Orientation::read).unwrap_or_default();
        let [x, y] = if orientation.swaps_axes() { [facts.rows, facts.columns] } else { [facts.columns, facts.rows] };
        let shape =
            Shape::new(&[x, y]).ok_or_else(|| error(path, JpegFault::Damaged(format!("an image of {x} x {y} pixels"))))?;
        let mut header = Header::new(shape, dtype);
        header.origin.format = "JPEG".into();
        header.origin.files = 1;
        if facts.components == 3 {
            options.grey.noted("RGB", &mut header);
        }
        header.origin.notes.extend(orientation.note());
        Ok(Self { path, data, facts, orientation, header })
    }

    /// The pixels as they are stored, for what all images in colours go through.
    fn picture(&self, image: JpegImage) -> Option<DynamicImage> {
        let (columns, rows) = (self.facts.columns as u32, self.facts.rows as u32);
        let bytes = image.samples;
        let words = |bytes: Vec<u8>| bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        match (self.facts.components, image.width) {
            (1, 1) => ImageBuffer::from_raw(columns, rows, bytes).map(DynamicImage::ImageLuma8),
            (1, _) => ImageBuffer::from_raw(columns, rows, words(bytes)).map(DynamicImage::ImageLuma16),
            (_, 1) => ImageBuffer::from_raw(columns, rows, bytes).map(DynamicImage::ImageRgb8),
            _ => ImageBuffer::from_raw(columns, rows, words(bytes)).map(DynamicImage::ImageRgb16),
        }
    }

    fn fault(&self, fault: JpegFault) -> Error {
        error(self.path, fault)
    }
}

fn error(path: &Path, fault: JpegFault) -> Error {
    match fault {
        JpegFault::Damaged(what) => Error::format(path, format!("damaged image: {what}"), "get the file again"),
        JpegFault::Unsupported(what) => unsupported(path, what),
    }
}

fn unsupported(path: &Path, what: String) -> Error {
    Error::unsupported(path, what, "convert the image to 8- or 16-bit grey PNG")
}
