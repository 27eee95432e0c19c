//! OME-Zarr 0.4 (in Zarr version 2) and 0.5 (in version 3, in shards or not), and Zarr arrays without OME metadata.
//!
//! A file of this format is a folder. Its arrays are cut into chunks, each compressed by itself, several of them in one file where they lie in
//! shards. x is the axis of that name; of an array without names the last. Axes of one place (channels) are volumes of their own, of which the
//! option `series` picks one, as it does in TIFF files. The first level of a pyramid is read; another is opened by its own path (`a.zarr/1`).
//!
//! The metadata are JSON, of which a few fields are looked at: names, descriptions and the like are never taken. Chunks are decoded here,
//! because a decoder that believes a chunk's own word on its length could be made to ask for any amount of memory.

mod array;
mod blosc;
mod cache;
mod codec;
mod describe;
mod folder;
mod image;
mod json;
mod layout;
mod names;
mod node;
mod ome;
mod shard;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod version2;
mod version3;

pub(super) use names::is_replaceable;

use std::path::Path;

use super::output::Target;
use super::{Format, InFolder, Limits, OpenOptions, Output, Source, WriteOptions};
use crate::Result;
use crate::volume::Header;

/// OME-Zarr, a folder.
pub(super) const FORMAT: Format = Format {
    name: "OME-Zarr",
    read: names::ENDINGS,
    written: names::ENDINGS,
    in_folder: InFolder::Itself,
    limits: Limits::VOLUME,
    knows_better: false,
    sniff: |path, _| names::is_node(path),
    open,
    probe: None,
    create: Some(create),
};

/// Opens the image of an OME-Zarr folder, one of its levels, or a Zarr array. Shapes are checked before anything is allocated; a chunk is read when its
/// voxels are asked for. Up to two rows of chunks across a slice are kept decoded, at most 1 GiB.
///
/// # Errors
/// [`crate::Error::Read`], [`crate::Error::Format`], [`crate::Error::Unsupported`], [`crate::Error::Limit`], with the path of the folder or of what is
/// wrong in it; [`crate::Error::Usage`] for a channel that is not there.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    image::open(path, options)
}

/// Begins an OME-Zarr folder of one level: version 0.5 in shards of a few slices, or 0.4 as [`WriteOptions::zarr`] says. Spacing is kept, and the place in
/// the patient where the axes run along the patient's. Where a rescale says what stored values mean, real ones are written.
///
/// # Errors
/// [`crate::Error::Write`]. How far voxels will shrink is not known: a disk that fills up is reported when it does.
pub fn create(target: &Target, header: &Header, options: &WriteOptions) -> Result<Box<dyn Output>> {
    sink::create(target, header, options)
}
