//! Masking on the GPU.

use super::{Keep, Rule};
use crate::engine::{CHUNK_VOXELS, Call, Chunk, Gpu, GpuError, GpuVolume, Shader, UNIT_VOXELS};
use crate::volume::{Block, Dtype};

/// The kernel.
pub const SHADER: Shader = Shader { name: "mask", wgsl: include_str!("../../../shaders/mask.wgsl") };

/// Enough invocations to fill any GPU while each still has several units to do.
const GROUPS: u32 = 16_384;

/// A packed mask is read in vectors of 16 bytes.
const VECTOR_BITS: u64 = 128;

/// How the voxels of a mask lie in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One byte a voxel; non-zero keeps.
    Bytes,
    /// One bit a voxel, lowest bit first.
    Bits,
}

impl Packing {
    fn bits(self) -> u32 {
        match self {
            Self::Bytes => 8,
            Self::Bits => 1,
        }
    }

    fn buffer_bytes(self, voxels: u32) -> u64 {
        match self {
            Self::Bytes => u64::from(voxels).next_multiple_of(UNIT_VOXELS),
            Self::Bits => u64::from(voxels).next_multiple_of(VECTOR_BITS) / 8,
        }
    }
}

/// A mask in device memory, in chunks of as many voxels as those of the volume.
#[derive(Debug, Clone)]
pub struct GpuMask {
    packing: Packing,
    chunks: Vec<Chunk>,
}

impl GpuMask {
    /// Uploads a mask of `voxels` voxels.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`]; [`GpuError::Input`] if the mask has another length.
    pub fn upload(gpu: &Gpu, keep: Keep<'_>, voxels: u64) -> Result<Self, GpuError> {
        let (packing, bytes, needs) = match keep {
            Keep::Bytes(bytes) => (Packing::Bytes, bytes, voxels),
            Keep::Bits(bytes) => (Packing::Bits, bytes, voxels.div_ceil(8)),
        };
        if bytes.len() as u64 != needs {
            return Err(input(format!("a mask of {} bytes for {voxels} voxels", bytes.len())));
        }
        if packing == Packing::Bytes {
            return Self::from_volume(GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes })?);
        }
        let chunks = bytes
            .chunks(CHUNK_VOXELS as usize / 8)
            .enumerate()
            .map(|(i, part)| {
                let buffer = gpu.storage_with("mask", part, VECTOR_BITS as usize / 8)?;
                Ok(Chunk { buffer, voxels: (voxels - i as u64 * CHUNK_VOXELS).min(CHUNK_VOXELS) as u32 })
            })
            .collect::<Result<_, GpuError>>()?;
        Ok(Self { packing, chunks })
    }

    /// A mask of one byte a voxel that is on the device already.
    ///
    /// # Errors
    /// [`GpuError::Input`] if its voxels are not u8.
    pub fn from_volume(volume: GpuVolume) -> Result<Self, GpuError> {
        if volume.dtype() != Dtype::U8 {
            return Err(input(format!("a mask of {}; it is uint8, or packed bits", volume.dtype())));
        }
        Ok(Self { packing: Packing::Bytes, chunks: volume.chunks().to_vec() })
    }

    /// A packed mask in buffers that the caller has.
    ///
    /// # Errors
    /// [`GpuError::Input`] if a chunk is empty or its buffer does not hold whole vectors of 16 bytes for all voxels.
    pub fn from_bits(chunks: Vec<Chunk>) -> Result<Self, GpuError> {
        for chunk in &chunks {
            check_mask(chunk, Packing::Bits)?;
        }
        Ok(Self { packing: Packing::Bits, chunks })
    }

    /// How its voxels lie in the buffers.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }
}

/// Records: copy all chunks of `volume` into those of `kept`, with `background` (bits of the type) where the mask is zero.
///
/// # Errors
/// [`GpuError::Input`] if types or chunks do not fit.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    volume: &GpuVolume,
    mask: &GpuMask,
    background: u32,
    kept: &GpuVolume,
) -> Result<(), GpuError> {
    if !same(volume.chunks(), &mask.chunks) || !same(volume.chunks(), kept.chunks()) || volume.dtype() != kept.dtype() {
        return Err(input(format!(
            "{} {} voxels through a mask into {} {}, or other chunks",
            volume.voxels(),
            volume.dtype(),
            kept.voxels(),
            kept.dtype()
        )));
    }
    for ((chunk, mask_chunk), out) in volume.chunks().iter().zip(&mask.chunks).zip(kept.chunks()) {
        encode_chunk(gpu, encoder, volume.dtype(), chunk, (mask_chunk, mask.packing), background, &out.buffer)?;
    }
    Ok(())
}

