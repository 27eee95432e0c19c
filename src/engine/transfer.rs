//! Many mebibytes to the device and back through a few staging buffers that are used again: memory that a device can read must be made,
//! page by page, which costs more than the transfer.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::Duration;

use rayon::prelude::*;

use super::memory::STORAGE;
use super::pool::Pooled;
use super::{Gpu, GpuError};

/// How long a finished submission may take to call back.
const CALLBACK: Duration = Duration::from_secs(10);

/// Bytes of a staging buffer: enough that submitting costs little against the transfer.
pub(super) const PART: usize = 16 << 20;

/// One being copied by the host while another is on the bus.
const RING: usize = 3;

/// Bytes that a thread copies at a time. One core does not fill a bus of 50 GB/s.
const COPY: usize = 1 << 18;

/// Copies with all threads into memory that may only be written.
fn copy_in(view: wgpu::WriteOnly<'_, [u8]>, bytes: &[u8]) {
    let (parts, mut rest) = view.into_chunks::<COPY>();
    let (whole, tail) = bytes.split_at(bytes.len() - bytes.len() % COPY);
    let parts: Vec<_> = parts.into_iter().zip(whole.chunks_exact(COPY)).collect();
    parts.into_par_iter().with_min_len(2).for_each(|(part, bytes)| wgpu::WriteOnly::<[u8]>::from(part).copy_from_slice(bytes));
    rest.copy_from_slice(tail);
}

/// Copies with all threads.
fn copy_out(view: &[u8], bytes: &mut [u8]) {
    bytes.par_chunks_mut(COPY).with_min_len(2).zip(view.par_chunks(COPY)).for_each(|(to, from)| to.copy_from_slice(from));
}

/// A staging buffer, the submission that uses it, and what is to be done when that is over.
struct Errand<T> {
    staging: Pooled,
    submission: wgpu::SubmissionIndex,
    then: T,
}

/// The oldest errand, once there are as many as there may be.
fn full<T>(errands: &mut VecDeque<Errand<T>>) -> Option<Errand<T>> {
    if errands.len() == RING { errands.pop_front() } else { None }
}

impl Gpu {
    /// The bytes of a buffer, copied through a mapped one: when this returns `Ok`, all that was submitted before has happened.
    ///
    /// # Errors
    /// Any [`GpuError`]; a lost device is found here at the latest.
    pub fn download(&self, kernel: &'static str, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, GpuError> {
        let mut out = vec![0; bytes as usize];
        self.download_into(kernel, buffer, &mut out)?;
        Ok(out)
    }

    /// The same into memory that is there: `out` takes the first bytes of the buffer.
    ///
    /// # Errors
    /// As [`Gpu::download`].
    pub fn download_into(&self, kernel: &'static str, buffer: &wgpu::Buffer, out: &mut [u8]) -> Result<(), GpuError> {
        download(self, kernel, buffer, out)
    }

    /// Waits for a submission that ends in a copy to the mappable buffer `staging`, and copies that buffer's first bytes out.
    pub(crate) fn read_mapped(
        &self,
        kernel: &'static str,
        staging: &wgpu::Buffer,
        submission: wgpu::SubmissionIndex,
        out: &mut [u8],
    ) -> Result<(), GpuError> {
        let (sender, receiver) = mpsc::channel();
        let slice = staging.slice(..(out.len() as u64).next_multiple_of(4));
        self.guarded(kernel, || {
            slice.map_async(wgpu::MapMode::Read, move |result| {
                // The receiver is gone only if this function has returned already.
                let _ = sender.send(result);
            });
        })?;
        self.poll(kernel, Some(submission))?;
        // The submission is done; the callback may still be running on another thread that polls. If it says no, or never comes,
        // the device is gone.
        let Ok(Ok(())) = receiver.recv_timeout(CALLBACK) else { return Err(self.gone(kernel)) };
        {
            let view = slice.get_mapped_range().map_err(|_| self.gone(kernel))?;
            copy_out(&view[..out.len()], out);
        }
        staging.unmap();
        Ok(())
    }

    /// Writes bytes into the mappable buffer `upload`, which no submission uses now, and records their copy to a place in another.
    pub(crate) fn stage(
        &self,
        kernel: &'static str,
        encoder: &mut wgpu::CommandEncoder,
        bytes: &[u8],
        upload: &wgpu::Buffer,
        target: (&wgpu::Buffer, u64),
    ) -> Result<(), GpuError> {
        let (sender, receiver) = mpsc::channel();
        let size = (bytes.len() as u64).next_multiple_of(4);
        let slice = upload.slice(..size);
        self.guarded(kernel, || {
            slice.map_async(wgpu::MapMode::Write, move |result| {
                let _ = sender.send(result);
            });
        })?;
        // Nothing uses the buffer, so one look is enough for wgpu to map it.
        self.device().poll(wgpu::PollType::Poll).map_err(|_| self.gone(kernel))?;
        let Ok(Ok(())) = receiver.recv_timeout(CALLBACK) else { return Err(self.gone(kernel)) };
        {
            let mut view = slice.get_mapped_range_mut().map_err(|_| self.gone(kernel))?;
            // The last word is whole.
            view.slice(bytes.len()..).fill(0);
            copy_in(view.slice(..bytes.len()), bytes);
        }
        self.guarded(kernel, || upload.unmap())?;
        self.copy(kernel, encoder, (upload, 0), target, size)
    }

