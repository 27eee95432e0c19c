//! The GPU's way over a volume: a few lanes, each with its buffers, so that reading, transfer and compute overlap.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::blocks::BLOCK_BYTES;
use super::cuts::block_voxels;
use crate::engine::{CHUNK_VOXELS, Chunk, Gpu, GpuError, Pooled, STORAGE, UNIT_VOXELS};
use crate::io::Source;
use crate::pipelines::device::Attempt;
use crate::pipelines::input::{Buffers, Part, room};
use crate::pipelines::{Input, Run};
use crate::volume::Dtype;
use crate::{Error, Result};

/// One being read, one on the device, one being drained.
const LANES: usize = 3;

/// Voxels of a work unit at the start, so that all lanes together fit the memory: each voxel lies in the upload, input, output and
/// read-back buffer of a lane, and once more on the host on its way in and out.
pub fn unit(input: &Input<'_>, output_bytes: u64, run: &Run<'_>) -> u64 {
    let each = (LANES as u64 * 2 + 1) * (input.voxel_bytes() + output_bytes);
    // A few units at least, or nothing overlaps.
    let few = input.header().grid.shape.voxels().div_ceil(8).next_multiple_of(UNIT_VOXELS);
    // Down to a power of two or one of the three steps to the next, as buffers of the pool are made.
    let fair = (run.memory_bytes / each).clamp(1 << 12, CHUNK_VOXELS);
    let unit = (fair - fair % (1 << (fair.ilog2() - 2))).min(few).max(1 << 12);
    // Whole decode units, where one fits.
    let decoded = input.source().unit();
    if unit > decoded { unit - unit % decoded } else { unit }
}

/// What a kernel is recorded for.
pub struct Recording<'a> {
    pub gpu: &'a Gpu,
    pub encoder: &'a mut wgpu::CommandEncoder,
    /// A chunk of each channel.
    pub channels: &'a [(Dtype, Chunk)],
    pub mask: Option<&'a Chunk>,
    pub unit: WorkUnit,
    pub output: &'a wgpu::Buffer,
}

/// What a pass does with each unit.
pub struct Pass<'a> {
    /// For messages.
    pub kernel: &'static str,
    /// Bytes that a unit of so many voxels gives.
    pub output_bytes: &'a dyn Fn(u64) -> u64,
    /// Records the kernel.
    pub record: &'a dyn Fn(Recording<'_>) -> Result<(), GpuError>,
    /// Another pass like this one follows, which will find its buffers in the pool.
    pub again: bool,
    /// Takes what a unit gave.
    pub drain: &'a mut dyn FnMut(WorkUnit, &[u8]) -> Result<()>,
}

/// A run of voxels that share a rescale group.
#[derive(Clone, Copy)]
pub struct WorkUnit {
    pub at: u64,
    pub voxels: u64,
    pub group: usize,
}

/// Buffers from the pool of the device: the next pass, of the same job or another, finds them there.
struct Lane {
    channels: Vec<(Dtype, Pooled, Pooled)>,
    mask: Option<(Pooled, Pooled)>,
    /// Not from the pool: kernels that count take its size for the number of bins.
    output: wgpu::Buffer,
    readback: Pooled,
}

struct Flight {
    lane: Lane,
    submission: wgpu::SubmissionIndex,
    unit: WorkUnit,
}

/// Runs a pass over all voxels that are not done; `attempt.done` is where all earlier results have been drained, also after an error.
pub fn pass(input: &Input<'_>, attempt: Attempt<'_>, pass: &mut Pass<'_>, run: &Run<'_>) -> Result<()> {
    let Attempt { gpu, unit, done } = attempt;
    let (total, groups) = (input.header().grid.shape.voxels(), input.groups());
    let first_bytes = input.header().meaning.dtype.bytes() as u64;
    let mut at = *done;
    let unit = unit.min(total - at).next_multiple_of(UNIT_VOXELS);
    let mut free = Vec::new();
    let mut flights: VecDeque<Flight> = VecDeque::new();
    let mut made = 0;
    let (mut buffers, mut result) = (Buffers::default(), Vec::new());
    while at < total || !flights.is_empty() {
        run.stop()?;
        if at < total && (!free.is_empty() || made < LANES) {
            let mut lane = match free.pop() {
                Some(lane) => lane,
                None => {
                    made += 1;
                    Lane::new(gpu, pass, input, unit)?
                }
            };
            let (end, group) = groups.run(at, total.min(at + unit));
            let part = input.read_with((at, end - at), &mut buffers, read_wide).map_err(|e| short(pass.kernel, e))?;
            input.show(at, part.blocks[0]);
            let unit = WorkUnit { at, voxels: end - at, group };
            let submission = lane.start(gpu, pass, &part, unit)?;
            flights.push_back(Flight { lane, submission, unit });
            at = end;
        } else if let Some(Flight { lane, submission, unit }) = flights.pop_front() {
            room(&mut result, (pass.output_bytes)(unit.voxels)).map_err(|e| short(pass.kernel, e))?;
            gpu.read_mapped(pass.kernel, &lane.readback, submission, &mut result)?;
            (pass.drain)(unit, &result)?;
            *done = unit.at + unit.voxels;
            run.advance(unit.voxels * first_bytes);
            free.push(lane);
        }
    }
    drop(free);
    if !pass.again {
        gpu.clear_pool();
    }
    Ok(())
}

