//! Balls on the GPU: bits of what gives way, the distance's kernels, and what is near.

use super::MaskBall;
use crate::engine::{Brick, Call, Gpu, GpuError, Shader};
use crate::ops::distance::{SquareWord, encode_columns, encode_rows, fits};
use crate::volume::{Dtype, keys};

/// The kernel.
pub const SHADER: Shader = Shader { name: "ball", wgsl: include_str!("../../../shaders/ball.wgsl") };

/// Words of 32 bits of a row of so many voxels.
fn words(along_x: u32) -> u32 {
    2 * along_x.div_ceil(64)
}

/// Bytes of what [`encode`] computes in for a brick of this shape: bits, and twice the squares.
pub fn scratch_bytes(shape: [u32; 3], ball: &MaskBall) -> [u64; 3] {
    let [x, y, z] = shape.map(u64::from);
    let square = if narrow(shape, ball) { 4 } else { 8 };
    [4 * u64::from(words(shape[0])) * y * z, square * x * y * z, square * x * y * z]
}

fn narrow(shape: [u32; 3], ball: &MaskBall) -> bool {
    fits::<u32>(shape.map(|n| n as usize), ball.radius.weights)
}

/// Records: into `results` what the ball makes of as many voxels of `brick`, whose keys are of `dtype`, from `origin` on.
///
/// # Errors
/// [`GpuError::Input`] if the box does not lie inside of the brick, one of the bricks does not hold keys of this type, a buffer of `scratch` is smaller than
/// [`scratch_bytes`] says, or an axis is longer than the distance's kernels take.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (dtype, ball): (Dtype, &MaskBall),
    (brick, origin): (&Brick, [u32; 3]),
    results: &Brick,
    scratch: [&wgpu::Buffer; 3],
) -> Result<(), GpuError> {
    results.check_inside(SHADER.name, brick, origin, 8 * dtype.bytes() as u32)?;
    let keys = [ball.grows, ball.yields].map(|bits| keys::key(dtype, bits) as u32);
    if narrow(brick.shape, ball) {
        record::<u32>(gpu, encoder, (ball, keys), (brick, origin), results, scratch)
    } else {
        record::<u64>(gpu, encoder, (ball, keys), (brick, origin), results, scratch)
    }
}

fn record<T: SquareWord>(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (ball, [grows, yields]): (&MaskBall, [u32; 2]),
    (brick, origin): (&Brick, [u32; 3]),
    results: &Brick,
    [bits, squares, others]: [&wgpu::Buffer; 3],
) -> Result<(), GpuError> {
    let (shape, weights) = (brick.shape, ball.radius.weights);
    let limit = ball.radius.square.min(T::FAR.square() - 1);
    let words = words(shape[0]);
    let params = |size: [u32; 3]| {
        [
            ("shape", shape.into()),
            ("origin", origin.into()),
            ("size", size.into()),
            ("words", words.into()),
            ("grows", grows.into()),
            ("yields", yields.into()),
            ("limit", [limit as u32, (limit >> 32) as u32].into()),
        ]
    };
    let call = |entry, buffers, size: [u32; 3], params| Call {
        shader: &SHADER,
        entry,
        constants: &[],
        params,
        buffers,
        elements: size.map(u64::from).into(),
        groups_wanted: u32::MAX,
    };
    let packed = [words, shape[1], shape[2]];
    let (before, after) = (params(packed), params(results.shape));
    let buffers = [("keys", &brick.buffer), ("foreground", bits)];
    gpu.encode(encoder, &call("pack", &buffers, packed, &before))?;
    encode_rows::<T>(gpu, encoder, bits, (shape, weights), squares)?;
    let mut pair = [squares, others];
    for axis in (1..3).filter(|axis| shape[*axis] > 1) {
        encode_columns::<T>(gpu, encoder, (shape, weights), axis, pair)?;
        pair.swap(0, 1);
    }
    let (entry, name) = if T::WIDE { ("within_wide", "squares_wide") } else { ("within", "squares") };
    let buffers = [(name, pair[0]), ("results", &results.buffer)];
    gpu.encode(encoder, &call(entry, &buffers, results.shape, &after))
}
