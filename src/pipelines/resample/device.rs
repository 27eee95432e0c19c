//! Tiles of a target on a device.

use super::Resample;
use super::boxes::{KeptBox, Place, TargetPart};
use crate::Result;
use crate::engine::{Brick, Chunk, Gpu, GpuError, Pooled, STORAGE, UNIT_VOXELS};
use crate::ops::resample::{SHADER, encode};
use crate::pipelines::device::Attempt;
use crate::volume::keys;

/// The box that lies on the device, for the tiles that look at it.
struct Uploaded {
    of: (u64, Place),
    brick: Brick,
    /// Behind the brick, so that it goes back when this does.
    _buffer: Pooled,
}

impl Resample<'_> {
    /// Slab after slab; `done` says how far they are written, also after an error.
    pub(super) fn on_device(&self, attempt: Attempt<'_>) -> Result<()> {
        let Attempt { gpu, unit, done } = attempt;
        let (mut kept, mut out, mut uploaded) = (KeptBox::default(), Vec::new(), None);
        while *done < self.boxes.target.voxels() {
            let slab = self.boxes.slab(*done, unit);
            let parts = self.boxes.parts(&slab, unit)?;
            self.fill_slab(&slab, &parts, &mut out, |part, into| {
                let Some(place) = self.boxes.place(part, unit) else {
                    return self.on_cpu(slab.volume, part, &mut kept, into);
                };
                if uploaded.as_ref().is_none_or(|u: &Uploaded| u.of != (slab.volume, place.clone())) {
                    uploaded = None;
                    let bytes = kept.read(&self.boxes, slab.volume, &place)?;
                    uploaded = Some(self.upload(gpu, (slab.volume, place.clone()), bytes)?);
                }
                match &uploaded {
                    Some(uploaded) => self.compute(gpu, uploaded, part, into),
                    None => Ok(()),
                }
            })?;
            *done += self.write(&slab, &out)?;
        }
        drop(uploaded);
        gpu.clear_pool();
        Ok(())
    }

    fn upload(&self, gpu: &Gpu, of: (u64, Place), bytes: &[u8]) -> Result<Uploaded, GpuError> {
        let (name, size) = (SHADER.name, self.dtype.bytes() as u64);
        let shape = of.1.each_ref().map(|r| (r.end - r.start) as u32);
        let voxels = shape.iter().map(|n| u64::from(*n)).product::<u64>();
        let buffer = gpu.pooled(name, Brick::bytes(shape)?, STORAGE)?;
        let brick = Brick::in_buffer(shape, (*buffer).clone(), 8 * size as u32)?;
        let packed_bytes = voxels.next_multiple_of(UNIT_VOXELS) * size;
        let mut staging = gpu.pooled(name, packed_bytes, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC)?;
        let packed = gpu.pooled(name, packed_bytes, STORAGE)?;
        let mut encoder = gpu.encoder();
        gpu.stage(name, &mut encoder, bytes, &staging, (&packed, 0))?;
        brick.encode_from(gpu, &mut encoder, self.dtype, &Chunk { buffer: (*packed).clone(), voxels: voxels as u32 })?;
        staging.busy_until(gpu.submit(name, encoder)?);
        Ok(Uploaded { of, brick, _buffer: buffer })
    }

    fn compute(&self, gpu: &Gpu, from: &Uploaded, part: &TargetPart, out: &mut [u8]) -> Result<()> {
        let (name, size) = (SHADER.name, self.dtype.bytes() as u64);
        let shape = part.size.map(|n| n as u32);
        let buffer = gpu.pooled(name, Brick::bytes(shape)?, STORAGE)?;
        let brick = Brick::in_buffer(shape, (*buffer).clone(), 8 * size as u32)?;
        let bytes = u64::from(brick.voxels()).next_multiple_of(UNIT_VOXELS) * size;
        let narrowed = gpu.pooled(name, bytes, STORAGE)?;
        let mut readback = gpu.pooled(name, bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?;
        let sampled = self.sampled(part, &from.of.1, &[]);
        let fill = keys::key(self.dtype, self.fill) as u32;
        let mut encoder = gpu.encoder();
        let place = (&from.brick, &sampled.inside, &sampled.positions);
        encode(gpu, &mut encoder, (self.boxes.sampling, fill), place, &brick)?;
        brick.encode_into(gpu, &mut encoder, self.dtype, &narrowed)?;
        gpu.copy(name, &mut encoder, (&narrowed, 0), (&readback, 0), (out.len() as u64).next_multiple_of(4))?;
        let submission = gpu.submit(name, encoder)?;
        readback.busy_until(submission.clone());
        gpu.read_mapped(name, &readback, submission, out)?;
        Ok(())
    }
}
