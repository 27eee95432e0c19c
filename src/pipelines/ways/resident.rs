//! What stays: the voxels of a job of many passes, in device memory where they fit its memory.

use std::sync::Arc;

use super::lanes::{self, Pass, Recording};
use crate::engine::{CHUNK_VOXELS, Gpu, GpuError, GpuVolume, UNIT_VOXELS};
use crate::pipelines::device::Attempt;
use crate::pipelines::{Input, Run};
use crate::volume::Dtype;
use crate::{Error, Result};

/// The channels of an input on a device, and what is selected of their voxels.
pub struct Resident {
    pub gpu: Arc<Gpu>,
    pub channels: Vec<GpuVolume>,
    pub mask: Option<GpuVolume>,
}

/// Kernel names are for messages: this one is a copy.
const KERNEL: &str = "upload";

impl Resident {
    /// Brings the voxels to the device, through the lanes; none on the CPU, where they do not fit the memory of the run beside the lanes, and where the
    /// device fails: what streams then will find out and say so.
    ///
    /// # Errors
    /// What reading gives; [`Error::Interrupted`].
    pub fn new(input: &Input<'_>, run: &Run<'_>) -> Result<Option<Self>> {
        let Some((gpu, _)) = run.device.current() else { return Ok(None) };
        let voxels = input.header().grid.shape.voxels();
        // Half is for the volume, half for the lanes that bring it.
        if voxels * input.voxel_bytes() > run.memory_bytes / 2 {
            run.note(&format!(
                "{} MiB of voxels do not fit half of the memory of this job ({} MiB): they are read again in each pass",
                (voxels * input.voxel_bytes()).div_ceil(1 << 20),
                run.memory_bytes >> 20
            ));
            return Ok(None);
        }
        match Self::filled(input, gpu, run) {
            Ok(resident) => Ok(Some(resident)),
            Err(Error::Gpu(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn filled(input: &Input<'_>, gpu: Arc<Gpu>, run: &Run<'_>) -> Result<Self> {
        let voxels = input.header().grid.shape.voxels();
        let empty = |dtype| GpuVolume::empty(&gpu, dtype, voxels);
        let channels: Vec<GpuVolume> = input.dtypes().map(empty).collect::<Result<_, _>>()?;
        let mask = if input.selects() { Some(empty(Dtype::U8)?) } else { None };
        let record = |to: Recording<'_>| {
            for (volume, (_, chunk)) in channels.iter().zip(to.channels) {
                place(to.gpu, to.encoder, &chunk.buffer, (volume, to.unit.at, to.unit.voxels))?;
            }
            if let (Some(volume), Some(chunk)) = (&mask, to.mask) {
                place(to.gpu, to.encoder, &chunk.buffer, (volume, to.unit.at, to.unit.voxels))?;
            }
            Ok(())
        };
        let half = run.with_memory(run.memory_bytes / 2);
        // Whole units of voxels, so that no two lanes write one word.
        let unit = lanes::unit(input, 0, &half).next_multiple_of(UNIT_VOXELS);
        let mut done = 0;
        let mut pass = Pass { kernel: KERNEL, output_bytes: &|_| 0, record: &record, again: false, drain: &mut |_, _| Ok(()) };
        lanes::pass(input, Attempt { gpu: &gpu, unit, done: &mut done }, &mut pass, &half.quiet())?;
        Ok(Self { gpu, channels, mask })
    }
}

/// Records the copy of voxels that begin a buffer to their place in a volume, which may lie in two chunks.
fn place(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    from: &wgpu::Buffer,
    (volume, at, voxels): (&GpuVolume, u64, u64),
) -> Result<(), GpuError> {
    let size = volume.dtype().bytes() as u64;
    let (mut at, end, mut taken) = (at, at + voxels, 0);
    while at < end {
        let here = (CHUNK_VOXELS - at % CHUNK_VOXELS).min(end - at);
        let to = (&volume.chunks()[(at / CHUNK_VOXELS) as usize].buffer, at % CHUNK_VOXELS * size);
        gpu.copy(KERNEL, encoder, (from, taken * size), to, (here * size).next_multiple_of(4))?;
        (at, taken) = (at + here, taken + here);
    }
    Ok(())
}
