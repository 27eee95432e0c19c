//! JPEG.

use std::path::Path;

use super::exif::Orientation;
use crate::io::codecs::codestream::CodestreamFacts;
use crate::io::codecs::jpeg::{self, JpegFault};
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
    let file = JpegFile::read(path, options)?;
    let image = jpeg::decode(&file.data, None).map_err(|fault| file.fault(fault))?;
    let grey = options.grey;
    let samples = match (file.facts.components, image.width) {
        (1, _) => image.samples,
        (_, 1) => image.samples.as_chunks::<3>().0.iter().map(|&[r, g, b]| grey.of_u8(r, g, b)).collect(),
        _ => {
            let pixels = image.samples.as_chunks::<6>().0.iter();
            let grey_of = |p: &[u8; 6]| {
                let [r, g, b] = [0, 2, 4].map(|i| u16::from_le_bytes([p[i], p[i + 1]]));
                grey.of_u16(r, g, b)
            };
            pixels.flat_map(|p| grey_of(p).to_le_bytes()).collect()
        }
    };
    let samples = file.orientation.turn(samples, [file.facts.columns, file.facts.rows].map(|n| n as usize), image.width);
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
        header.origin.notes.extend(orientation.note());
        Ok(Self { path, data, facts, orientation, header })
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
