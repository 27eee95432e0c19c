//! Buffers that are used again. Memory for them is made page by page and costs more than most kernels; a pool hands out what an earlier
//! use has given back.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::memory::STORAGE;
use super::{Gpu, GpuError};

/// The smallest class of sizes.
const LEAST: u64 = 256;

/// What lies ready, the oldest first.
#[derive(Debug, Default)]
struct Shelf {
    free: VecDeque<Free>,
    bytes: u64,
    /// Counts how often the pool was emptied: what was handed out before does not come back.
    age: u64,
}

#[derive(Debug)]
struct Free {
    buffer: wgpu::Buffer,
    busy: Option<wgpu::SubmissionIndex>,
}

/// The buffers of a device that nobody uses now.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    shelf: Arc<Mutex<Shelf>>,
}

/// A buffer from a [pool](Gpu::pooled), which goes back there when this is dropped.
///
/// What holds a clone of the buffer itself must be dropped before: afterwards the next user writes into it. Submissions that use it may still be running,
/// as later ones come after them, but for [mappable ones](Pooled::busy_until).
#[derive(Debug)]
pub struct Pooled {
    buffer: wgpu::Buffer,
    busy: Option<wgpu::SubmissionIndex>,
    pool: Pool,
    age: u64,
    most: u64,
}

impl Pooled {
    /// Says that this submission still uses the buffer: a mappable one is handed out again only after it, since it cannot be mapped before.
    pub fn busy_until(&mut self, submission: wgpu::SubmissionIndex) {
        self.busy = Some(submission);
    }
}

impl Deref for Pooled {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut shelf = self.pool.lock();
        if shelf.age != self.age {
            return;
        }
        shelf.bytes += self.buffer.size();
        shelf.free.push_back(Free { buffer: self.buffer.clone(), busy: self.busy.take() });
        while shelf.bytes > self.most
            && let Some(oldest) = shelf.free.pop_front()
        {
            shelf.bytes -= oldest.buffer.size();
        }
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of everything, also of what is handed out now: after a failure no buffer is known to be whole and unmapped.
    pub fn empty(&self) {
        let mut shelf = self.lock();
        shelf.free.clear();
        shelf.bytes = 0;
        shelf.age += 1;
    }

    /// The buffer of this size and usage that was given back last: its pages are the likeliest to be warm.
    fn take(&self, size: u64, usage: wgpu::BufferUsages) -> (Option<Free>, u64) {
        let mut shelf = self.lock();
        let fits = |free: &Free| free.buffer.size() == size && free.buffer.usage() == usage;
        let found = shelf.free.iter().rposition(fits).and_then(|at| shelf.free.remove(at));
        shelf.bytes -= found.as_ref().map_or(0, |free| free.buffer.size());
        (found, shelf.age)
    }
}

