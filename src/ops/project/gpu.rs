//! Rays on the GPU.

use super::{Beams, Fold, Rays};
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::keys;

/// The kernel.
pub const SHADER: Shader = Shader { name: "project", wgsl: include_str!("../../../shaders/project.wgsl") };

/// Voxels of a ray that one dispatch takes: software drivers end loops after 65,536 rounds without a word.
const STEPS: u32 = 4096;

/// Words that are known of a ray.
const WORDS: u64 = 4;

/// What is known of rays, in device memory.
#[derive(Debug)]
pub struct GpuRays {
    /// Four words for each ray.
    pub buffer: wgpu::Buffer,
    /// How many.
    pub rays: u64,
}

impl GpuRays {
    /// Bytes of the buffer of so many rays.
    pub const fn bytes(rays: u64) -> u64 {
        4 * WORDS * rays
    }

    /// Rays of which nothing is known.
    ///
    /// # Errors
    /// As [`Gpu::storage`].
    pub fn empty(gpu: &Gpu, rays: u64) -> Result<Self, GpuError> {
        Ok(Self { buffer: gpu.storage(SHADER.name, Self::bytes(rays))?, rays })
    }

    /// What is known of them on the host, from the bytes of the buffer.
    pub fn known(beams: &Beams, bytes: &[u8]) -> Rays {
        let word = |ray: &[u8], i: usize| u32::from_le_bytes([ray[4 * i], ray[4 * i + 1], ray[4 * i + 2], ray[4 * i + 3]]);
        let value = |ray: &[u8]| match beams.fold {
            Fold::Sum => u64::from(word(ray, 1)) << 32 | u64::from(word(ray, 0)),
            // All bits are those of NaN, which no whole number is.
            Fold::Middle { .. } if beams.dtype.is_integer() || word(ray, 0) != u32::MAX => u64::from(word(ray, 1)),
            _ => u64::from(word(ray, 0)) & u64::from(u32::MAX >> (32 - 8 * beams.dtype.bytes())),
        };
        let rays = bytes.chunks_exact(4 * WORDS as usize);
        Rays { values: rays.clone().map(value).collect(), counts: rays.map(|ray| word(ray, 2)).collect() }
    }
}

/// Records: the voxels of `brick` are added to what is known of its rays, or, if `fresh`, are all that is known; the middle takes the rays for whole.
///
/// # Errors
/// [`GpuError::Input`] if a slab is not inside of the brick, for another number of rays or bits, and for sums that only the CPU makes.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    beams: &Beams,
    brick: &Brick,
    (rays, fresh): (&GpuRays, bool),
) -> Result<(), GpuError> {
    let input = |what: String| GpuError::Input { kernel: SHADER.name, what };
    if !beams.fits(brick.shape) || beams.axis > 2 || beams.slabs.is_empty() {
        return Err(input(format!("slabs {:?} along axis {} of {:?}", beams.slabs, beams.axis, brick.shape)));
    }
    if u64::from(brick.bits) != 8 * beams.dtype.bytes() as u64 || beams.sums_floats() {
        return Err(input(format!("{:?} of {} in keys of {} bits", beams.fold, beams.dtype, brick.bits)));
    }
    if rays.rays != beams.rays(brick.shape) as u64 || rays.buffer.size() < GpuRays::bytes(rays.rays) {
        return Err(input(format!("{} rays through {:?}", rays.rays, brick.shape)));
    }
    let ends: Vec<u8> = beams.slabs.iter().flat_map(|slab| [slab.start, slab.end]).flat_map(u32::to_le_bytes).collect();
    let slabs = gpu.storage_with(SHADER.name, &ends, 8)?;
    let thickest = beams.slabs.iter().map(ExactSizeIterator::len).max().unwrap_or(0) as u32;
    let (first, last) = keys::numbers(beams.dtype);
    let padding = beams.padding.unwrap_or((1, 0));
    let size = beams.size(brick.shape);
    let dispatch = |encoder: &mut wgpu::CommandEncoder, entry: &str, at: u32, bit: u32| {
        let sums = beams.fold == Fold::Sum;
        gpu.encode(
            encoder,
            &Call {
                shader: &SHADER,
                entry,
                constants: if entry == "fold" && sums { &[("HOW", 2)] } else { &[] },
                params: &[
                    ("shape", brick.shape.into()),
                    ("axis", (beams.axis as u32).into()),
                    ("size", size.into()),
                    ("turn", (beams.turn() as u32).into()),
                    ("first_number", (first as u32).into()),
                    ("last_number", (last as u32).into()),
                    ("first_padding", (padding.0 as u32).into()),
                    ("last_padding", (padding.1 as u32).into()),
                    ("begin", at.into()),
                    ("steps", STEPS.into()),
                    ("fresh", u32::from(fresh && at == 0).into()),
                    ("bit", bit.into()),
                    ("decides", u32::from(thickest - at <= STEPS).into()),
                    ("upper", u32::from(beams.fold == Fold::Middle { upper: true }).into()),
                ],
                buffers: &[("keys", &brick.buffer), ("slabs", &slabs), ("rays", &rays.buffer)],
                elements: rays.rays.into(),
                groups_wanted: u32::MAX,
            },
        )
    };
    for at in (0..thickest).step_by(STEPS as usize) {
        dispatch(encoder, "fold", at, 0)?;
    }
    if Rays::wants_whole(beams.fold) {
        for bit in (0..brick.bits).rev() {
            for at in (0..thickest).step_by(STEPS as usize) {
                dispatch(encoder, "middle", at, 1 << bit)?;
            }
        }
    }
    Ok(())
}