    /// Memory that cannot be mapped: the device is gone, and with it all that was to be used again.
    fn gone(&self, kernel: &'static str) -> GpuError {
        self.pool().empty();
        GpuError::Lost { kernel }
    }

    /// Records a copy of `bytes`, a multiple of four, from a place in one buffer to a place in another.
    pub(crate) fn copy(
        &self,
        kernel: &'static str,
        encoder: &mut wgpu::CommandEncoder,
        (from, start): (&wgpu::Buffer, u64),
        (to, at): (&wgpu::Buffer, u64),
        bytes: u64,
    ) -> Result<(), GpuError> {
        self.guarded(kernel, || encoder.copy_buffer_to_buffer(from, start, to, at, bytes))
    }
}

/// Writes runs of bytes into buffers of the device.
pub(super) struct Uploads<'a> {
    gpu: &'a Gpu,
    kernel: &'static str,
    errands: VecDeque<Errand<()>>,
}

impl<'a> Uploads<'a> {
    pub fn new(gpu: &'a Gpu, kernel: &'static str) -> Self {
        Self { gpu, kernel, errands: VecDeque::new() }
    }

    /// A new storage buffer of `size` bytes that begins with these; what lies behind them is zero.
    pub fn upload(&mut self, bytes: &[u8], size: u64) -> Result<wgpu::Buffer, GpuError> {
        let Self { gpu, kernel, .. } = *self;
        let target = gpu.buffer(kernel, size, STORAGE, false)?;
        for (i, part) in bytes.chunks(PART).enumerate() {
            let staging = match full(&mut self.errands) {
                Some(errand) => {
                    gpu.wait(kernel, errand.submission)?;
                    errand.staging
                }
                None => gpu.pooled(kernel, PART as u64, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC)?,
            };
            let mut encoder = gpu.encoder();
            gpu.stage(kernel, &mut encoder, part, &staging, (&target, (i * PART) as u64))?;
            let submission = gpu.submit(kernel, encoder)?;
            self.errands.push_back(Errand { staging, submission, then: () });
        }
        Ok(target)
    }
}

impl Drop for Uploads<'_> {
    fn drop(&mut self) {
        // Nobody waits for the last of them here.
        for Errand { mut staging, submission, .. } in self.errands.drain(..) {
            staging.busy_until(submission);
        }
    }
}

/// Fills `out` with the first bytes of a buffer of the device.
pub(super) fn download(gpu: &Gpu, kernel: &'static str, source: &wgpu::Buffer, out: &mut [u8]) -> Result<(), GpuError> {
    let size = out.len().min(PART).next_multiple_of(4) as u64;
    let mut errands: VecDeque<Errand<&mut [u8]>> = VecDeque::new();
    let land = |errand: Errand<&mut [u8]>| {
        gpu.read_mapped(kernel, &errand.staging, errand.submission, errand.then)?;
        Ok(errand.staging)
    };
    for (i, part) in out.chunks_mut(PART).enumerate() {
        let staging = match full(&mut errands) {
            Some(errand) => land(errand)?,
            None => gpu.pooled(kernel, size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?,
        };
        let mut encoder = gpu.encoder();
        let bytes = (part.len() as u64).next_multiple_of(4);
        gpu.copy(kernel, &mut encoder, (source, (i * PART) as u64), (&staging, 0), bytes)?;
        let submission = gpu.submit(kernel, encoder)?;
        errands.push_back(Errand { staging, submission, then: part });
    }
    errands.into_iter().try_for_each(|errand| land(errand).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use crate::engine::GpuVolume;
    use crate::ops::testing::gpu;
    use crate::volume::{Block, Dtype};

    use super::*;

    #[test]
    fn long_runs_come_back_as_they_went() {
        let Some(gpu) = gpu() else { return };
        // Around one part, more parts than staging buffers, and two chunks; ends within a word.
        for length in [PART - 1, PART + 1, 4 * PART + 3, (1 << 25) + 5] {
            let bytes: Vec<u8> = (0..length as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let volume = GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &bytes }).unwrap();
            assert!(volume.download(gpu).unwrap() == bytes, "{length} bytes");
        }
    }
}
