//! NRRD, "nearly raw raster data" (teem), NRRD0001 to NRRD0005: one file, or a header with data files beside it.
//!
//! Axes of space come first, x fastest. An axis of time or a list behind them becomes t; numbers of one place before them (a list, a vector)
//! are read as volumes one behind the other; red, green and blue become grey. Directions in a patient's space become LPS+ millimetres.
//! The format has no rescale that tools agree on (`old min` and `old max` belong to quantisation): stored values are the real ones.

mod axes;
mod header;
mod sink;
mod source;
mod space;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::output::Target;
use super::{Format, InFolder, Limits, OpenOptions, Output, Source, WriteOptions};
use crate::Result;
use crate::volume::Header;

/// NRRD, attached or detached.
pub(super) const FORMAT: Format = Format {
    name: "NRRD",
    read: &[".nrrd", ".nhdr"],
    written: &[".nrrd"],
    in_folder: InFolder::Alone,
    limits: Limits::VOLUME,
    knows_better: true,
    sniff: |_, start| start.starts_with(b"NRRD000"),
    open,
    probe: None,
    create: Some(create),
};

/// Opens a NRRD file. Its header is checked against the size of its data before anything is allocated.
///
/// # Errors
/// [`crate::Error::Read`], [`crate::Error::Format`], [`crate::Error::Unsupported`] or [`crate::Error::Limit`], with the path of the header.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    source::open(path, options)
}

/// Begins a NRRD0004 file: one file, raw, little-endian, in the space left-posterior-superior. Where a rescale says what stored values mean,
/// real ones are written.
///
/// # Errors
/// [`crate::Error::Write`], also for a disk that is too small.
pub fn create(target: &Target, header: &Header, _: &WriteOptions) -> Result<Box<dyn Output>> {
    sink::create(target, header)
}
