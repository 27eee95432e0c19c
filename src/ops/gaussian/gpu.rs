//! Gaussians on the GPU.

use super::Smoothing;
use super::weights::Fixed;
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "gaussian", wgsl: include_str!("../../../shaders/gaussian.wgsl") };

/// A Gaussian in device memory, for one type.
#[derive(Debug, Clone)]
pub struct GpuSmoothing {
    weights: wgpu::Buffer,
    /// Along x, y and z.
    reach: [u32; 3],
    amount: u32,
    dtype: Dtype,
}

impl GpuSmoothing {
    /// Uploads the weights of all axes for voxels of `dtype`.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    pub fn upload(gpu: &Gpu, gaussian: &Smoothing, dtype: Dtype) -> Result<Self, GpuError> {
        let weights = gaussian.weights(dtype).concat();
        let buffer = gpu.storage_with(SHADER.name, bytemuck::cast_slice(&weights), 4)?;
        Ok(Self { weights: buffer, reach: gaussian.reach(), amount: gaussian.amount().unwrap_or_default(), dtype })
    }

    /// Boxes of the two bricks that [`encode`] computes in, for results of `size` voxels from a brick of `shape`.
    pub fn scratch(shape: [u32; 3], size: [u32; 3]) -> [[u32; 3]; 2] {
        [[shape[0], shape[1], size[2]], [shape[0], size[1], size[2]]]
    }
}

/// Records: into `results` the filtered voxels of as many of `brick` from `origin` on. `scratch` are bricks of the boxes that
/// [`GpuSmoothing::scratch`] says, whatever their keys.
///
/// # Errors
/// [`GpuError::Input`] if the box does not lie inside of the brick, or one of the bricks does not hold keys of the type of the Gaussian.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    gaussian: &GpuSmoothing,
    (brick, origin): (&Brick, [u32; 3]),
    results: &Brick,
    scratch: [&Brick; 2],
) -> Result<(), GpuError> {
    let GpuSmoothing { weights, reach, amount, dtype } = gaussian;
    let bits = 8 * dtype.bytes() as u32;
    results.check_inside(SHADER.name, brick, origin, bits)?;
    let wanted = GpuSmoothing::scratch(brick.shape, results.shape);
    if scratch.map(|s| s.shape) != wanted {
        let what = format!("bricks of {:?} to compute in, not {wanted:?}", scratch.map(|s| s.shape));
        return Err(GpuError::Input { kernel: SHADER.name, what });
    }
    let fixed = Fixed::of(*dtype);
    let constants = [
        ("LEVELS", u32::from(*dtype == Dtype::F32)),
        ("WEIGHT", fixed.weight),
        ("VALUE", fixed.value),
        ("BITS", fixed.bits),
        ("LAST", fixed.weight - (fixed.parts - 1) * fixed.bits),
    ];
    // Weights lie by axis, x first.
    let starts = [0, reach[0] + 1, reach[0] + reach[1] + 2];
    let passes = [
        ("along_z", 2, brick, [0, 0, origin[2]], scratch[0]),
        ("along_y", 1, scratch[0], [0, origin[1], 0], scratch[1]),
        ("along_x", 0, scratch[1], [origin[0], 0, 0], results),
    ];
    for (entry, axis, from, from_origin, to) in passes {
        let params = [
            ("shape", from.shape.into()),
            ("origin", from_origin.into()),
            ("size", to.shape.into()),
            ("reach", reach[axis].into()),
            ("weights", starts[axis].into()),
            ("amount", (*amount).into()),
            ("own_shape", brick.shape.into()),
            ("own_origin", origin.into()),
            ("most", (u32::MAX >> (32 - bits)).into()),
        ];
        let mut buffers = vec![("voxels", &from.buffer), ("weights", weights)];
        match axis {
            0 => buffers.extend([("keys", &brick.buffer), ("results", &to.buffer)]),
            _ => buffers.push(("sums", &to.buffer)),
        }
        let elements = to.shape.map(u64::from).into();
        let call = Call {
            shader: &SHADER,
            entry,
            constants: &constants,
            params: &params,
            buffers: &buffers,
            elements,
            groups_wanted: u32::MAX,
        };
        gpu.encode(encoder, &call)?;
    }
    Ok(())
}
