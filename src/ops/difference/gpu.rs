//! Differences on the GPU.

use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "difference", wgsl: include_str!("../../../shaders/difference.wgsl") };

/// Records: into `results` as many voxels of the first brick, from its origin on, less those of the second from its own on. The keys of both are of `dtype`,
/// those of the results of its [`result`](super::result).
///
/// # Errors
/// [`GpuError::Input`] if a box does not lie inside of its brick, a brick holds other keys, or for floats.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    dtype: Dtype,
    [(upper, upper_origin), (lower, lower_origin)]: [(&Brick, [u32; 3]); 2],
    results: &Brick,
) -> Result<(), GpuError> {
    let bits = 8 * dtype.bytes() as u32;
    results.check_inside(SHADER.name, upper, upper_origin, bits)?;
    results.check_inside(SHADER.name, lower, lower_origin, bits)?;
    if matches!(dtype, Dtype::F32 | Dtype::F64) {
        return Err(GpuError::Input { kernel: SHADER.name, what: format!("differences of {dtype}") });
    }
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[],
            params: &[
                ("upper_shape", upper.shape.into()),
                ("mask", (u32::MAX >> (32 - bits)).into()),
                ("upper_origin", upper_origin.into()),
                ("lower_shape", lower.shape.into()),
                ("lower_origin", lower_origin.into()),
                ("size", results.shape.into()),
            ],
            buffers: &[("upper", &upper.buffer), ("lower", &lower.buffer), ("results", &results.buffer)],
            elements: results.shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}
