//! A Zarr array, whichever version describes it.

use std::path::Path;

use super::codec::PackedForm;
use super::layout::NumberLayout;
use super::shard::ShardLayout;
use crate::io::stored::broken;
use crate::io::{Limits, OpenOptions};
use crate::volume::Dtype;
use crate::{Error, Result};

/// Axes that are believed: seven of a volume, and the one that counts channels.
const MOST_AXES: usize = 8;

/// What the metadata say of an array.
pub(super) struct ZarrArray {
    /// Numbers along each axis, the slowest first, none of them zero.
    pub(super) shape: Vec<u64>,
    pub(super) dtype: Dtype,
    /// Truth values, read as 0 and 1.
    pub(super) truth: bool,
    /// Numbers along each axis of what one file holds.
    pub(super) file: Vec<u64>,
    /// Those of what is compressed together: as many, or fewer in shards.
    pub(super) chunk: Vec<u64>,
    pub(super) keys: ChunkKeys,
    /// The number where there is no chunk, little-endian.
    pub(super) fill: Vec<u8>,
    /// How the numbers of a chunk lie.
    pub(super) layout: NumberLayout,
    /// How a chunk is compressed, in the order in which that is undone.
    pub(super) packed: Vec<PackedForm>,
    pub(super) shards: Option<ShardLayout>,
}

/// How the file of a chunk is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkKeys {
    /// Whether a `c` comes first.
    pub(super) lettered: bool,
    pub(super) separator: char,
}

impl ChunkKeys {
    /// The name below the array's folder.
    pub(super) fn name(self, index: &[u64]) -> String {
        let mut name = if self.lettered { "c".to_owned() } else { String::new() };
        for i in index {
            if !name.is_empty() {
                name.push(self.separator);
            }
            name += &i.to_string();
        }
        name
    }
}

impl ZarrArray {
    /// Whether the numbers of the metadata can be believed, and a chunk be decoded.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Unsupported`], and [`Error::Limit`] for a chunk that is too large.
    pub(super) fn check(&self, path: &Path, options: &OpenOptions) -> Result<()> {
        let axes = self.shape.len();
        if axes == 0 || axes > MOST_AXES {
            let what = format!("an array of {axes} axes, 1 to {MOST_AXES} are read");
            return Err(Error::unsupported(path, what, "save an array of up to seven axes"));
        }
        if [&self.file, &self.chunk].iter().any(|sizes| sizes.len() != axes) {
            return Err(broken(path, "chunks have another number of axes than the array"));
        }
        if let Some(axis) = self.shape.iter().position(|n| *n == 0) {
            let what = format!("an empty array: axis {axis} has size 0");
            return Err(Error::format(path, what, "save an array of numbers"));
        }
        if self.file.iter().chain(&self.chunk).any(|n| *n == 0) {
            return Err(broken(path, "chunks without numbers"));
        }
        if self.file.iter().zip(&self.chunk).any(|(file, chunk)| file % chunk != 0) {
            return Err(broken(path, "shards are not whole numbers of chunks"));
        }
        if self.shape.iter().try_fold(1u64, |n, axis| n.checked_mul(*axis)).is_none_or(|n| n > 1 << 62) {
            return Err(Error::unsupported(path, "more than 2^62 voxels", "cut the array"));
        }
        options.limits(Limits::IMAGE).check(path, self.chunk_voxels().saturating_mul(self.dtype.bytes() as u64))
    }

    /// Numbers of a chunk, those beyond the array's edges among them.
    pub(super) fn chunk_voxels(&self) -> u64 {
        self.chunk.iter().fold(1u64, |n, axis| n.saturating_mul(*axis))
    }

    /// Chunks of a file along each axis: one, but in shards.
    pub(super) fn per_file(&self) -> impl Iterator<Item = u64> {
        self.file.iter().zip(&self.chunk).map(|(file, chunk)| file / chunk)
    }

    /// Bytes of a chunk: fewer than the limit.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk_voxels() as usize * self.dtype.bytes()
    }
}
