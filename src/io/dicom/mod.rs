//! DICOM files and series: found, grouped, ordered, checked, and read slice by slice.
//!
//! Headers are walked by code of our own that knows an allow-list of technical attributes and steps over everything else, so patient
//! text never enters memory, a hostile file cannot make it allocate or recurse, and the place of the pixels is known exactly.
//! Uncompressed pixels are read at that place; compressed ones frame by frame through other people's decoders, behind checks.
//!
//! Voxels are the *stored* values, masked and sign-extended to the bits stored; the rescale stands beside them in the header. Slices
//! ascend along the normal of the image plane.

mod attributes;
mod bytes;
mod colour;
mod decode;
mod elements;
mod fragments;
mod geometry;
#[cfg(test)]
mod handmade;
mod header;
mod layout;
mod order;
mod palette;
mod pixels;
mod series;
mod source;
mod syntax;
mod tags;
#[cfg(test)]
mod tests;
pub mod write;

use std::io::Read;
use std::path::Path;

use crate::io::{Format, InFolder, Limits, OpenOptions, Source};
use crate::{Catalogue, Error, Result};

pub use source::Series;

/// Files and series; what is written is phantoms only, by [`write`].
pub(super) const FORMAT: Format = Format {
    name: "DICOM",
    read: &[".dcm", ".dicom"],
    written: &[],
    in_folder: InFolder::Series,
    limits: Limits::VOLUME,
    knows_better: false,
    sniff: |_, start| elements::looks_like_dicom(start),
    open,
    probe: None,
    create: None,
};

/// The series of a folder, from the headers alone: for a picker. [`OpenOptions::series`] then takes the number of one.
///
/// # Errors
/// [`Error::Format`] if no file of the folder is a DICOM image, [`Error::Read`].
pub fn catalogue(folder: &Path, options: &OpenOptions) -> Result<Catalogue> {
    Ok(series::Folder::scan(folder, options)?.catalogue)
}

/// Opens a DICOM file, or a folder with one series, as a volume of shape x, y, z(, t).
///
/// # Errors
/// [`Error::SeveralSeries`] for a folder of more than one, [`Error::Format`] for broken files, [`Error::Geometry`] for a grid that cannot be trusted,
/// [`Error::Unsupported`] for compressions and colours we cannot decode, [`Error::Limit`], [`Error::Read`].
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    Ok(Box::new(open_series(path, options)?))
}

/// As [`open`], with access to the files behind the slices.
///
/// # Errors
/// As [`open`].
pub fn open_series(path: &Path, options: &OpenOptions) -> Result<Series> {
    let (images, notes) = series::load(path, options)?;
    let (images, ordered) = order::order(path, images, options)?;
    let header = header::build(path, &images, &ordered, notes, options)?;
    Ok(Series::new(header, images, ordered))
}

/// Whether a file looks like DICOM: its magic, or the start of a data set without one. Unreadable files do not.
pub fn is_dicom(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(140).read_to_end(&mut start));
    read.is_ok() && elements::looks_like_dicom(&start)
}

/// What to do about pixels we cannot decode.
const CONVERT: &str = "convert it to an uncompressed grey transfer syntax with another tool";

fn broken(path: &Path, what: impl Into<String>) -> Error {
    Error::format(path, what, "get a fresh copy of the file")
}
