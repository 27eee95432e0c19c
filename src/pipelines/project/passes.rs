//! The passes: what is read of each sheaf of rays while the part before is followed, on the CPU or on a device.

use std::cell::RefCell;
use std::collections::VecDeque;

use rayon::prelude::*;

use super::sheaf::{Cutter, Sheaf};
use super::{How, Projection};
use crate::Result;
use crate::engine::{Brick, CHUNK_VOXELS, Chunk, Gpu, GpuError, Pooled, STORAGE, UNIT_VOXELS};
use crate::io::Sink;
use crate::ops::project::{self, Beams, GpuRays, Rays};
use crate::pipelines::device::{Attempt, with_fallback};
use crate::pipelines::ways::ordered::Ordered;
use crate::pipelines::{Input, Run};
use crate::volume::{Dtype, Tile};

/// Bytes of a sheaf on the CPU, beyond which more serve nothing.
const SHEAF_BYTES: u64 = 64 << 20;

/// Of a ray on the CPU: value and count, and the voxel that it becomes.
const RAY_BYTES: u64 = 20;

/// Of a ray on a device: what is known of it there and on its way back, and then as on the CPU.
const DEVICE_RAY_BYTES: u64 = 3 * GpuRays::bytes(1) + RAY_BYTES;

/// Most bytes of a sheaf on a device: what is known of its rays can be bound.
const DEVICE_SHEAF_BYTES: u64 = (1 << 22) * DEVICE_RAY_BYTES;

pub(super) fn write(projection: &Projection, input: &Input<'_>, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let beams = projection.beams();
    let dtype = beams.dtype;
    let run = &if dtype.bytes() > 4 || beams.sums_floats() { run.on_cpu() } else { *run };
    let work = Following { projection, beams, input, sink, run };
    let size = dtype.bytes() as u64;
    let on_cpu = work.cutter((2 * size, RAY_BYTES));
    // Read, on its way up, packed there and as keys.
    let voxel = 3 * size + 4;
    let on_device = work.cutter((voxel, DEVICE_RAY_BYTES));
    let volumes = || (0..input.header().grid.shape.volumes()).map(|volume| on_cpu.all(volume));
    // What of the result is not written yet.
    let rest: RefCell<VecDeque<Tile>> = RefCell::new(volumes().collect());
    let cut = |cutter: &Cutter<'_>, most: u64| -> Result<VecDeque<Sheaf>> {
        let outs = rest.borrow();
        let sheaves: Result<Vec<Vec<Sheaf>>> = outs.iter().map(|out| cutter.cut(out, most)).collect();
        Ok(sheaves?.into_iter().flatten().collect())
    };
    let remember = |left: &VecDeque<Sheaf>| *rest.borrow_mut() = left.iter().map(|sheaf| sheaf.out.clone()).collect();
    with_fallback(
        run,
        CHUNK_VOXELS,
        |attempt| {
            let most = (run.memory_bytes / 2).min(attempt.unit * voxel).min(DEVICE_SHEAF_BYTES);
            let mut left = cut(&on_device, most)?;
            let done = work.on_device(&mut left, attempt);
            remember(&left);
            done
        },
        |_| work.on_cpu(&cut(&on_cpu, (run.memory_bytes / 2).min(SHEAF_BYTES))?),
    )
}

/// What is done to every sheaf.
struct Following<'a> {
    projection: &'a Projection,
    /// Without slabs.
    beams: Beams,
    input: &'a Input<'a>,
    sink: &'a dyn Sink,
    run: &'a Run<'a>,
}

