//! One number a voxel, for one volume: in memory, or in a scratch file.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytemuck::Pod;
use rayon::prelude::*;

use super::layout::StripLayout;
use crate::io::ScratchFile;
use crate::{Error, Hint, Result};

/// VolumeSquares of the voxels of one volume, x fastest.
pub enum VoxelStore<'a, T> {
    Memory(Vec<T>),
    /// From this byte of the file on, in strips.
    Disk(&'a ScratchFile, u64, StripLayout),
}

/// A store that many threads write to, each its own voxels.
pub enum VoxelSlots<'a, T> {
    /// In parts of so many, each of which one thread writes at a time.
    Memory(Vec<Mutex<&'a mut [T]>>, usize),
    Disk(&'a ScratchFile, u64, StripLayout),
}

/// Columns through a store: `rows` of them that begin at `start` and lie `stride` voxels apart, each `width` wide.
#[derive(Debug, Clone, Copy)]
pub struct ColumnBlock {
    pub start: usize,
    pub stride: usize,
    pub rows: usize,
    pub width: usize,
}

impl<T: Pod + Send + Sync> VoxelStore<'_, T> {
    /// Room for so many numbers in memory.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is none.
    pub fn in_memory(voxels: usize) -> Result<Self> {
        // Memory that is asked for and not there is an error, not an abort.
        let mut values: Vec<T> = Vec::new();
        if values.try_reserve_exact(voxels).is_err() {
            return Err(Error::usage(format!("no memory for {} bytes", voxels * size_of::<T>()), Hint::LessMemory));
        }
        values.resize(voxels, T::zeroed());
        Ok(Self::Memory(values))
    }

    /// For threads to write to, in parts of `each` voxels.
    pub fn slots(&mut self, each: usize) -> VoxelSlots<'_, T> {
        match self {
            Self::Memory(values) => VoxelSlots::Memory(values.chunks_mut(each).map(Mutex::new).collect(), each),
            Self::Disk(scratch, start, layout) => VoxelSlots::Disk(scratch, *start, *layout),
        }
    }

    /// The numbers of some voxels: lent, or read into `buffer`.
    pub fn read<'b>(&'b self, voxels: Range<usize>, buffer: &'b mut Vec<T>) -> Result<&'b [T]> {
        match self {
            Self::Memory(values) => Ok(&values[voxels]),
            Self::Disk(scratch, start, layout) => {
                buffer.resize(voxels.len(), T::zeroed());
                layout.read((scratch, *start), voxels, buffer)?;
                Ok(buffer)
            }
        }
    }

    /// Reads columns from the file into a buffer, row behind row; none where they lie in memory.
    pub fn fetch(&self, slab: ColumnBlock, buffer: &mut Vec<T>) -> Result<()> {
        let Self::Disk(scratch, start, layout) = self else { return Ok(()) };
        buffer.resize(slab.rows * slab.width, T::zeroed());
        let own = slab.in_strips(layout);
        buffer.par_chunks_mut(own.each).enumerate().try_for_each(|(i, values)| {
            let at = own.start + i * own.stride;
            scratch.read(start + (at * size_of::<T>()) as u64, bytemuck::cast_slice_mut(values))
        })
    }

    /// Writes them back.
    pub fn put_back(&self, slab: ColumnBlock, buffer: &[T]) -> Result<()> {
        let Self::Disk(scratch, start, layout) = self else { return Ok(()) };
        let own = slab.in_strips(layout);
        buffer.par_chunks(own.each).enumerate().try_for_each(|(i, values)| {
            let at = own.start + i * own.stride;
            scratch.write(start + (at * size_of::<T>()) as u64, bytemuck::cast_slice(values))
        })
    }
}

/// Runs of a block of columns in a file.
struct StripRuns {
    start: usize,
    stride: usize,
    each: usize,
}

/// Voxels that a thread reads or writes of a strip at a time.
const RUN: usize = 1 << 18;

impl ColumnBlock {
    /// A strip as a whole, or columns within a slice that is a strip of its own.
    fn in_strips(&self, layout: &StripLayout) -> StripRuns {
        if self.stride == layout.slice && layout.strip(self.start).1 == self.width {
            return StripRuns { start: layout.strip(self.start).0, stride: RUN, each: RUN };
        }
        debug_assert_eq!(layout.width, layout.slice, "columns of other strips");
        StripRuns { start: self.start, stride: self.stride, each: self.width }
    }
}

impl<T: Pod> VoxelSlots<'_, T> {
    /// Writes numbers from a voxel on.
    pub fn put(&self, at: usize, values: &[T]) -> Result<()> {
        match self {
            Self::Memory(parts, each) => {
                let mut rest = values;
                while !rest.is_empty() {
                    let place = at + values.len() - rest.len();
                    let (now, later) = rest.split_at(rest.len().min(each - place % each));
                    let mut part = parts[place / each].lock().unwrap_or_else(PoisonError::into_inner);
                    part[place % each..][..now.len()].copy_from_slice(now);
                    rest = later;
                }
                Ok(())
            }
            Self::Disk(scratch, start, layout) => layout.write((scratch, *start), at, values),
        }
    }
}
