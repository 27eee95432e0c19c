//! Remapping on the GPU.

use crate::engine::{Call, Chunk, Gpu, GpuError, GpuVolume, Shader, UNIT_VOXELS};
use crate::ops::histogram::Edges;
use crate::volume::{Dtype, Table, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "lut", wgsl: include_str!("../../../shaders/lut.wgsl") };

/// Enough invocations to fill any GPU while each still has several units to do.
const GROUPS: u32 = 16_384;

/// A table in device memory.
#[derive(Debug, Clone)]
pub struct GpuTable {
    from: Dtype,
    to: Dtype,
    entries: wgpu::Buffer,
    /// Keys of the edges and number of bins, for f32 input.
    edges: Option<(wgpu::Buffer, u32)>,
    nan: u32,
}

impl GpuTable {
    /// Uploads a table over the values of an integer type.
    ///
    /// # Errors
    /// Any [`GpuError`] of an upload.
    pub fn upload(gpu: &Gpu, table: &Table) -> Result<Self, GpuError> {
        let entries = gpu.storage_with("lut", bytemuck::cast_slice(table.entries()), 4)?;
        Self::from_buffer(table.from(), table.to(), entries)
    }

    /// Uploads a table over the bins of f32 voxels; NaN gives `nan`, as bits of the output type.
    ///
    /// # Errors
    /// Any [`GpuError`] of an upload; [`GpuError::Input`] if the table is not for these edges.
    pub fn upload_floats(gpu: &Gpu, edges: &Edges, table: &Table, nan: u32) -> Result<Self, GpuError> {
        if table.from() != Dtype::F32 || table.entries().len() != edges.bins() {
            return Err(input(format!("a table of {} entries for {} bins", table.entries().len(), edges.bins())));
        }
        let entries = gpu.storage_with("lut", bytemuck::cast_slice(table.entries()), 4)?;
        let keys = gpu.storage_with("lut", bytemuck::cast_slice(edges.keys()), 4)?;
        Ok(Self { from: Dtype::F32, to: table.to(), entries, edges: Some((keys, edges.bins() as u32)), nan })
    }

    /// A table that is on the device already, such as [`equalize`](crate::ops::equalize) writes: one u32 for each value of `from`.
    ///
    /// # Errors
    /// [`GpuError::Input`] if the types or the size do not fit.
    pub fn from_buffer(from: Dtype, to: Dtype, entries: wgpu::Buffer) -> Result<Self, GpuError> {
        if !from.is_small_integer() || !matches!(to, Dtype::U8 | Dtype::U16 | Dtype::I16 | Dtype::F32) {
            return Err(input(format!("a table from {from} to {to}")));
        }
        if entries.size() < 4 * from.values() as u64 {
            return Err(input(format!("{} bytes of entries for {from}", entries.size())));
        }
        Ok(Self { from, to, entries, edges: None, nan: 0 })
    }

    /// Type of the input.
    pub fn from(&self) -> Dtype {
        self.from
    }

    /// Type of the output.
    pub fn to(&self) -> Dtype {
        self.to
    }
}

/// Records: remap all chunks of `volume` into the chunks of `remapped`.
///
/// # Errors
/// [`GpuError::Input`] if types or chunks do not fit.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    volume: &GpuVolume,
    table: &GpuTable,
    remapped: &GpuVolume,
) -> Result<(), GpuError> {
    let same = volume.chunks().len() == remapped.chunks().len()
        && volume.chunks().iter().zip(remapped.chunks()).all(|(a, b)| a.voxels == b.voxels);
    if !same || volume.dtype() != table.from || remapped.dtype() != table.to {
        return Err(input(format!(
            "{} {} voxels through a table from {} to {} into {} {}",
            volume.voxels(),
            volume.dtype(),
            table.from,
            table.to,
            remapped.voxels(),
            remapped.dtype()
        )));
    }
    for (chunk, out) in volume.chunks().iter().zip(remapped.chunks()) {
        encode_chunk(gpu, encoder, chunk, table, &out.buffer)?;
    }
    Ok(())
}

/// Records: remap one chunk.
///
/// # Errors
/// [`GpuError::Input`] if a buffer is too small.
pub fn encode_chunk(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    chunk: &Chunk,
    table: &GpuTable,
    remapped: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let units = u64::from(chunk.voxels).div_ceil(UNIT_VOXELS);
    let needs = |dtype: Dtype| units * UNIT_VOXELS * dtype.bytes() as u64;
    if chunk.buffer.size() < needs(table.from) || remapped.size() < needs(table.to) {
        return Err(input(format!(
            "buffers of {} and {} bytes for {} voxels",
            chunk.buffer.size(),
            remapped.size(),
            chunk.voxels
        )));
    }
    // Unused bindings still need a buffer.
    let (edges, bins) = table.edges.as_ref().map_or((&table.entries, 0), |(keys, bins)| (keys, *bins));
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[("BITS", 8 * table.from.bytes() as u32), ("BITS_OUT", 8 * table.to.bytes() as u32)],
            params: &[
                ("voxels", chunk.voxels.into()),
                ("sign", (keys::sign_bit(table.from) as u32).into()),
                ("bins", bins.into()),
                ("nan", table.nan.into()),
            ],
            buffers: &[("voxels", &chunk.buffer), ("entries", &table.entries), ("edges", edges), ("remapped", remapped)],
            elements: units.into(),
            groups_wanted: GROUPS,
        },
    )
}

/// Remaps a volume that is on the device into a new one there.
///
/// # Errors
/// Any [`GpuError`].
pub fn run(gpu: &Gpu, volume: &GpuVolume, table: &GpuTable) -> Result<GpuVolume, GpuError> {
    let out = GpuVolume::empty(gpu, table.to, volume.voxels())?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, volume, table, &out)?;
    let submission = gpu.submit("lut", encoder)?;
    gpu.wait("lut", submission)?;
    Ok(out)
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: "lut", what }
}
