//! Larger boxes on the GPU.

use super::Border;
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::{Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "extend", wgsl: include_str!("../../../shaders/extend.wgsl") };

/// Records: into `extended` the keys of `brick`, which are of `dtype`, and beyond them what the border rule says: `before` voxels along x, y and z, and as many
/// behind as `extended` has room for.
///
/// # Errors
/// [`GpuError::Input`] if the larger brick does not hold the other one, or one of the two does not hold keys of this type.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (dtype, border): (Dtype, Border),
    brick: &Brick,
    before: [u32; 3],
    extended: &Brick,
) -> Result<(), GpuError> {
    brick.check_inside(SHADER.name, extended, before, 8 * dtype.bytes() as u32)?;
    // As the shader numbers them.
    let (rule, outside) = match border {
        Border::Nearest => (0u32, 0),
        Border::Reflect => (1, 0),
        Border::Mirror => (2, 0),
        Border::Constant(bits) => (3, keys::key(dtype, bits) as u32),
    };
    let call = Call {
        shader: &SHADER,
        entry: "main",
        constants: &[],
        params: &[
            ("shape", brick.shape.into()),
            ("size", extended.shape.into()),
            ("before", before.into()),
            ("border", rule.into()),
            ("outside", outside.into()),
        ],
        buffers: &[("keys", &brick.buffer), ("extended", &extended.buffer)],
        elements: extended.shape.map(u64::from).into(),
        groups_wanted: u32::MAX,
    };
    gpu.encode(encoder, &call)
}
