//! Voxels into plain files: a header, and the voxels behind it.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::io::output::{Staged, Target};
use crate::io::{Loss, Output, Sink, free_space, positional, write_behind};
use crate::volume::Header;
use crate::{Error, Result};

/// What is to be written.
pub(in crate::io) struct Extent {
    voxel: u64,
    pub(in crate::io) bytes: u64,
}

impl Extent {
    /// All voxels of a header.
    pub(in crate::io) fn of(header: &Header) -> Self {
        Self { voxel: header.meaning.dtype.bytes() as u64, bytes: header.bytes() }
    }

    /// The byte at which a block begins among the voxels, if it lies inside.
    pub(in crate::io) fn place(&self, at: u64, bytes: &[u8]) -> Result<u64> {
        let begin = at.checked_mul(self.voxel);
        let end = begin.and_then(|b| b.checked_add(bytes.len() as u64));
        match (begin, end) {
            (Some(begin), Some(end)) if end <= self.bytes => Ok(begin),
            _ => Err(Error::usage(
                format!("a block of {} bytes at voxel {at} does not fit {} bytes of voxels", bytes.len(), self.bytes),
                "write blocks that lie in the volume",
            )),
        }
    }

    /// Refuses to finish a file with holes.
    pub(in crate::io) fn complete(&self, target: &Target, written: u64) -> Result<()> {
        if written == self.bytes {
            return Ok(());
        }
        let text = format!("{written} of {} bytes of voxels were given", self.bytes);
        Err(Error::Write { path: target.path().into(), source: std::io::Error::other(text) })
    }
}

/// A plain file: any thread writes any part.
pub(in crate::io) struct PlainOutput {
    target: Target,
    file: tempfile::NamedTempFile,
    start: u64,
    extent: Extent,
    written: AtomicU64,
    losses: Vec<Loss>,
}

/// Bytes that a thread writes at a time.
const BLOCK: usize = 1 << 20;

impl PlainOutput {
    /// Begins a file with the bytes of its header, which does not say `losses`; voxels follow as they are.
    ///
    /// # Errors
    /// [`Error::Write`] with the path, also for a disk that is too small.
    pub(in crate::io) fn begin(target: &Target, header: &Header, start: &[u8], losses: Vec<Loss>) -> Result<Box<dyn Output>> {
        let mut file = target.create()?;
        free_space::check(file.as_file(), target.path(), start.len() as u64 + header.bytes())?;
        file.write_all(start).map_err(Error::write(target.path()))?;
        let (start, extent) = (start.len() as u64, Extent::of(header));
        Ok(Box::new(Self { target: target.clone(), file, start, extent, written: AtomicU64::new(0), losses }))
    }
}

impl Sink for PlainOutput {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let byte = self.start + self.extent.place(at, bytes)?;
        let (file, total) = (self.file.as_file(), self.start + self.extent.bytes);
        // A GPU brings many blocks at once; a thread of the CPU one or two.
        let blocks = bytes.par_chunks(BLOCK).with_min_len(2).enumerate();
        let written = blocks.try_for_each(|(i, block)| {
            let byte = byte + (i * BLOCK) as u64;
            positional::write_all_at(file, block, byte)?;
            write_behind::wrote(file, byte, block.len() as u64, total)
        });
        written.map_err(Error::write(self.target.path()))?;
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Output for PlainOutput {
    fn finish(self: Box<Self>) -> Result<Staged> {
        self.extent.complete(&self.target, self.written.into_inner())?;
        self.target.stage(self.file)
    }

    fn losses(&self) -> &[Loss] {
        &self.losses
    }
}
