//! The GPU's way over a volume: a few lanes, each with its buffers, so that reading, transfer and compute overlap.

use std::collections::VecDeque;

use super::Watch;
use super::cuts::Groups;
use super::workers::{Input, room};
use crate::engine::{CHUNK_VOXELS, Chunk, Gpu, GpuError, STORAGE, UNIT_VOXELS};
use crate::{Error, Result};

/// One being read, one on the device, one being drained.
const LANES: usize = 3;

/// Voxels of a work unit at the start, so that all lanes together fit the memory: each voxel lies in the upload, input, output and
/// read-back buffer of a lane, and once more on the host on its way in and out.
pub(super) fn unit(watch: &dyn Watch, input: &Input<'_>, output_bytes: u64) -> u64 {
    let mask = if input.mask.is_some() { 1 } else { 0 };
    let read = input.source.header().dtype.bytes() as u64 + mask;
    let each = (LANES as u64 * 2 + 1) * (read + output_bytes);
    // A few units at least, or nothing overlaps.
    let few = input.source.header().shape.voxels().div_ceil(8).next_multiple_of(UNIT_VOXELS);
    let unit = (watch.memory_bytes() / each).min(few).clamp(1 << 12, CHUNK_VOXELS);
    // Whole decode units, where one fits.
    let decoded = input.source.unit();
    if unit > decoded { unit - unit % decoded } else { unit }
}

/// Device, encoder, chunk, mask, rescale group, output.
type Record<'a> =
    dyn Fn(&Gpu, &mut wgpu::CommandEncoder, &Chunk, Option<&Chunk>, usize, &wgpu::Buffer) -> Result<(), GpuError> + 'a;

/// What a pass does with each unit.
pub(super) struct Pass<'a> {
    /// For messages.
    pub kernel: &'static str,
    /// Bytes that a unit of so many voxels gives.
    pub output_bytes: &'a dyn Fn(u64) -> u64,
    /// Records the kernel for a chunk with its mask, of a rescale group, into the output buffer.
    pub record: &'a Record<'a>,
    /// Takes what a unit gave.
    pub drain: &'a mut dyn FnMut(Unit, &[u8]) -> Result<()>,
}

/// A run of voxels that share a rescale group.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub at: u64,
    pub voxels: u64,
    pub group: usize,
}

struct Lane {
    upload: wgpu::Buffer,
    input: wgpu::Buffer,
    mask: Option<(wgpu::Buffer, wgpu::Buffer)>,
    output: wgpu::Buffer,
    readback: wgpu::Buffer,
}

struct Flight {
    lane: Lane,
    submission: wgpu::SubmissionIndex,
    unit: Unit,
}

/// Runs a pass over all voxels from `from` on. `done` is where all earlier results have been drained, also after an error.
pub(super) fn run(
    gpu: &Gpu,
    input: Input<'_>,
    from: u64,
    unit: u64,
    watch: &dyn Watch,
    pass: &mut Pass<'_>,
    done: &mut u64,
) -> Result<()> {
    let header = input.source.header();
    let (total, groups) = (header.shape.voxels(), Groups::of(header));
    let unit = unit.min(total - from).next_multiple_of(UNIT_VOXELS);
    let mut free = Vec::new();
    let mut flights: VecDeque<Flight> = VecDeque::new();
    let mut made = 0;
    let (mut bytes, mut mask, mut result) = (Vec::new(), Vec::new(), Vec::new());
    // The host's buffers first: where memory is short, smaller units help both sides.
    if input.source.in_memory().is_none() {
        host(pass.kernel, &mut bytes, unit * header.dtype.bytes() as u64)?;
    }
    let mut at = from;
    while at < total || !flights.is_empty() {
        if watch.stopped() {
            return Err(Error::Interrupted);
        }
        if at < total && (!free.is_empty() || made < LANES) {
            let lane = match free.pop() {
                Some(lane) => lane,
                None => {
                    made += 1;
                    Lane::new(gpu, pass, &input, unit)?
                }
            };
            let (end, group) = groups.run(at, total.min(at + unit));
            let read = input.read_wide(at, end - at, &mut bytes, &mut mask)?;
            if let Some(see) = input.observer {
                see(at, read);
            }
            let submission = lane.start(gpu, pass, read, input.mask.map(|_| mask.as_slice()), end - at, group)?;
            flights.push_back(Flight { lane, submission, unit: Unit { at, voxels: end - at, group } });
            at = end;
        } else if let Some(flight) = flights.pop_front() {
            let Flight { lane, submission, unit } = flight;
            host(pass.kernel, &mut result, (pass.output_bytes)(unit.voxels))?;
            gpu.read_mapped(pass.kernel, &lane.readback, submission, &mut result)?;
            (pass.drain)(unit, &result)?;
            *done = unit.at + unit.voxels;
            watch.advance(unit.voxels * header.dtype.bytes() as u64);
            free.push(lane);
        }
    }
    Ok(())
}

/// A host buffer of so many bytes; no memory for it counts as that of the device.
fn host(kernel: &'static str, buffer: &mut Vec<u8>, bytes: u64) -> Result<(), GpuError> {
    room(buffer, bytes).map_err(|_| GpuError::OutOfMemory { kernel })
}

impl Lane {
    fn new(gpu: &Gpu, pass: &Pass<'_>, input: &Input<'_>, unit: u64) -> Result<Self, GpuError> {
        let kernel = pass.kernel;
        let size = unit * input.source.header().dtype.bytes() as u64;
        let staging = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        let readback = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let out = (pass.output_bytes)(unit).next_multiple_of(4);
        let make = |size, usage| gpu.buffer(kernel, size, usage, false);
        Ok(Self {
            upload: make(size, staging)?,
            input: make(size, STORAGE)?,
            mask: match input.mask {
                Some(_) => Some((make(unit, staging)?, make(unit, STORAGE)?)),
                None => None,
            },
            output: make(out, STORAGE)?,
            readback: make(out, readback)?,
        })
    }

    /// Uploads, computes and copies back in one submission.
    fn start(
        &self,
        gpu: &Gpu,
        pass: &Pass<'_>,
        bytes: &[u8],
        mask: Option<&[u8]>,
        voxels: u64,
        group: usize,
    ) -> Result<wgpu::SubmissionIndex, GpuError> {
        let kernel = pass.kernel;
        let mut encoder = gpu.encoder();
        gpu.stage(kernel, &mut encoder, bytes, &self.upload, (&self.input, 0))?;
        if let (Some(mask), Some((upload, buffer))) = (mask, &self.mask) {
            gpu.stage(kernel, &mut encoder, mask, upload, (buffer, 0))?;
        }
        let chunk = Chunk { buffer: self.input.clone(), voxels: voxels as u32 };
        let mask = self.mask.as_ref().map(|(_, buffer)| Chunk { buffer: buffer.clone(), voxels: voxels as u32 });
        (pass.record)(gpu, &mut encoder, &chunk, mask.as_ref(), group, &self.output)?;
        let size = (pass.output_bytes)(voxels).next_multiple_of(4);
        gpu.copy(kernel, &mut encoder, (&self.output, 0), (&self.readback, 0), size)?;
        gpu.submit(kernel, encoder)
    }
}
