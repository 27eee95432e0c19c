//! Batches of slices on a device: up, counted or blended, and back.

use super::AdaptiveMapping;
use crate::Result;
use crate::analysis::adaptive::Slots;
use crate::engine::{Brick, Chunk, Gpu, GpuError, Pooled, STORAGE, UNIT_VOXELS};
use crate::ops::clahe::{self, Between, GpuSlots, TileLevels};
use crate::volume::Dtype;

/// The voxels of a batch, and of its mask, as they were read.
pub(super) struct SliceBatch<'a> {
    pub bytes: &'a [u8],
    pub mask: Option<&'a [u8]>,
    pub slices: u32,
}

/// A device with the slots of keys.
pub(super) struct DeviceTiles<'a> {
    gpu: &'a Gpu,
    counting: GpuSlots,
    looking: GpuSlots,
}

/// BatchKeys of a batch.
struct BatchKeys {
    brick: Brick,
    /// Behind the brick, so that it goes back when this does.
    _buffer: Pooled,
    _packed: Pooled,
    upload: Pooled,
}

const NAME: &str = clahe::SHADER.name;

impl<'a> DeviceTiles<'a> {
    pub fn new(gpu: &'a Gpu, slots: &Slots) -> std::result::Result<Self, GpuError> {
        let upload = |of: &[u32]| GpuSlots::upload(gpu, of, slots.len());
        Ok(Self { gpu, counting: upload(&slots.counting)?, looking: upload(&slots.looking)? })
    }

    /// Adds slices of a batch to layers of counts, as often as `visits` say.
    pub fn count(
        &self,
        mapping: &AdaptiveMapping,
        batch: &SliceBatch<'_>,
        visits: &[[u32; 2]],
        counts: &mut [u32],
    ) -> Result<()> {
        let gpu = self.gpu;
        let mut encoder = gpu.encoder();
        let mut keys = self.keys(&mut encoder, mapping, (mapping.input().meaning.dtype, batch.bytes))?;
        let mut mask = batch.mask.map(|mask| self.keys(&mut encoder, mapping, (Dtype::U8, mask))).transpose()?;
        let bytes = 4 * counts.len() as u64;
        let (sums, mut readback) = (gpu.pooled(NAME, bytes, STORAGE)?, self.readback(bytes)?);
        encoder.clear_buffer(&sums, 0, None);
        let bricks = (&keys.brick, mask.as_ref().map(|mask| &mask.brick), &self.counting);
        clahe::encode_count(gpu, &mut encoder, &mapping.lattice, bricks, (visits, &sums))?;
        gpu.copy(NAME, &mut encoder, (&sums, 0), (&readback, 0), bytes)?;
        let submission = gpu.submit(NAME, encoder)?;
        for buffer in
            [Some(&mut keys.upload), mask.as_mut().map(|mask| &mut mask.upload), Some(&mut readback)].into_iter().flatten()
        {
            buffer.busy_until(submission.clone());
        }
        let mut found = vec![0; bytes as usize];
        gpu.read_mapped(NAME, &readback, submission, &mut found)?;
        let words = found.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]));
        counts.iter_mut().zip(words).for_each(|(sum, n)| *sum += n);
        Ok(())
    }

    /// The levels of a batch, whose slices lie between layers as `depth` says.
    pub fn blend(
        &self,
        mapping: &AdaptiveMapping,
        batch: &SliceBatch<'_>,
        (tables, depth): (&TileLevels, &[Between]),
        out: &mut [u8],
    ) -> Result<()> {
        let (gpu, to) = (self.gpu, mapping.header.meaning.dtype);
        let mut encoder = gpu.encoder();
        let mut keys = self.keys(&mut encoder, mapping, (mapping.input().meaning.dtype, batch.bytes))?;
        let shape = keys.brick.shape;
        let buffer = gpu.pooled(NAME, Brick::bytes(shape)?, STORAGE)?;
        let blended = Brick::in_buffer(shape, (*buffer).clone(), 8 * to.bytes() as u32)?;
        let size = u64::from(blended.voxels()).next_multiple_of(UNIT_VOXELS) * to.bytes() as u64;
        let (narrowed, mut readback) = (gpu.pooled(NAME, size, STORAGE)?, self.readback(size)?);
        let (tables, depth) = near(tables, depth, mapping.lattice.in_layer());
        clahe::encode_blend(gpu, &mut encoder, &mapping.lattice, (&keys.brick, &self.looking), (&tables, &depth), &blended)?;
        blended.encode_into(gpu, &mut encoder, to, &narrowed)?;
        gpu.copy(NAME, &mut encoder, (&narrowed, 0), (&readback, 0), (out.len() as u64).next_multiple_of(4))?;
        let submission = gpu.submit(NAME, encoder)?;
        keys.upload.busy_until(submission.clone());
        readback.busy_until(submission.clone());
        gpu.read_mapped(NAME, &readback, submission, out)?;
        Ok(())
    }

    fn readback(&self, bytes: u64) -> std::result::Result<Pooled, GpuError> {
        self.gpu.pooled(NAME, bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    /// Records: whole slices up, and to keys.
    fn keys(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        mapping: &AdaptiveMapping,
        (dtype, bytes): (Dtype, &[u8]),
    ) -> std::result::Result<BatchKeys, GpuError> {
        let gpu = self.gpu;
        let ([nx, ny, _], voxels) = (mapping.lattice.shape(), (bytes.len() / dtype.bytes()) as u64);
        let shape = [nx, ny, (voxels / (u64::from(nx) * u64::from(ny))) as u32];
        let size = voxels.next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64;
        let upload = gpu.pooled(NAME, size, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC)?;
        let packed = gpu.pooled(NAME, size, STORAGE)?;
        let buffer = gpu.pooled(NAME, Brick::bytes(shape)?, STORAGE)?;
        let brick = Brick::in_buffer(shape, (*buffer).clone(), 8 * dtype.bytes() as u32)?;
        gpu.stage(NAME, encoder, bytes, &upload, (&packed, 0))?;
        brick.encode_from(gpu, encoder, dtype, &Chunk { buffer: (*packed).clone(), voxels: brick.voxels() })?;
        Ok(BatchKeys { brick, _buffer: buffer, _packed: packed, upload })
    }
}

/// The tables of the layers that slices lie between, and these counted from the first of them.
fn near(tables: &TileLevels, depth: &[Between], in_layer: usize) -> (TileLevels, Vec<Between>) {
    let first = depth.iter().map(|b| b.low).min().unwrap_or(0);
    let last = depth.iter().map(|b| b.high).max().unwrap_or(0);
    let tiles = first as usize * in_layer..(last as usize + 1) * in_layer;
    let own = TileLevels {
        entries: tables.entries,
        levels: tables.levels[tiles.start * tables.entries..tiles.end * tables.entries].to_vec(),
        filled: tables.filled[tiles].to_vec(),
    };
    (own, depth.iter().map(|b| Between { low: b.low - first, high: b.high - first, ..*b }).collect())
}
