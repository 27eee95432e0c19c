//! Means on the GPU.

use super::MeanBox;
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::volume::Dtype;

/// The kernel.
pub const SHADER: Shader = Shader { name: "mean", wgsl: include_str!("../../../shaders/mean.wgsl") };

/// Boxes of the two bricks that [`encode`] computes in, for results of `size` voxels from a brick of `shape`: two words a voxel.
pub fn scratch(shape: [u32; 3], size: [u32; 3]) -> [[u32; 3]; 2] {
    [[2 * shape[0], shape[1], size[2]], [2 * shape[0], size[1], size[2]]]
}

/// Records: into `results` the means around as many voxels of `brick`, whose keys are of `dtype`, from `origin` on. `between` are bricks of the boxes that
/// [`scratch`] says, whatever their keys.
///
/// # Errors
/// [`GpuError::Input`] if the box does not lie inside of the brick, or one of the bricks does not hold keys of this type.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (dtype, mean): (Dtype, MeanBox),
    (brick, origin): (&Brick, [u32; 3]),
    results: &Brick,
    between: [&Brick; 2],
) -> Result<(), GpuError> {
    results.check_inside(SHADER.name, brick, origin, 8 * dtype.bytes() as u32)?;
    let wanted = scratch(brick.shape, results.shape);
    if between.map(|b| b.shape) != wanted {
        let what = format!("bricks of {:?} to compute in, not {wanted:?}", between.map(|b| b.shape));
        return Err(GpuError::Input { kernel: SHADER.name, what });
    }
    let ([across, rows, _], [_, high, deep]) = (brick.shape, results.shape);
    let passes = [
        ("along_z", 2, brick.shape, [across, rows, deep], [("keys", brick), ("sums", between[0])]),
        ("along_y", 1, [across, rows, deep], [across, high, deep], [("partial", between[0]), ("sums", between[1])]),
        ("along_x", 0, [across, high, deep], results.shape, [("partial", between[1]), ("means", results)]),
    ];
    for (entry, axis, shape, size, buffers) in passes {
        let from = std::array::from_fn::<u32, 3, _>(|a| if a == axis { origin[a] } else { 0 });
        let call = Call {
            shader: &SHADER,
            entry,
            constants: &[("LEVELS", u32::from(dtype == Dtype::F32))],
            params: &[
                ("shape", shape.into()),
                ("origin", from.into()),
                ("size", size.into()),
                ("reach", mean.reach[axis].into()),
                ("count", mean.count().into()),
            ],
            buffers: &buffers.map(|(name, brick)| (name, &brick.buffer)),
            elements: size.map(u64::from).into(),
            groups_wanted: u32::MAX,
        };
        gpu.encode(encoder, &call)?;
    }
    Ok(())
}
