//! The data: volumes, their geometry and meaning, exact histograms and lookup tables. No files, no GPU.

mod affine;
mod counts;
mod dtype;
mod geometry;
mod grid;
mod header;
pub mod keys;
mod label;
mod placement;
mod rescale;
mod shape;
mod table;
mod tile;
mod turn;

pub use affine::Affine;
pub use counts::Counts;
pub use dtype::Dtype;
pub use geometry::{Geometry, Position};
pub use grid::{Grid, VolumeMark};
pub use header::{Acquisition, Display, Extensions, Header, Meaning, Origin, Padding, Unit, VoiLut, Window, WindowFunction};
pub use label::{LabelScale, Rounded};
pub use placement::{Align, Placement};
pub use rescale::{Rescale, Rescales};
pub use shape::Shape;
pub use table::Table;
pub use tile::Tile;
pub use turn::Turn;

use crate::{Error, Result};

/// Any run of voxels in host memory: little-endian stored values, no slice structure.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Type of the voxels.
    pub dtype: Dtype,
    /// A whole number of voxels.
    pub bytes: &'a [u8],
}

impl Block<'_> {
    /// Number of voxels.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.bytes()
    }

    /// Whether there are no voxels.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Who looks on while voxels are read, so that pictures need no pass of their own.
pub trait Observe: Sync {
    /// Sees voxels from voxel `at` on. Called from many threads, in any order, once for each voxel.
    fn see(&self, at: u64, block: Block<'_>);
}

impl<F: Fn(u64, Block<'_>) + Sync> Observe for F {
    fn see(&self, at: u64, block: Block<'_>) {
        self(at, block);
    }
}

/// A volume, or an image, in host memory.
#[derive(Debug, Clone)]
pub struct Volume {
    header: Header,
    bytes: Vec<u8>,
}

impl Volume {
    /// A volume of the voxels in `bytes`: little-endian, x fastest.
    ///
    /// # Errors
    /// [`Error::Usage`] if the number of bytes does not fit the header.
    pub fn new(header: Header, bytes: Vec<u8>) -> Result<Self> {
        if bytes.len() as u64 != header.bytes() {
            return Err(Error::usage(
                format!("{} bytes for {} {} voxels", bytes.len(), header.grid.shape, header.meaning.dtype),
                format!("give {} bytes", header.bytes()),
            ));
        }
        Ok(Self { header, bytes })
    }

    /// What the voxels mean.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The stored values, little-endian, x fastest.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All voxels as one block.
    pub fn block(&self) -> Block<'_> {
        Block { dtype: self.header.meaning.dtype, bytes: &self.bytes }
    }

    /// Header and bytes.
    pub fn into_parts(self) -> (Header, Vec<u8>) {
        (self.header, self.bytes)
    }
}
