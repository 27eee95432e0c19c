//! Straight pieces on the GPU.

use super::Polyline;
use crate::engine::{Call, Chunk, Gpu, GpuError, GpuVolume, Shader, UNIT_VOXELS};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "pointwise", wgsl: include_str!("../../../shaders/pointwise.wgsl") };

/// Enough invocations to fill any GPU while each still has several units to do.
const GROUPS: u32 = 16_384;

/// Pieces in device memory.
#[derive(Debug, Clone)]
pub struct GpuPolyline {
    keys: wgpu::Buffer,
    lines: wgpu::Buffer,
    pieces: u32,
}

impl GpuPolyline {
    /// Uploads pieces.
    ///
    /// # Errors
    /// Any [`GpuError`] of an upload.
    pub fn upload(gpu: &Gpu, curve: &Polyline) -> Result<Self, GpuError> {
        let lines: Vec<[f32; 4]> = curve.lines.iter().map(|[x, y, s]| [*x, *y, *s, 0.0]).collect();
        Ok(Self {
            keys: gpu.storage_with(SHADER.name, bytemuck::cast_slice(&curve.keys), 4)?,
            lines: gpu.storage_with(SHADER.name, bytemuck::cast_slice(&lines), 16)?,
            pieces: curve.keys.len() as u32,
        })
    }
}

/// Records: map all chunks of `volume` into the chunks of `results`.
///
/// # Errors
/// [`GpuError::Input`] if types or chunks do not fit.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    volume: &GpuVolume,
    curve: &GpuPolyline,
    results: &GpuVolume,
) -> Result<(), GpuError> {
    let same = volume.chunks().len() == results.chunks().len()
        && volume.chunks().iter().zip(results.chunks()).all(|(a, b)| a.voxels == b.voxels);
    if !same || volume.dtype() != Dtype::F32 || results.dtype() != Dtype::F32 {
        let (a, b) = (volume.voxels(), results.voxels());
        return Err(input(format!("{a} {} voxels into {b} {}, not float32 into as many", volume.dtype(), results.dtype())));
    }
    for (chunk, out) in volume.chunks().iter().zip(results.chunks()) {
        encode_chunk(gpu, encoder, chunk, curve, &out.buffer)?;
    }
    Ok(())
}

/// Records: map one chunk of f32 voxels.
///
/// # Errors
/// [`GpuError::Input`] if a buffer is too small.
pub fn encode_chunk(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    chunk: &Chunk,
    curve: &GpuPolyline,
    results: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let units = u64::from(chunk.voxels).div_ceil(UNIT_VOXELS);
    let needs = units * UNIT_VOXELS * Dtype::F32.bytes() as u64;
    let sizes = [chunk.buffer.size(), results.size()];
    if sizes.iter().any(|size| *size < needs) {
        return Err(input(format!("buffers of {} and {} bytes for {} voxels", sizes[0], sizes[1], chunk.voxels)));
    }
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[],
            params: &[("voxels", chunk.voxels.into()), ("pieces", curve.pieces.into()), ("nan", f32::NAN.to_bits().into())],
            buffers: &[("voxels", &chunk.buffer), ("edges", &curve.keys), ("lines", &curve.lines), ("results", results)],
            elements: units.into(),
            groups_wanted: GROUPS,
        },
    )
}

/// Maps a volume that is on the device into a new one there.
///
/// # Errors
/// Any [`GpuError`].
pub fn run(gpu: &Gpu, volume: &GpuVolume, curve: &GpuPolyline) -> Result<GpuVolume, GpuError> {
    let out = GpuVolume::empty(gpu, Dtype::F32, volume.voxels())?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, volume, curve, &out)?;
    let submission = gpu.submit(SHADER.name, encoder)?;
    gpu.wait(SHADER.name, submission)?;
    Ok(out)
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}
