//! The median on the GPU.

use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::{Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "median", wgsl: include_str!("../../../shaders/median.wgsl") };

/// Records: into `medians` those of as many voxels of `brick`, whose keys are of `dtype`, from `origin` on.
///
/// # Errors
/// [`GpuError::Input`] if the box does not lie inside of the brick, or one of the two does not hold keys of this type.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    dtype: Dtype,
    brick: &Brick,
    origin: [u32; 3],
    medians: &Brick,
) -> Result<(), GpuError> {
    medians.check_inside(SHADER.name, brick, origin, 8 * dtype.bytes() as u32)?;
    let (first, last) = keys::numbers(dtype);
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[],
            params: &[
                ("shape", brick.shape.into()),
                ("origin", origin.into()),
                ("size", medians.shape.into()),
                ("first_number", (first as u32).into()),
                ("last_number", (last as u32).into()),
            ],
            buffers: &[("keys", &brick.buffer), ("medians", &medians.buffer)],
            elements: medians.shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}
