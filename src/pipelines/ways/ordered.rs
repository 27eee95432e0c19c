//! The way where every part of a volume is worked on by all threads at once: parts come in order, and the next is read meanwhile.

use rayon::prelude::*;

use crate::Result;
use crate::pipelines::input::room;
use crate::pipelines::{Input, Run};
use crate::volume::Tile;

/// Bytes that a thread reads at a time.
const READ_BYTES: usize = 1 << 20;

/// Parts of an input in an order of the caller's.
pub struct Ordered<'a> {
    input: &'a Input<'a>,
    run: &'a Run<'a>,
}

impl<'a> Ordered<'a> {
    /// Parts of this input.
    pub fn of(input: &'a Input<'a>, run: &'a Run<'a>) -> Self {
        Self { input, run }
    }

    /// Hands one part after the other on to `work`, with its number.
    pub fn each(&self, parts: &[Tile], mut work: impl FnMut(usize, &[u8]) -> Result<()> + Send) -> Result<()> {
        let (mut now, mut next) = (Vec::new(), Vec::new());
        if let Some(first) = parts.first() {
            self.read(first, &mut now)?;
        }
        for (i, part) in parts.iter().enumerate() {
            self.run.stop()?;
            let bytes = self.input.in_memory(part).unwrap_or(&now);
            let (read, done) =
                rayon::join(|| parts.get(i + 1).map_or(Ok(()), |after| self.read(after, &mut next)), || work(i, bytes));
            done.and(read)?;
            std::mem::swap(&mut now, &mut next);
            self.run.advance(self.bytes(part));
        }
        Ok(())
    }

    /// The voxels of a part, read into the buffer unless they lie in memory already.
    pub fn voxels<'b>(&'b self, part: &Tile, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        self.read(part, buffer)?;
        Ok(self.input.in_memory(part).unwrap_or(buffer.as_slice()))
    }

    /// Bytes of a part.
    pub fn bytes(&self, part: &Tile) -> u64 {
        let header = self.input.header();
        part.voxels(&header.grid.shape) * header.meaning.dtype.bytes() as u64
    }

    /// By all threads, unless jumping about is dear.
    fn read(&self, part: &Tile, buffer: &mut Vec<u8>) -> Result<()> {
        if self.input.in_memory(part).is_some() {
            return Ok(());
        }
        room(buffer, self.bytes(part))?;
        let slices = part.z.end - part.z.start;
        let slice = (self.bytes(part) / slices) as usize;
        let together = (READ_BYTES / slice).max(1);
        if self.input.sequential() || slices <= together as u64 {
            return self.input.source().read_tile(part, buffer);
        }
        buffer.par_chunks_mut(together * slice).enumerate().try_for_each(|(i, bytes)| {
            let start = part.z.start + (i * together) as u64;
            let z = start..start + (bytes.len() / slice) as u64;
            self.input.source().read_tile(&Tile { z, ..part.clone() }, bytes)
        })
    }
}
