//! One number a voxel, for one volume: in memory, or in a scratch file.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytemuck::Pod;
use rayon::prelude::*;

use crate::io::ScratchFile;
use crate::{Error, Hint, Result};

/// VolumeSquares of the voxels of one volume, x fastest.
pub enum VoxelStore<'a, T> {
    Memory(Vec<T>),
    /// From this byte of the file on.
    Disk(&'a ScratchFile, u64),
}

/// A store that many threads write to, each its own voxels.
pub enum VoxelSlots<'a, T> {
    /// In parts of so many, each of which one thread writes at a time.
    Memory(Vec<Mutex<&'a mut [T]>>, usize),
    Disk(&'a ScratchFile, u64),
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
            Self::Disk(scratch, start) => VoxelSlots::Disk(scratch, *start),
        }
    }

    /// The numbers of some voxels: lent, or read into `buffer`.
    pub fn read<'b>(&'b self, voxels: Range<usize>, buffer: &'b mut Vec<T>) -> Result<&'b [T]> {
        match self {
            Self::Memory(values) => Ok(&values[voxels]),
            Self::Disk(scratch, start) => {
                buffer.resize(voxels.len(), T::zeroed());
                scratch.read(start + (voxels.start * size_of::<T>()) as u64, bytemuck::cast_slice_mut(buffer))?;
                Ok(buffer)
            }
        }
    }

    /// Reads columns from the file into a buffer, row behind row; none where they lie in memory.
    pub fn fetch(&self, slab: ColumnBlock, buffer: &mut Vec<T>) -> Result<()> {
        let Self::Disk(scratch, start) = self else { return Ok(()) };
        buffer.resize(slab.rows * slab.width, T::zeroed());
        buffer.par_chunks_exact_mut(slab.width).enumerate().try_for_each(|(row, values)| {
            let at = slab.start + row * slab.stride;
            scratch.read(start + (at * size_of::<T>()) as u64, bytemuck::cast_slice_mut(values))
        })
    }

    /// Writes them back.
    pub fn put_back(&self, slab: ColumnBlock, buffer: &[T]) -> Result<()> {
        let Self::Disk(scratch, start) = self else { return Ok(()) };
        buffer.par_chunks_exact(slab.width).enumerate().try_for_each(|(row, values)| {
            let at = slab.start + row * slab.stride;
            scratch.write(start + (at * size_of::<T>()) as u64, bytemuck::cast_slice(values))
        })
    }
}

impl<T: Pod> VoxelSlots<'_, T> {
    /// Writes numbers from a voxel on, all in one part.
    pub fn put(&self, at: usize, values: &[T]) -> Result<()> {
        match self {
            Self::Memory(parts, each) => {
                let mut part = parts[at / each].lock().unwrap_or_else(PoisonError::into_inner);
                part[at % each..][..values.len()].copy_from_slice(values);
                Ok(())
            }
            Self::Disk(scratch, start) => scratch.write(start + (at * size_of::<T>()) as u64, bytemuck::cast_slice(values)),
        }
    }
}
