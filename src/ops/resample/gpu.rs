//! Resampling on the GPU.

use super::{Positions, Sampling};
use crate::engine::{Brick, Call, Gpu, GpuError, Param, Shader};
use std::ops::Range;

/// The kernel.
pub const SHADER: Shader = Shader { name: "resample", wgsl: include_str!("../../../shaders/resample.wgsl") };

/// Records: into `out`, by the sampling, the voxels whose `positions` are counted from the first voxel of `brick`. `inside` are the voxels of the whole source, counted from there, too; the key `fill`
/// stands where there are none.
///
/// # Errors
/// [`GpuError::Input`] for a sampling that has no kernel for keys of this many bits, bricks of different types, a target of 2¹⁶ voxels or more along an axis, or a source that 32 bits do not
/// count.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (sampling, fill): (Sampling, u32),
    (brick, inside, positions): (&Brick, &[Range<i64>; 3], &Positions),
    out: &Brick,
) -> Result<(), GpuError> {
    let input = |what: String| GpuError::Input { kernel: SHADER.name, what };
    let number = match sampling {
        Sampling::Nearest => 0u32,
        Sampling::Linear if brick.bits <= 16 => 1,
        Sampling::Label => 2,
        other => return Err(input(format!("{} of keys of {} bits", other.name(), brick.bits))),
    };
    if brick.bits != out.bits {
        return Err(input(format!("keys of {} and {} bits", brick.bits, out.bits)));
    }
    if out.shape.iter().any(|n| *n >= 1 << 16) {
        return Err(input(format!("a target of {:?} voxels", out.shape)));
    }
    for brick in [brick, out] {
        let needs = Brick::bytes(brick.shape)?;
        if brick.buffer.size() < needs {
            return Err(input(format!("{} bytes for a brick of {:?}", brick.buffer.size(), brick.shape)));
        }
    }
    let counted = |value: i64| i32::try_from(value).map_err(|_| input(format!("a source that ends at voxel {value}")));
    let [x, y, z] = inside;
    let first = [counted(x.start)?, counted(y.start)?, counted(z.start)?];
    let end = [counted(x.end)?, counted(y.end)?, counted(z.end)?];
    let low = |of: [i64; 3]| -> Param { of.map(|v| v as u32).into() };
    let high = |of: [i64; 3]| -> Param { of.map(|v| (v >> 32) as u32).into() };
    let Positions { start, step: [x, y, z] } = *positions;
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[("SAMPLING", number)],
            params: &[
                ("shape", brick.shape.into()),
                ("fill", fill.into()),
                ("size", out.shape.into()),
                ("first", first.into()),
                ("end", end.into()),
                ("start_low", low(start)),
                ("start_high", high(start)),
                ("x_low", low(x)),
                ("x_high", high(x)),
                ("y_low", low(y)),
                ("y_high", high(y)),
                ("z_low", low(z)),
                ("z_high", high(z)),
            ],
            buffers: &[("keys", &brick.buffer), ("sampled", &out.buffer)],
            elements: out.shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}
