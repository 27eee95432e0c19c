//! Files: every format reads and writes blocks of voxels behind two traits. No wgpu here, no analysis.

mod codecs;
pub mod dicom;
mod format;
mod free_space;
mod grey;
mod length;
mod limits;
mod loss;
pub mod metaimage;
#[cfg(test)]
mod mutations;
mod names;
pub mod nifti;
pub mod npy;
pub mod nrrd;
mod open;
mod options;
pub mod output;
mod place;
mod positional;
pub mod raster;
#[cfg(test)]
mod round_trips;
mod scratch;
pub mod slices;
mod stack;
mod stored;
mod table;
#[cfg(test)]
mod tests;
pub mod transform;
mod write_behind;
#[cfg(feature = "zarr")]
pub mod zarr;

pub use format::FORMATS;
pub use grey::Grey;
pub use limits::Limits;
pub use loss::Loss;
pub use names::{label_names, names_beside};
pub use open::{create, open};
#[cfg(feature = "zarr")]
pub use options::OmeVersion;
pub use options::{ExtensionPolicy, Follow, OpenOptions, Role, WriteOptions};
pub use scratch::ScratchFile;
pub use stored::real_type;
pub use table::{NumberCell, TextTable};

use std::path::Path;

use crate::Result;
use crate::volume::{Header, Tile, Volume};

/// Instead of a file name: standard input or output, as NIfTI.
pub const STREAM: &str = "-";

/// A volume that can be read block by block, from several threads at once.
pub trait Source: Send + Sync {
    /// What the voxels mean. Never changes.
    fn header(&self) -> &Header;

    /// Fills `into` with the stored values from voxel `at` on: little-endian, a whole number of voxels, within the volume.
    ///
    /// # Errors
    /// [`crate::Error::Read`] or [`crate::Error::Format`], with the path.
    fn read(&self, at: u64, into: &mut [u8]) -> Result<()>;

    /// Fills `into` with a tile, its slices one behind the other.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn read_tile(&self, tile: &Tile, into: &mut [u8]) -> Result<()> {
        let (shape, size) = (&self.header().grid.shape, self.header().meaning.dtype.bytes());
        let mut rest = into;
        for (at, voxels) in tile.runs(shape) {
            let (run, later) = rest.split_at_mut(voxels as usize * size);
            self.read(at, run)?;
            rest = later;
        }
        Ok(())
    }

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

    /// What is known of the volume and is not in the file.
    fn losses(&self) -> &[Loss] {
        &[]
    }
}

/// One format: a row of [`FORMATS`]. Each stands in the room of its format, and all ways in and out go through it.
#[derive(Debug)]
pub struct Format {
    /// As people write it.
    pub name: &'static str,
    /// Endings of its files' names, in lower case, with the dot.
    pub read: &'static [&'static str],
    /// Those under which it can be written.
    pub written: &'static [&'static str],
    /// What its files are beside others in a folder.
    pub in_folder: InFolder,
    /// What one file may claim to hold.
    pub limits: Limits,
    /// Whether its reader says more about a file that only has the name, but not the beginning, than that it has not.
    knows_better: bool,
    /// Whether a file that begins like this is one; the path, for what lies behind a compression and for folders, which begin with nothing.
    sniff: fn(&Path, &[u8]) -> bool,
    open: fn(&Path, &OpenOptions) -> Result<Box<dyn Source>>,
    /// The header alone (notes on the content excepted), where that is cheaper than to open the file.
    probe: Option<fn(&Path, &OpenOptions) -> Result<Header>>,
    create: Option<Create>,
}

/// Begins a file.
type Create = fn(&output::Target, &Header, &WriteOptions) -> Result<Box<dyn Output>>;

/// What the files of a format are beside others in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFolder {
    /// Slices of series, which the format itself sorts out.
    Series,
    /// Slices of one volume, in the order of their names.
    Slices,
    /// Nothing to each other.
    Alone,
    /// Parts: the folder itself is a file of this format.
    Itself,
}

impl Format {
    /// Whether files of this name are its files.
    pub fn reads(&self, path: &Path) -> bool {
        ends(path, self.read)
    }

    /// Whether a file of this name is written as one.
    pub fn writes(&self, path: &Path) -> bool {
        ends(path, self.written)
    }

    fn header(&self, path: &Path, options: &OpenOptions) -> Result<Header> {
        match self.probe {
            Some(probe) => probe(path, options),
            None => Ok((self.open)(path, options)?.header().clone()),
        }
    }
}

fn ends(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

impl Source for Volume {
    fn header(&self) -> &Header {
        self.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let start = at as usize * self.header().meaning.dtype.bytes();
        into.copy_from_slice(&self.bytes()[start..start + into.len()]);
        Ok(())
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self.bytes())
    }
}