/// No memory on the host counts as none on the device: smaller units help both.
fn short(kernel: &'static str, error: Error) -> Error {
    match error {
        Error::Usage { hint: crate::Hint::LessMemory, .. } => GpuError::OutOfMemory { kernel }.into(),
        other => other,
    }
}

/// Reads by all threads, where voxels may be read in any order.
fn read_wide(source: &dyn Source, at: u64, into: &mut [u8]) -> Result<()> {
    if source.sequential() {
        return source.read(at, into);
    }
    let (step, size) = (block_voxels(source, BLOCK_BYTES), source.header().meaning.dtype.bytes());
    // Parts end where decode units do, so that none is decoded twice.
    let first = (step - at % step).min((into.len() / size) as u64);
    let (head, rest) = into.split_at_mut(first as usize * size);
    let parts = rest.par_chunks_mut(step as usize * size).enumerate();
    let (head, rest) =
        rayon::join(|| source.read(at, head), || parts.try_for_each(|(i, part)| source.read(at + first + i as u64 * step, part)));
    head.and(rest)
}

impl Lane {
    fn new(gpu: &Gpu, pass: &Pass<'_>, input: &Input<'_>, unit: u64) -> Result<Self, GpuError> {
        let kernel = pass.kernel;
        let staging = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        let readback = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let out = (pass.output_bytes)(unit).next_multiple_of(4).max(4);
        let pair = |size| Ok::<_, GpuError>((gpu.pooled(kernel, size, staging)?, gpu.pooled(kernel, size, STORAGE)?));
        Ok(Self {
            channels: input
                .dtypes()
                .map(|dtype| pair(unit * dtype.bytes() as u64).map(|(upload, buffer)| (dtype, upload, buffer)))
                .collect::<Result<_, _>>()?,
            mask: if input.selects() { Some(pair(unit)?) } else { None },
            output: gpu.buffer(kernel, out, STORAGE, false)?,
            readback: gpu.pooled(kernel, out, readback)?,
        })
    }

    /// Uploads, computes and copies back in one submission.
    fn start(&mut self, gpu: &Gpu, pass: &Pass<'_>, part: &Part<'_>, unit: WorkUnit) -> Result<wgpu::SubmissionIndex, GpuError> {
        let kernel = pass.kernel;
        let mut encoder = gpu.encoder();
        for ((_, upload, buffer), block) in self.channels.iter().zip(&part.blocks) {
            gpu.stage(kernel, &mut encoder, block.bytes, upload, (buffer, 0))?;
        }
        if let (Some(mask), Some((upload, buffer))) = (part.mask, &self.mask) {
            gpu.stage(kernel, &mut encoder, mask, upload, (buffer, 0))?;
        }
        let chunk = |buffer: &Pooled| Chunk { buffer: (**buffer).clone(), voxels: unit.voxels as u32 };
        let channels: Vec<_> = self.channels.iter().map(|(dtype, _, buffer)| (*dtype, chunk(buffer))).collect();
        let mask = self.mask.as_ref().map(|(_, buffer)| chunk(buffer));
        let (mask, output) = (mask.as_ref(), &self.output);
        (pass.record)(Recording { gpu, encoder: &mut encoder, channels: &channels, mask, unit, output })?;
        let size = (pass.output_bytes)(unit.voxels).next_multiple_of(4);
        if size > 0 {
            gpu.copy(kernel, &mut encoder, (&self.output, 0), (&self.readback, 0), size)?;
        }
        let submission = gpu.submit(kernel, encoder)?;
        let uploads = self.channels.iter_mut().map(|(_, upload, _)| upload).chain(self.mask.iter_mut().map(|(upload, _)| upload));
        uploads.chain([&mut self.readback]).for_each(|buffer| buffer.busy_until(submission.clone()));
        Ok(submission)
    }
}
