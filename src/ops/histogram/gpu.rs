//! Counting on the GPU.

use super::{Edges, PrivateWindow};
use crate::engine::{Call, Chunk, Gpu, GpuError, GpuVolume, Shader};
use crate::volume::{Counts, Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "histogram", wgsl: include_str!("../../../shaders/histogram.wgsl") };

/// More groups than run at once on any GPU only add flushes of their private bins.
const GROUPS: u32 = 2048;

/// Counts behind the bins: NaN, below, above.
const EXTRA: usize = 3;

/// What the bins are.
#[derive(Debug, Clone)]
pub enum Binning {
    /// One for each value of an 8- or 16-bit integer type.
    Exact(PrivateWindow),
    /// f32 voxels between edges; the edges as keys on the device.
    Edges {
        /// The keys.
        keys: wgpu::Buffer,
        /// Number of bins.
        bins: usize,
    },
}

impl Binning {
    /// Uploads edges.
    ///
    /// # Errors
    /// Any [`GpuError`] of an upload.
    pub fn upload(gpu: &Gpu, edges: &Edges) -> Result<Self, GpuError> {
        let keys = gpu.storage_with("histogram", bytemuck::cast_slice(edges.keys()), 4)?;
        Ok(Self::Edges { keys, bins: edges.bins() })
    }

    fn count(&self, dtype: Dtype) -> usize {
        match self {
            Self::Exact(_) => dtype.values(),
            Self::Edges { bins, .. } => *bins,
        }
    }
}

/// A buffer of zero counts for `bins` bins: u32 each, then those of NaN, below and above.
///
/// # Errors
/// Any [`GpuError`] of an allocation.
pub fn counts_buffer(gpu: &Gpu, bins: usize) -> Result<wgpu::Buffer, GpuError> {
    gpu.storage_with("histogram", &vec![0; 4 * (bins + EXTRA)], 4)
}

/// The counts from the bytes of a [`counts_buffer`].
pub fn counts_from(dtype: Dtype, bytes: &[u8]) -> Counts {
    let all: Vec<u64> = bytes.chunks_exact(4).map(|b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect();
    let (bins, extra) = all.split_at(all.len() - EXTRA);
    Counts { dtype, bins: bins.to_vec(), nan: extra[0], below: extra[1], above: extra[2] }
}

/// Records: zero the counts, then count all chunks of the volume into them.
///
/// # Errors
/// [`GpuError::Input`] if mask or counts do not fit or the volume has 2³² voxels or more.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    volume: &GpuVolume,
    mask: Option<&GpuVolume>,
    bins: &Binning,
    counts: &wgpu::Buffer,
) -> Result<(), GpuError> {
    if volume.voxels() > u64::from(u32::MAX) {
        return Err(input(format!("{} voxels; device counts hold fewer than 2^32: count in parts", volume.voxels())));
    }
    let chunks = paired(volume, mask)?;
    encoder.clear_buffer(counts, 0, None);
    for (chunk, mask) in chunks {
        encode_chunk(gpu, encoder, volume.dtype(), chunk, mask, bins, counts)?;
    }
    Ok(())
}

/// Records: add the voxels of one chunk to counts that are there. For streaming; the caller keeps the sum below 2³².
///
/// # Errors
/// As [`encode`].
pub fn encode_chunk(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    dtype: Dtype,
    chunk: &Chunk,
    mask: Option<&Chunk>,
    bins: &Binning,
    counts: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let number = bins.count(dtype);
    let window = match bins {
        Binning::Exact(window) if dtype.is_small_integer() => *window,
        Binning::Edges { .. } if dtype == Dtype::F32 => PrivateWindow::of(Dtype::F32),
        _ => return Err(input(format!("these bins are not for {dtype}"))),
    };
    // It may be larger: those from a pool are.
    if counts.size() < 4 * (number + EXTRA) as u64 {
        return Err(input(format!("{} bytes of counts for {number} bins", counts.size())));
    }
    // Unused bindings still need a buffer.
    let keys = if let Binning::Edges { keys, .. } = bins { keys } else { &chunk.buffer };
    let voxel_mask = mask.map_or(&chunk.buffer, |m| &m.buffer);
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[("BITS", 8 * dtype.bytes() as u32), ("MASKED", u32::from(mask.is_some()))],
            params: &[
                ("voxels", chunk.voxels.into()),
                ("sign", (keys::sign_bit(dtype) as u32).into()),
                ("bins", (number as u32).into()),
                ("window_first", window.first.into()),
                ("window_log2", window.log2.into()),
            ],
            buffers: &[("voxels", &chunk.buffer), ("voxel_mask", voxel_mask), ("edges", keys), ("counts", counts)],
            elements: u64::from(chunk.voxels).div_ceil(crate::engine::UNIT_VOXELS).into(),
            groups_wanted: GROUPS,
        },
    )
}

/// Counts a volume that is on the device, any number of voxels.
///
/// # Errors
/// Any [`GpuError`].
pub fn run(gpu: &Gpu, volume: &GpuVolume, mask: Option<&GpuVolume>, bins: &Binning) -> Result<Counts, GpuError> {
    let number = bins.count(volume.dtype());
    let mut sum = Counts::binned(volume.dtype(), number);
    // 64 chunks are 2³¹ voxels.
    for part in paired(volume, mask)?.chunks(64) {
        let counts = counts_buffer(gpu, number)?;
        let mut encoder = gpu.encoder();
        for (chunk, mask) in part {
            encode_chunk(gpu, &mut encoder, volume.dtype(), chunk, *mask, bins, &counts)?;
        }
        gpu.submit("histogram", encoder)?;
        sum.merge(&counts_from(volume.dtype(), &gpu.download("histogram", &counts, counts.size())?));
    }
    Ok(sum)
}

type Pair<'a> = (&'a Chunk, Option<&'a Chunk>);

fn paired<'a>(volume: &'a GpuVolume, mask: Option<&'a GpuVolume>) -> Result<Vec<Pair<'a>>, GpuError> {
    let Some(mask) = mask else { return Ok(volume.chunks().iter().map(|c| (c, None)).collect()) };
    if mask.dtype() != Dtype::U8 {
        return Err(input(format!("a mask of {}; it is uint8", mask.dtype())));
    }
    let same = mask.chunks().len() == volume.chunks().len()
        && mask.chunks().iter().zip(volume.chunks()).all(|(m, v)| m.voxels == v.voxels);
    if !same {
        return Err(input(format!("a mask of {} voxels for {}, or other chunks", mask.voxels(), volume.voxels())));
    }
    Ok(volume.chunks().iter().zip(mask.chunks()).map(|(v, m)| (v, Some(m))).collect())
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: "histogram", what }
}