impl Following<'_> {
    fn cutter(&self, bytes_of: (u64, u64)) -> Cutter<'_> {
        Cutter {
            shape: &self.input.header().grid.shape,
            axis: self.projection.axis,
            slabs: &self.projection.slabs,
            whole: Rays::wants_whole(self.beams.fold),
            bytes_of,
        }
    }

    fn on_cpu(&self, sheaves: &VecDeque<Sheaf>) -> Result<()> {
        let parts: Vec<Tile> = sheaves.iter().flat_map(|sheaf| sheaf.parts.iter().cloned()).collect();
        let of: Vec<(&Sheaf, usize)> = sheaves.iter().flat_map(|s| (0..s.parts.len()).map(move |i| (s, i))).collect();
        let mut rays = Rays::none(0);
        Ordered::of(self.input, self.run).each(&parts, |i, bytes| {
            let (sheaf, part) = of[i];
            let (beams, shape) = (self.through(sheaf, &parts[i]), self.size(&parts[i]));
            if part == 0 {
                rays = Rays::none(beams.rays(shape));
            }
            project::cpu(&beams, bytes, shape, &mut rays);
            if part + 1 == sheaf.parts.len() { self.store(sheaf, &beams, &rays) } else { Ok(()) }
        })
    }

    /// Sheaf after sheaf; `left` has those whose results have not been written, also after an error.
    fn on_device(&self, left: &mut VecDeque<Sheaf>, attempt: Attempt<'_>) -> Result<()> {
        let Attempt { gpu, done, .. } = attempt;
        let name = project::SHADER.name;
        let (ordered, mut buffer) = (Ordered::of(self.input, self.run), Vec::new());
        while let Some(sheaf) = left.front() {
            let mut place: Option<DeviceRays> = None;
            for (i, part) in sheaf.parts.iter().enumerate() {
                self.run.stop()?;
                let beams = self.through(sheaf, part);
                let bytes = ordered.voxels(part, &mut buffer)?;
                let shape = self.size(part);
                let own = match &mut place {
                    Some(own) => own,
                    None => place.insert(DeviceRays::new(gpu, beams.rays(shape) as u64)?),
                };
                own.follow(gpu, (&beams, i == 0), bytes, shape)?;
            }
            let Some(mut own) = place else { return Ok(()) };
            let mut bytes = vec![0; GpuRays::bytes(own.rays.rays) as usize];
            let mut encoder = gpu.encoder();
            gpu.copy(name, &mut encoder, (&own.rays.buffer, 0), (&own.readback, 0), bytes.len() as u64)?;
            let submission = gpu.submit(name, encoder)?;
            own.readback.busy_until(submission.clone());
            gpu.read_mapped(name, &own.readback, submission, &mut bytes)?;
            let known = GpuRays::known(&self.beams, &bytes);
            drop(own);
            self.store(sheaf, &self.beams, &known)?;
            *done += sheaf.out.voxels(&self.projection.header.grid.shape);
            sheaf.parts.iter().for_each(|part| self.run.advance(ordered.bytes(part)));
            left.pop_front();
        }
        gpu.clear_pool();
        Ok(())
    }

    fn size(&self, part: &Tile) -> [u32; 3] {
        part.size(&self.input.header().grid.shape).map(|n| n as u32)
    }

    /// The slabs of a sheaf as far as they run through a part of what is read for it.
    fn through(&self, sheaf: &Sheaf, part: &Tile) -> Beams {
        let (axis, slabs) = (self.projection.axis, &self.projection.slabs);
        let (slabs, inside) = match axis {
            0 => (slabs.as_slice(), 0..self.input.header().grid.shape.axis(0)),
            1 => (&slabs[sheaf.out.y.start as usize..sheaf.out.y.end as usize], part.y.clone()),
            _ => (&slabs[sheaf.out.z.start as usize..sheaf.out.z.end as usize], part.z.clone()),
        };
        let own = |n: u64| (n.clamp(inside.start, inside.end) - inside.start) as u32;
        Beams { slabs: slabs.iter().map(|slab| own(slab.start)..own(slab.end)).collect(), ..self.beams.clone() }
    }

    /// Writes the voxels that rays become.
    fn store(&self, sheaf: &Sheaf, beams: &Beams, rays: &Rays) -> Result<()> {
        let Projection { how, image, header, .. } = self.projection;
        let (from, to) = (beams.dtype, header.meaning.dtype);
        let nothing = image.meaning.padding.map_or(0, |padding| {
            let mut bytes = [0; 8];
            from.encode(padding.low, &mut bytes[..from.bytes()]);
            u64::from_le_bytes(bytes)
        });
        let rescale = image.meaning.rescale.of_slice(0);
        let mut out = vec![0; rays.values.len() * to.bytes()];
        out.par_chunks_mut(to.bytes()).with_min_len(1 << 12).enumerate().for_each(|(ray, out)| {
            let stored = match how {
                How::Sum => {
                    let (sum, count) = rays.sum(beams, ray);
                    let real = rescale.slope * sum + rescale.intercept * f64::from(count);
                    if real.is_nan() {
                        return out.copy_from_slice(&f32::NAN.to_le_bytes());
                    }
                    return to.encode(real, out);
                }
                How::Mean => rays.mean(beams, ray),
                How::Max | How::Min | How::Median => rays.selected(beams, ray),
            };
            out.copy_from_slice(&stored.unwrap_or(nothing).to_le_bytes()[..out.len()]);
        });
        let mut rest = out.as_slice();
        for (at, voxels) in sheaf.out.runs(&header.grid.shape) {
            let (run, later) = rest.split_at(voxels as usize * to.bytes());
            self.sink.write(at, run)?;
            rest = later;
        }
        Ok(())
    }
}

/// Rays in device memory, and where they come back.
struct DeviceRays {
    rays: GpuRays,
    readback: Pooled,
    /// Behind the rays, so that it goes back when this does.
    _state: Pooled,
}

impl DeviceRays {
    fn new(gpu: &Gpu, rays: u64) -> std::result::Result<Self, GpuError> {
        let (name, bytes) = (project::SHADER.name, GpuRays::bytes(rays));
        let state = gpu.pooled(name, bytes, STORAGE)?;
        let readback = gpu.pooled(name, bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?;
        Ok(Self { rays: GpuRays { buffer: (*state).clone(), rays }, readback, _state: state })
    }

    /// Brings a part up and follows the rays through it, in one submission that nobody waits for.
    fn follow(
        &mut self,
        gpu: &Gpu,
        (beams, fresh): (&Beams, bool),
        bytes: &[u8],
        shape: [u32; 3],
    ) -> std::result::Result<(), GpuError> {
        let (name, dtype): (_, Dtype) = (project::SHADER.name, beams.dtype);
        let voxels = shape.iter().map(|n| u64::from(*n)).product::<u64>();
        let size = voxels.next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64;
        let mut upload = gpu.pooled(name, size, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC)?;
        let packed = gpu.pooled(name, size, STORAGE)?;
        let buffer = gpu.pooled(name, Brick::bytes(shape)?, STORAGE)?;
        let brick = Brick::in_buffer(shape, (*buffer).clone(), 8 * dtype.bytes() as u32)?;
        let mut encoder = gpu.encoder();
        gpu.stage(name, &mut encoder, bytes, &upload, (&packed, 0))?;
        brick.encode_from(gpu, &mut encoder, dtype, &Chunk { buffer: (*packed).clone(), voxels: brick.voxels() })?;
        project::encode(gpu, &mut encoder, beams, &brick, (&self.rays, fresh))?;
        let submission = gpu.submit(name, encoder)?;
        upload.busy_until(submission);
        Ok(())
    }
}
