//! A volume in device memory.

use super::transfer::{PART, Uploads};
use super::{Gpu, GpuError, transfer};
use crate::volume::{Block, Dtype};

/// Voxels in a chunk. With it a chunk of any type, and any result of it, fits a storage binding of 128 MiB, which every
/// device grants, and counts of it fit 32 bits.
pub const CHUNK_VOXELS: u64 = 1 << 25;

/// Buffers hold whole units of this many voxels (`UNIT` in `shaders/shared/voxels.wgsl`; a test compares the two).
pub const UNIT_VOXELS: u64 = 16;

/// A volume in device memory, as chunks of [`CHUNK_VOXELS`]. Another type than [`Volume`](crate::volume::Volume), so that a
/// transfer is always visible.
#[derive(Debug, Clone)]
pub struct GpuVolume {
    dtype: Dtype,
    chunks: Vec<Chunk>,
}

/// A run of voxels in one buffer.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The stored values, packed little-endian, rounded up to whole units of [`UNIT_VOXELS`].
    pub buffer: wgpu::Buffer,
    /// Voxels that count.
    pub voxels: u32,
}

impl GpuVolume {
    /// Uploads voxels: what is submitted after this finds them in buffers of the device.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`]; [`GpuError::Input`] for a type that kernels do not take.
    pub fn upload(gpu: &Gpu, block: Block<'_>) -> Result<Self, GpuError> {
        check_direct(block.dtype)?;
        let bytes = block.dtype.bytes();
        let mut uploads = Uploads::new(gpu, "upload");
        let chunks = block
            .bytes
            .chunks(CHUNK_VOXELS as usize * bytes)
            .map(|part| {
                let round = UNIT_VOXELS as usize * bytes;
                // A small one takes no detour.
                let buffer = match part.len() {
                    ..=PART => gpu.storage_with("upload", part, round)?,
                    long => uploads.upload(part, long.next_multiple_of(round) as u64)?,
                };
                Ok(Chunk { buffer, voxels: (part.len() / bytes) as u32 })
            })
            .collect::<Result<_, GpuError>>()?;
        Ok(Self { dtype: block.dtype, chunks })
    }

    /// Room for `voxels` voxels, not yet written.
    ///
    /// # Errors
    /// As [`GpuVolume::upload`].
    pub fn empty(gpu: &Gpu, dtype: Dtype, voxels: u64) -> Result<Self, GpuError> {
        check_direct(dtype)?;
        let mut chunks = Vec::new();
        let mut left = voxels;
        while left > 0 {
            let n = left.min(CHUNK_VOXELS);
            let size = n.next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64;
            chunks.push(Chunk { buffer: gpu.storage("volume", size)?, voxels: n as u32 });
            left -= n;
        }
        Ok(Self { dtype, chunks })
    }

    /// A volume in buffers that the caller has.
    ///
    /// # Errors
    /// [`GpuError::Input`] if a chunk is empty, too large for 32-bit counts, or its buffer too small for whole units.
    pub fn from_chunks(dtype: Dtype, chunks: Vec<Chunk>) -> Result<Self, GpuError> {
        check_direct(dtype)?;
        for chunk in &chunks {
            let needs = u64::from(chunk.voxels).next_multiple_of(UNIT_VOXELS) * dtype.bytes() as u64;
            if chunk.voxels == 0 || chunk.buffer.size() < needs {
                let what = format!("a chunk of {} voxels needs a buffer of {needs} bytes", chunk.voxels);
                return Err(GpuError::Input { kernel: "volume", what });
            }
        }
        Ok(Self { dtype, chunks })
    }

    /// Reads all voxels back.
    ///
    /// # Errors
    /// Any [`GpuError`].
    pub fn download(&self, gpu: &Gpu) -> Result<Vec<u8>, GpuError> {
        let size = |chunk: &Chunk| chunk.voxels as usize * self.dtype.bytes();
        let mut bytes = vec![0; self.chunks.iter().map(size).sum()];
        let mut rest = bytes.as_mut_slice();
        for chunk in &self.chunks {
            let (part, behind) = rest.split_at_mut(size(chunk));
            transfer::download(gpu, "download", &chunk.buffer, part)?;
            rest = behind;
        }
        Ok(bytes)
    }

    /// Type of the voxels.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Voxels in all.
    pub fn voxels(&self) -> u64 {
        self.chunks.iter().map(|c| u64::from(c.voxels)).sum()
    }
}

fn check_direct(dtype: Dtype) -> Result<(), GpuError> {
    if dtype.is_direct() {
        return Ok(());
    }
    let what = format!("kernels take uint8, int8, uint16, int16 and float32, not {dtype}");
    Err(GpuError::Input { kernel: "volume", what })
}
