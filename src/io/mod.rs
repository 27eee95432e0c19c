//! Files: every format reads and writes blocks of voxels behind two traits. No wgpu here, no analysis.

pub mod dicom;
mod free_space;
mod grey;
mod limits;
#[cfg(test)]
mod mutations;
pub mod nifti;
mod open;
pub mod output;
mod place;
mod positional;
pub mod raster;
#[cfg(test)]
mod round_trips;
pub mod slices;
mod stack;
#[cfg(test)]
mod tests;
mod write_behind;

pub use grey::Grey;
pub use limits::Limits;
pub use open::{OpenOptions, WriteOptions, create, open};

use crate::Result;
use crate::volume::{Header, Volume};

/// A volume that can be read block by block, from several threads at once.
pub trait Source: Send + Sync {
    /// What the voxels mean. Never changes.
    fn header(&self) -> &Header;

    /// Fills `into` with the stored values from voxel `at` on: little-endian, a whole number of voxels, within the volume.
    ///
    /// # Errors
    /// [`crate::Error::Read`] or [`crate::Error::Format`], with the path.
    fn read(&self, at: u64, into: &mut [u8]) -> Result<()>;

    /// How many voxels are decoded together (a compressed slice): blocks that begin and end at multiples of it cost least.
    fn unit(&self) -> u64 {
        1
    }

    /// Whether reading in ascending order is much cheaper than jumping about (gzip). Any order gives the right voxels.
    fn sequential(&self) -> bool {
        false
    }

    /// All voxels, where they lie in memory already.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

/// Where voxels go: blocks come in any order, from several threads, each voxel once.
pub trait Sink: Send + Sync {
    /// Takes the stored values from voxel `at` on.
    ///
    /// # Errors
    /// [`crate::Error::Write`], with the path.
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()>;
}

/// A file being written. Jobs take a [`Sink`], for what they write may pass through others first; only who began a file ends it.
pub trait Output: Sink {
    /// Completes the temporary file and flushes it to disk; [`output::publish`] then gives it its name.
    ///
    /// # Errors
    /// [`crate::Error::Write`], with the path.
    fn finish(self: Box<Self>) -> Result<output::Staged>;
}

impl Source for Volume {
    fn header(&self) -> &Header {
        self.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let start = at as usize * self.header().dtype.bytes();
        into.copy_from_slice(&self.bytes()[start..start + into.len()]);
        Ok(())
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self.bytes())
    }
}
