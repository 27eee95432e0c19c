//! Many mebibytes to the device and back through a few staging buffers that are used again: memory that a device can read must be made,
//! page by page, which costs more than the transfer.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::memory::STORAGE;
use super::{Gpu, GpuError};

/// Bytes of a staging buffer: enough that submitting costs little against the transfer.
pub(super) const PART: usize = 16 << 20;

/// One being copied by the host while another is on the bus.
const RING: usize = 3;

/// Bytes that a thread copies at a time. One core does not fill a bus of 50 GB/s.
const COPY: usize = 1 << 18;

/// Copies with all threads into memory that may only be written.
pub(super) fn copy_in(view: wgpu::WriteOnly<'_, [u8]>, bytes: &[u8]) {
    let (parts, mut rest) = view.into_chunks::<COPY>();
    let (whole, tail) = bytes.split_at(bytes.len() - bytes.len() % COPY);
    let parts: Vec<_> = parts.into_iter().zip(whole.chunks_exact(COPY)).collect();
    parts.into_par_iter().with_min_len(2).for_each(|(part, bytes)| wgpu::WriteOnly::<[u8]>::from(part).copy_from_slice(bytes));
    rest.copy_from_slice(tail);
}

/// Copies with all threads.
pub(super) fn copy_out(view: &[u8], bytes: &mut [u8]) {
    bytes.par_chunks_mut(COPY).with_min_len(2).zip(view.par_chunks(COPY)).for_each(|(to, from)| to.copy_from_slice(from));
}

/// A staging buffer, the submission that uses it, and what is to be done when that is over.
struct Flight<T> {
    staging: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    then: T,
}

/// The oldest flight, once there are as many as there may be.
fn full<T>(flights: &mut VecDeque<Flight<T>>) -> Option<Flight<T>> {
    if flights.len() == RING { flights.pop_front() } else { None }
}

/// Writes runs of bytes into buffers of the device.
pub(super) struct Uploads<'a> {
    gpu: &'a Gpu,
    kernel: &'static str,
    flights: VecDeque<Flight<()>>,
}

impl<'a> Uploads<'a> {
    pub fn new(gpu: &'a Gpu, kernel: &'static str) -> Self {
        Self { gpu, kernel, flights: VecDeque::new() }
    }

    /// A new storage buffer of `size` bytes that begins with these; what lies behind them is zero.
    pub fn upload(&mut self, bytes: &[u8], size: u64) -> Result<wgpu::Buffer, GpuError> {
        let Self { gpu, kernel, .. } = *self;
        let target = gpu.buffer(kernel, size, STORAGE, false)?;
        for (i, part) in bytes.chunks(PART).enumerate() {
            let staging = match full(&mut self.flights) {
                Some(flight) => {
                    gpu.wait(kernel, flight.submission)?;
                    flight.staging
                }
                None => gpu.buffer(kernel, PART as u64, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC, false)?,
            };
            let mut encoder = gpu.encoder();
            gpu.stage(kernel, &mut encoder, part, &staging, (&target, (i * PART) as u64))?;
            let submission = gpu.submit(kernel, encoder)?;
            self.flights.push_back(Flight { staging, submission, then: () });
        }
        Ok(target)
    }
}

/// Fills `out` with the first bytes of a buffer of the device.
pub(super) fn download(gpu: &Gpu, kernel: &'static str, source: &wgpu::Buffer, out: &mut [u8]) -> Result<(), GpuError> {
    let size = out.len().min(PART).next_multiple_of(4) as u64;
    let mut flights: VecDeque<Flight<&mut [u8]>> = VecDeque::new();
    let land = |flight: Flight<&mut [u8]>| {
        gpu.read_mapped(kernel, &flight.staging, flight.submission, flight.then)?;
        Ok(flight.staging)
    };
    for (i, part) in out.chunks_mut(PART).enumerate() {
        let staging = match full(&mut flights) {
            Some(flight) => land(flight)?,
            None => gpu.buffer(kernel, size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, false)?,
        };
        let mut encoder = gpu.encoder();
        let bytes = (part.len() as u64).next_multiple_of(4);
        gpu.copy(kernel, &mut encoder, (source, (i * PART) as u64), (&staging, 0), bytes)?;
        let submission = gpu.submit(kernel, encoder)?;
        flights.push_back(Flight { staging, submission, then: part });
    }
    flights.into_iter().try_for_each(|flight| land(flight).map(|_| ()))
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
