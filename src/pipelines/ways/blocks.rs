//! The CPU's way over a volume: every thread reads, computes and writes its own block, which stays in its cache.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::cuts::block_voxels;
use crate::Result;
use crate::pipelines::input::{Buffers, Part};
use crate::pipelines::{Input, Run};

/// Bytes of a block. On two cores blocks of 1 to 2 MiB run three times as fast as of 64 MiB.
pub const BLOCK_BYTES: u64 = 1 << 20;

/// Buffers of a block's size that a thread may hold: voxels, wide voxels before narrowing, mask, result, its compressed form.
const BUFFERS: u64 = 8;

/// A pass over all blocks of an input.
pub struct Blocks<'a> {
    input: &'a Input<'a>,
    run: &'a Run<'a>,
    from: u64,
}

impl<'a> Blocks<'a> {
    /// All of them.
    pub fn of(input: &'a Input<'a>, run: &'a Run<'a>) -> Self {
        Self { input, run, from: 0 }
    }

    /// Those from a voxel on.
    pub fn from(self, voxel: u64) -> Self {
        Self { from: voxel, ..self }
    }

    /// Hands every block on to `work` on some thread, with that thread's state; returns all states.
    ///
    /// Blocks are taken in ascending order. The first error stops all threads.
    pub fn each<S: Send>(
        &self,
        init: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, Part<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        let Self { input, run, from } = *self;
        let total = input.header().grid.shape.voxels();
        let fair = run.memory_bytes / (BUFFERS * rayon::current_num_threads() as u64);
        let step = block_voxels(input.source().as_ref(), fair.clamp(1 << 14, BLOCK_BYTES));
        let next = AtomicU64::new(from);
        // Where jumping about is dear, one thread reads at a time while the others compute.
        let reading = input.sequential().then(|| Mutex::new(()));

        take_turns(init, |state, buffers: &mut Buffers| {
            let turn = reading.as_ref().map(|r| r.lock().unwrap_or_else(PoisonError::into_inner));
            let at = next.fetch_add(step, Ordering::Relaxed);
            if at >= total {
                return Ok(false);
            }
            run.stop()?;
            let part = input.read_with((at, step.min(total - at)), buffers, |source, at, into| source.read(at, into))?;
            drop(turn);
            input.show(at, part.blocks[0]);
            let bytes = part.bytes().len() as u64;
            work(state, part)?;
            run.advance(bytes);
            Ok(true)
        })
    }
}

/// Calls `one` on every thread, with that thread's state and buffers, until it says that there is no more to do; returns all states. The
/// first error stops all threads.
pub fn take_turns<S: Send, B: Default>(
    init: impl Fn() -> S + Sync,
    one: impl Fn(&mut S, &mut B) -> Result<bool> + Sync,
) -> Result<Vec<S>> {
    let failed = AtomicBool::new(false);
    let error = Mutex::new(None);
    let states = rayon::broadcast(|_| {
        let (mut state, mut buffers) = (init(), B::default());
        while !failed.load(Ordering::Relaxed) {
            match one(&mut state, &mut buffers) {
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