/// Records: mask one chunk.
///
/// # Errors
/// [`GpuError::Input`] if a buffer is too small, the mask's chunk has other voxels, or the background more bits than the type.
pub fn encode_chunk(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    dtype: Dtype,
    chunk: &Chunk,
    (mask, packing): (&Chunk, Packing),
    background: u32,
    kept: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let bits = 8 * dtype.bytes() as u32;
    let units = u64::from(chunk.voxels).div_ceil(UNIT_VOXELS);
    let needs = units * UNIT_VOXELS * u64::from(bits / 8);
    if !dtype.is_direct() || chunk.buffer.size() < needs || kept.size() < needs || mask.voxels != chunk.voxels {
        return Err(input(format!(
            "{} {dtype} voxels in {} bytes, {} of a mask, into {} bytes",
            chunk.voxels,
            chunk.buffer.size(),
            mask.voxels,
            kept.size()
        )));
    }
    check_mask(mask, packing)?;
    let filled = match bits {
        8 if background <= 0xff => background * 0x0101_0101,
        16 if background <= 0xffff => background * 0x0001_0001,
        32 => background,
        _ => return Err(input(format!("a background of {background:#x} for {dtype}"))),
    };
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[("BITS", bits), ("MASK_BITS", packing.bits())],
            params: &[("voxels", chunk.voxels.into()), ("background", filled.into()), ("truth", 0u32.into())],
            buffers: &[("voxels", &chunk.buffer), ("voxel_mask", &mask.buffer), ("kept", kept)],
            elements: units.into(),
            groups_wanted: GROUPS,
        },
    )
}

/// Records: combine two masks into `combined`, u8 voxels of 0 and 1. [`Rule::NOT`] takes any mask as its second, the first one too.
///
/// # Errors
/// [`GpuError::Input`] if types or chunks do not fit.
pub fn encode_combine(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    rule: Rule,
    first: &GpuMask,
    second: &GpuMask,
    combined: &GpuVolume,
) -> Result<(), GpuError> {
    if !same(&first.chunks, &second.chunks) || !same(&first.chunks, combined.chunks()) || combined.dtype() != Dtype::U8 {
        return Err(input(format!("masks of different chunks, or into {} {}", combined.voxels(), combined.dtype())));
    }
    for ((a, b), out) in first.chunks.iter().zip(&second.chunks).zip(combined.chunks()) {
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry: "combine",
                constants: &[("MASK_BITS", first.packing.bits()), ("SECOND_BITS", second.packing.bits())],
                params: &[("voxels", a.voxels.into()), ("background", 0u32.into()), ("truth", u32::from(rule.truth()).into())],
                buffers: &[("voxel_mask", &a.buffer), ("second_mask", &b.buffer), ("combined", &out.buffer)],
                elements: u64::from(a.voxels).div_ceil(UNIT_VOXELS).into(),
                groups_wanted: GROUPS,
            },
        )?;
    }
    Ok(())
}

/// Masks a volume that is on the device into a new one there.
///
/// # Errors
/// Any [`GpuError`].
pub fn run(gpu: &Gpu, volume: &GpuVolume, mask: &GpuMask, background: u32) -> Result<GpuVolume, GpuError> {
    let out = GpuVolume::empty(gpu, volume.dtype(), volume.voxels())?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, volume, mask, background, &out)?;
    let submission = gpu.submit("mask", encoder)?;
    gpu.wait("mask", submission)?;
    Ok(out)
}

/// Combines two masks that are on the device into a new volume of 0 and 1 there.
///
/// # Errors
/// Any [`GpuError`].
pub fn run_combine(gpu: &Gpu, rule: Rule, first: &GpuMask, second: &GpuMask) -> Result<GpuVolume, GpuError> {
    let out = GpuVolume::empty(gpu, Dtype::U8, first.chunks.iter().map(|c| u64::from(c.voxels)).sum())?;
    let mut encoder = gpu.encoder();
    encode_combine(gpu, &mut encoder, rule, first, second, &out)?;
    let submission = gpu.submit("mask", encoder)?;
    gpu.wait("mask", submission)?;
    Ok(out)
}

fn same(a: &[Chunk], b: &[Chunk]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.voxels == b.voxels)
}

fn check_mask(chunk: &Chunk, packing: Packing) -> Result<(), GpuError> {
    let needs = packing.buffer_bytes(chunk.voxels);
    if chunk.voxels == 0 || chunk.buffer.size() < needs {
        return Err(input(format!("{} bytes of mask for {} voxels; it takes {needs}", chunk.buffer.size(), chunk.voxels)));
    }
    Ok(())
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: "mask", what }
}
