//! NIfTI-1 and NIfTI-2, single files, plain or gzipped.
//!
//! Only the fields that say how voxels lie and what they mean are read. `descrip`, `aux_file`, the names and all header
//! extensions may hold a patient's name: they are neither kept nor shown.

mod affine;
mod fields;
mod header;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;

use super::output::Target;
use super::stored::{FilePacking, fill};
use super::{Format, InFolder, Limits, OpenOptions, Output, Source, WriteOptions, ends};
use crate::volume::Header;
use crate::{Error, Result};

/// What pairs of files are called: known here, to be told apart from damaged files.
const PAIR: [&str; 4] = [".hdr", ".img", ".hdr.gz", ".img.gz"];

/// NIfTI-1 and NIfTI-2 in single files.
pub(super) const FORMAT: Format = Format {
    name: "NIfTI",
    read: &[".nii", ".nii.gz", PAIR[0], PAIR[1], PAIR[2], PAIR[3]],
    written: &[".nii", ".nii.gz"],
    in_folder: InFolder::Alone,
    limits: Limits::VOLUME,
    knows_better: true,
    sniff: begins_like_nifti,
    open,
    probe: None,
    create: Some(create),
};

/// Whether a file begins like a NIfTI file, through gzip too.
pub fn is_nifti(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut start = [0; LONGEST_HEADER];
    let n = fill(&mut file, &mut start);
    begins_like_nifti(path, &start[..n])
}

/// Whether a file that begins with `start` is one, through gzip too.
fn begins_like_nifti(path: &Path, start: &[u8]) -> bool {
    if !start.starts_with(&FilePacking::GZIP_MAGIC) {
        return has_magic(start);
    }
    let Ok(mut reader) = FilePacking::Gzip.open(path, 0) else { return false };
    let mut start = [0; LONGEST_HEADER];
    let n = fill(&mut reader, &mut start);
    has_magic(&start[..n])
}

/// Of NIfTI-2, with its flag bytes.
const LONGEST_HEADER: usize = 544;

/// Opens a NIfTI file. Its header is checked against the size of the file before anything is allocated.
///
/// # Errors
/// [`Error::Read`], [`Error::Format`], [`Error::Unsupported`] or [`Error::Limit`], with the path.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    if ends(path, &PAIR) && !is_nifti(path) {
        let what = "an Analyze or NIfTI pair (.hdr and .img)";
        return Err(Error::unsupported(path, what, "convert it to one .nii or .nii.gz file"));
    }
    source::open(path, &options.limits(FORMAT.limits), options.grey)
}

/// Begins a NIfTI file: NIfTI-1, or NIfTI-2 where an axis is longer than 32,767; gzipped if the name ends in `.gz`.
///
/// # Errors
/// [`Error::Write`], also for a disk that is too small, and [`Error::Unsupported`] for a rescale that varies by slice.
pub fn create(target: &Target, header: &Header, options: &WriteOptions) -> Result<Box<dyn Output>> {
    sink::create(target, header, options)
}

fn has_magic(start: &[u8]) -> bool {
    fields::Fields::read(start).is_some_and(|f| matches!(&f.magic[..3], b"n+1" | b"n+2" | b"ni1" | b"ni2"))
}
