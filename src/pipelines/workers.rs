//! The CPU's way over a volume: every thread reads, computes and writes its own block, which stays in its cache.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::cuts::block_voxels;
use super::{Observer, Watch};
use crate::io::Source;
use crate::{Error, Hint, Result};

/// Bytes of a block. On two cores blocks of 1 to 2 MiB run three times as fast as of 64 MiB.
const BLOCK_BYTES: u64 = 1 << 20;

/// Buffers of a block's size that a thread may hold: voxels, wide voxels before narrowing, mask, result, its compressed form.
const BUFFERS: u64 = 8;

/// What is read of a volume.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub source: &'a dyn Source,
    /// One byte a voxel, as many voxels as the source.
    pub mask: Option<&'a dyn Source>,
    pub observer: Option<Observer<'a>>,
}

impl<'a> Input<'a> {
    pub fn of(source: &'a dyn Source) -> Self {
        Self { source, mask: None, observer: None }
    }

    pub fn sequential(&self) -> bool {
        self.source.sequential() || self.mask.is_some_and(Source::sequential)
    }

    /// Reads voxels and mask into the buffers. Voxels that lie in memory are not copied.
    pub fn read<'b>(&self, at: u64, voxels: u64, buffer: &'b mut Vec<u8>, mask: &mut Vec<u8>) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        self.read_by(at, voxels, buffer, mask, |source, into| source.read(at, into))
    }

    /// The same by all threads, where voxels may be read in any order: for a GPU's units of many mebibytes.
    pub fn read_wide<'b>(&self, at: u64, voxels: u64, buffer: &'b mut Vec<u8>, mask: &mut Vec<u8>) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        self.read_by(at, voxels, buffer, mask, |source, into| {
            if source.sequential() {
                return source.read(at, into);
            }
            let (step, size) = (block_voxels(source, BLOCK_BYTES), source.header().dtype.bytes());
            // Parts end where decode units do, so that none is decoded twice.
            let first = (step - at % step).min(voxels);
            let (head, rest) = into.split_at_mut(first as usize * size);
            let parts = rest.par_chunks_mut(step as usize * size).enumerate();
            let (head, rest) = rayon::join(
                || source.read(at, head),
                || parts.try_for_each(|(i, part)| source.read(at + first + i as u64 * step, part)),
            );
            head.and(rest)
        })
    }

    fn read_by<'b>(
        &self,
        at: u64,
        voxels: u64,
        buffer: &'b mut Vec<u8>,
        mask: &mut Vec<u8>,
        read: impl Fn(&dyn Source, &mut [u8]) -> Result<()>,
    ) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        let bytes = self.source.header().dtype.bytes() as u64;
        if let Some(m) = self.mask {
            room(mask, voxels)?;
            read(m, mask)?;
        }
        if let Some(all) = self.source.in_memory() {
            return Ok(&all[(at * bytes) as usize..((at + voxels) * bytes) as usize]);
        }
        room(buffer, voxels * bytes)?;
        read(self.source, buffer)?;
        Ok(buffer)
    }
}

/// Makes a buffer so many bytes long; no memory is an error, not an abort.
pub(super) fn room(buffer: &mut Vec<u8>, bytes: u64) -> Result<()> {
    let missing = (bytes as usize).saturating_sub(buffer.len());
    if buffer.try_reserve_exact(missing).is_err() {
        return Err(Error::usage(format!("no memory for {bytes} bytes"), Hint::LessMemory));
    }
    buffer.resize(bytes as usize, 0);
    Ok(())
}

/// One block, with its mask bytes.
pub(super) struct Part<'a> {
    pub at: u64,
    pub bytes: &'a [u8],
    pub mask: Option<&'a [u8]>,
}

/// Hands every block from voxel `from` on to `work` on some thread, with that thread's state; returns all states.
///
/// Blocks are taken in ascending order. The first error stops all threads.
pub(super) fn each<S: Send>(
    input: Input<'_>,
    from: u64,
    watch: &dyn Watch,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Part<'_>) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let total = input.source.header().shape.voxels();
    let fair = watch.memory_bytes() / (BUFFERS * rayon::current_num_threads() as u64);
    let step = block_voxels(input.source, fair.clamp(1 << 14, BLOCK_BYTES));
    let next = AtomicU64::new(from);
    // Where jumping about is dear, one thread reads at a time while the others compute.
    let reading = input.sequential().then(|| Mutex::new(()));
    let failed = AtomicBool::new(false);
    let error = Mutex::new(None);

    let one = |state: &mut S, buffer: &mut Vec<u8>, mask: &mut Vec<u8>| -> Result<bool> {
        let turn = reading.as_ref().map(|r| r.lock().unwrap_or_else(PoisonError::into_inner));
        let at = next.fetch_add(step, Ordering::Relaxed);
        if at >= total {
            return Ok(false);
        }
        if watch.stopped() {
            return Err(Error::Interrupted);
        }
        let bytes = input.read(at, step.min(total - at), buffer, mask)?;
        drop(turn);
        if let Some(see) = input.observer {
            see(at, bytes);
        }
        work(state, Part { at, bytes, mask: input.mask.map(|_| mask.as_slice()) })?;
        watch.advance(bytes.len() as u64);
        Ok(true)
    };
    let states = rayon::broadcast(|_| {
        let mut state = init();
        let (mut buffer, mut mask) = (Vec::new(), Vec::new());
        while !failed.load(Ordering::Relaxed) {
            match one(&mut state, &mut buffer, &mut mask) {
                Ok(true) => {}
                Ok(false) => break,
                Err(e) => {
                    failed.store(true, Ordering::Relaxed);
                    error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
                }
            }
        }
        state
    });
    match error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(e) => Err(e),
        None => Ok(states),
    }
}
