//! Voxels that lie in files as one run of numbers, plain or compressed as a whole: what NIfTI, NRRD, MetaImage and NumPy files share.

mod bytes;
mod data_files;
mod layout;
mod lines;
mod members;
mod output;
mod real;
mod source;
mod stream;
mod text;

pub(super) use bytes::{PlainBytes, read_error};
pub(super) use data_files::{DataFiles, Skip, beside, listed, numbered};
#[cfg(feature = "zarr")]
pub(super) use layout::reverse_each;
pub(super) use layout::{Encoding, VoxelLayout};
pub(super) use lines::{HeaderLines, broken};
pub(super) use output::{Extent, PlainOutput};
pub(super) use real::begin;
#[cfg(feature = "zarr")]
pub(super) use real::begin_real;
pub use real::real_type;
pub(super) use source::StoredSource;
pub(super) use stream::{FilePacking, StreamBytes};
pub(super) use text::numbers;

use std::io::Read;

/// Reads as much as there is, up to the whole of `into`; an error ends it like the end of the file.
pub(super) fn fill(reader: &mut impl Read, into: &mut [u8]) -> usize {
    let mut n = 0;
    while n < into.len() {
        match reader.read(&mut into[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    n
}
