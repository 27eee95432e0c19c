//! TIFF and BigTIFF: each page is a slice, unless the file says what else it is.
//!
//! Directories, pages and pixels are read by this module (TIFF 6.0, its technical notes and BigTIFF), because what is stored must come
//! out as it is stored: low values that are meant to be bright stay low, and are said to be bright.
//!
//! What pages are to each other is taken from the descriptions of ImageJ, of OME-TIFF and of tifffile. Of a description only numbers
//! and known words are taken; it may name a patient.

mod bits;
mod codec;
mod described;
mod description;
mod directory;
#[cfg(test)]
mod handmade;
mod imagej;
mod ome;
mod page;
mod pixel;
mod place;
mod read;
mod roles;
mod shaped;
mod source;
mod tags;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use crate::Error;
use crate::io::{Format, InFolder, Limits};

/// Volumes, a page for each slice.
pub(in crate::io) const FORMAT: Format = Format {
    name: "TIFF",
    read: &[".tif", ".tiff"],
    written: &[".tif", ".tiff"],
    in_folder: InFolder::Slices,
    limits: Limits::VOLUME,
    knows_better: false,
    sniff: |_, start| [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| start.starts_with(*magic)),
    open: read::open,
    probe: None,
    create: Some(|target, header, _| write::create(target, header)),
};

/// The file is broken.
fn damaged(path: &Path, what: impl Into<String>) -> Error {
    Error::format(path, what, "get the file again")
}

/// The file is fine, but its pixels are of a kind that is not read here.
fn lacking(path: &Path, what: impl Into<String>) -> Error {
    Error::unsupported(path, what, "convert it to grey of 8 or 16 bits, or float32, without compression")
}
