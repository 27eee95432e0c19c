//! Derivatives on the GPU.

use super::{Derivative, DerivativeKind};
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "derivative", wgsl: include_str!("../../../shaders/derivative.wgsl") };

/// Records: into `results`, a brick of keys of float32, the derivative at as many voxels of `brick`, whose keys are of `dtype`, from `origin` on.
///
/// # Errors
/// [`GpuError::Input`] if the box does not lie inside of the brick, or one of the two does not hold such keys.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (dtype, derivative): (Dtype, &Derivative),
    (brick, origin): (&Brick, [u32; 3]),
    results: &Brick,
) -> Result<(), GpuError> {
    let bits = 8 * dtype.bytes() as u32;
    if results.bits != 32 {
        let what = format!("a brick of keys of {} bits for levels", results.bits);
        return Err(GpuError::Input { kernel: SHADER.name, what });
    }
    Brick { bits, ..results.clone() }.check_inside(SHADER.name, brick, origin, bits)?;
    let call = Call {
        shader: &SHADER,
        entry: match derivative.kind {
            DerivativeKind::GradientMagnitude => "gradient_magnitude",
            DerivativeKind::Laplacian => "laplacian",
        },
        constants: &[("LEVELS", u32::from(dtype == Dtype::F32))],
        params: &[
            ("shape", brick.shape.into()),
            ("origin", origin.into()),
            ("size", results.shape.into()),
            ("factors", derivative.factors.into()),
            ("shift", derivative.shift(dtype).into()),
        ],
        buffers: &[("keys", &brick.buffer), ("levels", &results.buffer)],
        elements: results.shape.map(u64::from).into(),
        groups_wanted: u32::MAX,
    };
    gpu.encode(encoder, &call)
}
