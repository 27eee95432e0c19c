//! DICOM files and series: found, grouped, ordered, checked, and read slice by slice.
//!
//! Headers are walked by code of our own that knows an allow-list of technical attributes and steps over everything else, so patient
//! text never enters memory, a hostile file cannot make it allocate or recurse, and the place of the pixels is known exactly.
//! Uncompressed pixels are read at that place; compressed ones frame by frame through other people's decoders, behind checks.
//!
//! Voxels are the *stored* values, masked and sign-extended to the bits stored; the rescale stands beside them in the header. Slices
//! ascend along the normal of the image plane.

mod attributes;
mod axis;
mod bytes;
mod colour;
mod dataset;
mod decode;
mod display;
mod elements;
mod fragments;
mod frames;
mod geometry;
#[cfg(test)]
mod handmade;
mod header;
mod jpegls;
mod kinds;
mod layout;
mod lut;
mod marks;
mod mosaic;
mod numbers;
mod order;
mod palette;
mod pixels;
mod places;
mod regrid;
mod segments;
mod series;
mod source;
mod syntax;
mod tags;
#[cfg(test)]
mod tests;
mod time;
pub mod write;

use std::io::Read;
use std::path::{Path, PathBuf};

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
    Ok(series::Folder::scan(&[folder.to_path_buf()], options)?.catalogue)
}

/// Opens a DICOM file, or a folder with one series, as a volume of shape x, y, z(, t).
///
/// # Errors
/// As [`open_files`].
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    open_as_volume(&[path.to_path_buf()], options)
}

/// Opens files as [`open_files`] does, and puts the slices onto a regular grid where [`OpenOptions::regrid`] asks for one and they make none.
///
/// # Errors
/// As [`open_files`].
pub fn open_as_volume(paths: &[PathBuf], options: &OpenOptions) -> Result<Box<dyn Source>> {
    let mut series = open_files(paths, options)?;
    Ok(match series.uneven_places() {
        Some(places) => Box::new(regrid::Regridded::new(series, places, options)?.into_source()),
        None => Box::new(series),
    })
}

/// As [`open`], with access to the files behind the slices, which are as they are stored. Several files are what a folder of them would be: their order does not count.
///
/// # Errors
/// [`Error::SeveralSeries`] for files of more than one, [`Error::SeveralVolumes`] where a series holds several kinds of image,
/// [`Error::Format`] for broken files, [`Error::Geometry`] for a grid that cannot be trusted,
/// [`Error::Unsupported`] for compressions and colours we cannot decode, [`Error::Limit`], [`Error::Read`].
pub fn open_files(paths: &[PathBuf], options: &OpenOptions) -> Result<Series> {
    let place = paths.first().ok_or_else(|| Error::usage("no DICOM file is given", "give at least one"))?;
    let (images, notes) = series::load(paths, options)?;
    let (images, ordered) = order::order(place, images, options)?;
    let header = header::build(place, &images, &ordered, notes, options)?;
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