/// A size rounded up to a power of two or to one of the three steps between it and the next: at most a quarter is given away.
fn class(bytes: u64) -> u64 {
    let bytes = bytes.max(LEAST);
    let step = (1 << bytes.ilog2()) / 4;
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

impl Gpu {
    /// Lets go of all buffers that lie ready in the pool: the next job wants others.
    pub fn clear_pool(&self) {
        let mut shelf = self.pool().lock();
        shelf.free.clear();
        shelf.bytes = 0;
    }

    /// A buffer of at least `bytes` bytes, if possible one that was used before. It may be up to a quarter larger than asked for, and holds
    /// what its last user left there; storage is poisoned instead if this device poisons.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], or [`GpuError::Input`] if the device takes no buffer of this size.
    pub fn pooled(&self, kernel: &'static str, bytes: u64, usage: wgpu::BufferUsages) -> Result<Pooled, GpuError> {
        let bytes = bytes.next_multiple_of(4);
        // Where the device takes no more than what is asked for, or less, that is for `buffer` to say.
        let size = if class(bytes) <= self.largest(usage) { class(bytes) } else { bytes };
        let most = self.options().pool_bytes;
        let (found, age) = self.pool().take(size, usage);
        let buffer = match found {
            Some(Free { buffer, busy }) => {
                if let Some(submission) = busy {
                    self.wait(kernel, submission)?;
                }
                buffer
            }
            None => self.buffer(kernel, size, usage, false)?,
        };
        if usage.contains(STORAGE) && self.options().poison_outputs {
            let mut encoder = self.encoder();
            self.poison(&mut encoder, &buffer)?;
            self.submit(kernel, encoder)?;
        }
        Ok(Pooled { buffer, busy: None, pool: self.pool().clone(), age, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Options;
    use crate::ops::testing::gpu;

    /// A device of its own pool that shares the tests' one.
    fn with(options: Options) -> Option<Gpu> {
        let shared = gpu()?;
        Some(Gpu::from_device(shared.device().clone(), shared.queue().clone()).with_options(options))
    }

    /// Bytes and buffers that lie ready.
    fn ready(gpu: &Gpu) -> (u64, usize) {
        let shelf = gpu.pool().lock();
        (shelf.bytes, shelf.free.len())
    }

    #[test]
    fn classes_give_away_a_quarter_at_most() {
        assert_eq!(
            [0, 1, 256, 257, 320, 321, 1 << 24, (1 << 24) + 1].map(class),
            [256, 256, 256, 320, 320, 384, 1 << 24, 5 << 22]
        );
        for bytes in (1..70_000).step_by(7) {
            let size = class(bytes);
            assert!(size >= bytes && size.is_multiple_of(4) && (bytes < LEAST || 4 * (size - bytes) <= bytes), "{bytes}: {size}");
            assert_eq!(class(size), size);
        }
        assert_eq!(class(u64::MAX), u64::MAX);
    }

    #[test]
    fn what_is_given_back_is_used_again_and_never_by_two() {
        let Some(gpu) = with(Options::default()) else { return };
        let take = |bytes| gpu.pooled("test", bytes, STORAGE).unwrap();
        let (first, second) = (take(1000), take(1000));
        assert!(*first != *second, "two guards share a buffer");
        let (kept, other) = (first.clone(), second.clone());
        drop(first);
        assert!(*take(1020) == kept, "the same class");
        assert!(*take(2000) != kept, "another class");
        let staging = gpu.pooled("test", 1000, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST).unwrap();
        assert!(*staging != kept, "another usage");
        drop(second);
        let (third, fourth, fifth) = (take(1000), take(1000), take(1000));
        assert!(
            *third == other && *fourth == kept && *fifth != kept && *fifth != other,
            "the last one back is the first one out"
        );
    }

    #[test]
    fn the_bound_is_kept_and_the_oldest_go_first() {
        let Some(gpu) = with(Options { pool_bytes: 4096, ..Options::default() }) else { return };
        let held = [1024, 2048, 1024, 1024].map(|bytes| gpu.pooled("test", bytes, STORAGE).unwrap());
        let buffers = held.each_ref().map(|guard| (**guard).clone());
        held.into_iter().for_each(drop);
        assert_eq!(ready(&gpu).0, 4096);
        let left: Vec<wgpu::Buffer> = gpu.pool().lock().free.iter().map(|free| free.buffer.clone()).collect();
        assert_eq!(left, buffers[1..]);
        drop(gpu.pooled("test", 8192, STORAGE).unwrap());
        assert_eq!(ready(&gpu), (0, 0), "one beyond the bound pushes all out, itself too");
    }

    #[test]
    fn a_device_out_of_memory_keeps_nothing() {
        let fault = |step| (step == "full").then_some(GpuError::OutOfMemory { kernel: "full" });
        let Some(gpu) = with(Options { fault: Some(Arc::new(fault)), ..Options::default() }) else { return };
        let out = gpu.pooled("test", 1000, STORAGE).unwrap();
        drop(gpu.pooled("test", 5000, STORAGE).unwrap());
        assert_eq!(ready(&gpu).1, 1);
        assert!(gpu.pooled("full", 9000, STORAGE).is_err());
        drop(out);
        assert_eq!(ready(&gpu), (0, 0), "nor what was handed out then");
    }

    #[test]
    fn a_buffer_that_is_busy_is_mapped_only_after_its_submission() {
        let Some(gpu) = with(Options::default()) else { return };
        let target = gpu.storage("test", 1 << 20).unwrap();
        for round in 0..20u8 {
            let bytes = vec![round; 1 << 20];
            let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
            let mut staging = gpu.pooled("test", 1 << 20, usage).unwrap();
            let mut encoder = gpu.encoder();
            gpu.stage("test", &mut encoder, &bytes, &staging, (&target, 0)).unwrap();
            staging.busy_until(gpu.submit("test", encoder).unwrap());
        }
        assert_eq!(ready(&gpu).1, 1);
        assert!(gpu.download("test", &target, 1 << 20).unwrap().iter().all(|b| *b == 19));
    }
}
