//! Ranks on the GPU.

use super::Footprint;
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::{Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "rank", wgsl: include_str!("../../../shaders/rank.wgsl") };

/// A footprint in device memory.
#[derive(Debug, Clone)]
pub struct GpuFootprint {
    rows: wgpu::Buffer,
    count: u32,
    voxels: u32,
}

impl GpuFootprint {
    /// Uploads the rows of a footprint.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    pub fn upload(gpu: &Gpu, footprint: &Footprint) -> Result<Self, GpuError> {
        let rows: Vec<[i32; 4]> = footprint.rows().iter().map(|row| [row.dy, row.dz, row.half as i32, 0]).collect();
        let buffer = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&rows), 16)?;
        Ok(Self { rows: buffer, count: rows.len() as u32, voxels: footprint.count() })
    }
}

/// Looks at a key in one invocation of the kernel. llvmpipe ends loops after twice as many rounds.
const MOST_LOOKS: u32 = 1 << 15;

/// Records: into `results` the values of this rank around as many voxels of `brick`, whose keys are of `dtype`, from `origin` on. `scratch` is another brick
/// like `results`.
///
/// # Errors
/// [`GpuError::Input`] if the box does not lie inside of the brick, one of the bricks does not hold keys of this type, or there is no such rank.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    dtype: Dtype,
    (brick, origin): (&Brick, [u32; 3]),
    (footprint, rank): (&GpuFootprint, u32),
    [results, scratch]: [&Brick; 2],
) -> Result<(), GpuError> {
    let bits = 8 * dtype.bytes() as u32;
    results.check_inside(SHADER.name, brick, origin, bits)?;
    if rank >= footprint.voxels || scratch.shape != results.shape {
        let what = format!("rank {rank} of {} voxels, {:?} for {:?}", footprint.voxels, scratch.shape, results.shape);
        return Err(GpuError::Input { kernel: SHADER.name, what });
    }
    let (first, last) = keys::numbers(dtype);
    let each = (MOST_LOOKS / (footprint.voxels + footprint.count)).max(1);
    let searches = if rank == 0 || rank + 1 == footprint.voxels { 0 } else { bits.div_ceil(each) };
    for entry in std::iter::once("begin").chain((0..searches).map(|_| "search")) {
        let call = Call {
            shader: &SHADER,
            entry,
            constants: &[],
            params: &[
                ("shape", brick.shape.into()),
                ("origin", origin.into()),
                ("size", results.shape.into()),
                ("first_number", (first as u32).into()),
                ("last_number", (last as u32).into()),
                ("rank", rank.into()),
                ("rows", footprint.count.into()),
                ("voxels", footprint.voxels.into()),
                ("bits", each.into()),
            ],
            buffers: &[
                ("keys", &brick.buffer),
                ("rows", &footprint.rows),
                ("results", &results.buffer),
                ("open", &scratch.buffer),
            ],
            elements: results.shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        };
        gpu.encode(encoder, &call)?;
    }
    Ok(())
}
