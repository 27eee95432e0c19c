//! MetaImage (MetaIO, ITK): one file (.mha), or a header (.mhd) with data files beside it.
//!
//! Axes are read as ITK reads them: x fastest, LPS+ millimetres, row `a` of the matrix is the direction of axis `a`; a fourth axis is t. Three or
//! four channels of 8 or 16 bits are taken for colours and become grey, other channels are read as volumes one behind the other.
//! The format has no rescale that tools apply: stored values are the real ones.

mod header;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::output::Target;
use super::{Format, InFolder, Limits, OpenOptions, Output, Source, WriteOptions};
use crate::Result;
use crate::volume::Header;

/// MetaImage, in one file or several.
pub(super) const FORMAT: Format = Format {
    name: "MetaImage",
    read: &[".mha", ".mhd"],
    written: &[".mha"],
    in_folder: InFolder::Alone,
    limits: Limits::VOLUME,
    knows_better: true,
    sniff: |_, start| header::begins_like_metaimage(start),
    open,
    probe: None,
    create: Some(create),
};

/// Opens a MetaImage. Its header is checked against the size of its data before anything is allocated.
///
/// # Errors
/// [`crate::Error::Read`], [`crate::Error::Format`], [`crate::Error::Unsupported`] or [`crate::Error::Limit`], with the path of the header.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    source::open(path, options)
}

/// Begins a MetaImage: one file, not compressed, lowest byte first. Where a rescale says what stored values mean,
/// real ones are written.
///
/// # Errors
/// [`crate::Error::Write`], also for a disk that is too small.
pub fn create(target: &Target, header: &Header, _: &WriteOptions) -> Result<Box<dyn Output>> {
    sink::create(target, header)
}
