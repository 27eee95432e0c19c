//! NIfTI-1 and NIfTI-2, single files and pairs, and Analyze 7.5; plain or gzipped.
//!
//! Axes beyond the third are kept; each of their places is a volume. Only the fields that say how voxels lie and what they mean are read. `descrip`, `aux_file`, the names and all header
//! extensions may hold a patient's name: they are neither kept (but for extensions that a caller asks for) nor shown.

mod affine;
mod axes;
mod extensions;
mod fields;
mod header;
mod pair;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use self::pair::FilePair;
use super::output::Target;
use super::stored::{FilePacking, fill};
use super::{Format, InFolder, Limits, OpenOptions, Output, Source, WriteOptions, ends};
use crate::volume::Header;
use crate::{Error, Result};

const PAIR: [&str; 4] = pair::ENDINGS;

/// NIfTI-1, NIfTI-2 and Analyze 7.5.
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
    magic_of(path).is_some()
}

/// The magic of a file, through gzip too; none of what is no NIfTI file.
fn magic_of(path: &Path) -> Option<[u8; 4]> {
    let mut start = [0; LONGEST_HEADER];
    let mut file = File::open(path).ok()?;
    let n = fill(&mut file, &mut start);
    if !start[..n].starts_with(&FilePacking::GZIP_MAGIC) {
        return magic(&start[..n]);
    }
    let n = fill(&mut FilePacking::Gzip.open(path, 0).ok()?, &mut start);
    magic(&start[..n])
}

/// Whether a file that begins with `start` is one, through gzip too.
fn begins_like_nifti(path: &Path, start: &[u8]) -> bool {
    if start.starts_with(&FilePacking::GZIP_MAGIC) { is_nifti(path) } else { magic(start).is_some() }
}

/// Of NIfTI-2, with its flag bytes.
const LONGEST_HEADER: usize = 544;

/// Opens a NIfTI file, or a pair by the name of either file. The header is checked against the size of the file before anything is allocated.
///
/// # Errors
/// [`Error::Read`], [`Error::Format`], [`Error::Unsupported`] or [`Error::Limit`], with the path.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    if ends(path, &PAIR) && !is_single(path) {
        return source::pair(path, &FilePair::of(path)?, options);
    }
    source::single(path, path, options)
}

/// Reads a NIfTI volume, plain or gzipped, from what can be read but once: it is kept in a temporary file as long as the source lives. `path` is what errors call it.
///
/// # Errors
/// As [`open`]; [`Error::Limit`] for more bytes than a volume may have.
pub fn receive(path: &Path, input: &mut impl Read, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let most = options.limits(FORMAT.limits).max_bytes.saturating_add(extensions::MOST);
    let mut file = tempfile::NamedTempFile::new().map_err(Error::read(path))?;
    let copied = std::io::copy(&mut input.take(most.saturating_add(1)), &mut file).map_err(Error::read(path))?;
    if copied > most {
        return Err(Error::limit(path, format!("more than {most} bytes"), "raise the limit if the volume is genuine"));
    }
    let file = file.into_temp_path();
    let source = source::single(path, &file, options)?;
    Ok(Box::new(source::Spooled { source, _file: file }))
}

/// Begins a NIfTI file: NIfTI-1, or NIfTI-2 where an axis is longer than 32,767; gzipped if the name ends in `.gz`.
///
/// # Errors
/// [`Error::Write`], also for a disk that is too small, and [`Error::Unsupported`] for a rescale that varies by slice.
pub fn create(target: &Target, header: &Header, options: &WriteOptions) -> Result<Box<dyn Output>> {
    sink::create(target, header, options)
}

/// Whether a file holds header and voxels, whatever its name says.
fn is_single(path: &Path) -> bool {
    magic_of(path).is_some_and(|magic| matches!(&magic[..3], b"n+1" | b"n+2"))
}

fn magic(start: &[u8]) -> Option<[u8; 4]> {
    let magic = fields::Fields::read(start)?.magic;
    matches!(&magic[..3], b"n+1" | b"n+2" | b"ni1" | b"ni2").then_some(magic)
}
