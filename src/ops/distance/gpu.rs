//! Distances on the GPU: rows from bits, then columns from one buffer into another.

use super::cpu::fits;
use super::word::SquareWord;
use crate::engine::{Call, Gpu, GpuError, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "distance", wgsl: include_str!("../../../shaders/distance.wgsl") };

/// Most voxels along an axis: a voxel takes as many steps at most, and software drivers end all loops of an invocation after 65,536.
pub const fn largest_axis() -> u64 {
    1 << 14
}

/// Records: the squared distances of all voxels along their rows, [`SquareWord::FAR`] in rows without background. `foreground` holds one bit a voxel, in rows of whole words of
/// 64 bits.
///
/// # Errors
/// [`GpuError::Input`] if a buffer is too small.
pub fn encode_rows<T: SquareWord>(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    foreground: &wgpu::Buffer,
    (shape, weights): ([u32; 3], [u64; 3]),
    squares: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let words = 2 * shape[0].div_ceil(64);
    let needs = 4 * u64::from(words) * u64::from(shape[1]) * u64::from(shape[2]);
    if foreground.size() < needs {
        return Err(input(format!("{} bytes of foreground; {shape:?} voxels take {needs}", foreground.size())));
    }
    check::<T>(shape, weights, &[squares])?;
    let (entry, after) = if T::WIDE { ("rows_wide", "after_wide") } else { ("rows", "after") };
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry,
            constants: &[],
            params: &params(shape, (1, words), (weights[0], 0)),
            buffers: &[("foreground", foreground), (after, squares)],
            elements: shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}

/// Records: of each voxel the least of `before` along its column in y or z, axis 1 or 2, with the square of the way there.
///
/// # Errors
/// [`GpuError::Input`] if a buffer is too small.
pub fn encode_columns<T: SquareWord>(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    (shape, weights): ([u32; 3], [u64; 3]),
    axis: usize,
    [before, after]: [&wgpu::Buffer; 2],
) -> Result<(), GpuError> {
    check::<T>(shape, weights, &[before, after])?;
    let stride = shape[..axis].iter().product();
    let (entry, names) = if T::WIDE { ("columns_wide", ["before_wide", "after_wide"]) } else { ("columns", ["before", "after"]) };
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry,
            constants: &[],
            params: &params(shape, (stride, shape[axis]), (weights[axis], axis as u32)),
            buffers: &[(names[0], before), (names[1], after)],
            elements: shape.map(u64::from).into(),
            groups_wanted: u32::MAX,
        },
    )
}

/// Writes the squared distances of the voxels whose bits in `foreground` are ones, in rows of whole words; as [`squared`](super::squared), but [`SquareWord::FAR`] everywhere where there
/// is no background.
///
/// # Errors
/// Any [`GpuError`]; [`GpuError::Input`] if the device binds no buffer of that size, or for a buffer of another length.
pub fn run<T: SquareWord>(
    gpu: &Gpu,
    foreground: &[u64],
    shape: [u32; 3],
    weights: [u64; 3],
    out: &mut [T],
) -> Result<(), GpuError> {
    if out.len() as u64 != shape.iter().map(|n| u64::from(*n)).product::<u64>() {
        return Err(input(format!("{} results for {shape:?} voxels", out.len())));
    }
    let bits = gpu.storage_with(SHADER.name, bytemuck::cast_slice(foreground), 4)?;
    let bytes = size_of_val(out) as u64;
    let mut pair = [gpu.storage(SHADER.name, bytes)?, gpu.storage(SHADER.name, bytes)?];
    let mut encoder = gpu.encoder();
    encode_rows::<T>(gpu, &mut encoder, &bits, (shape, weights), &pair[0])?;
    for axis in (1..3).filter(|axis| shape[*axis] > 1) {
        encode_columns::<T>(gpu, &mut encoder, (shape, weights), axis, [&pair[0], &pair[1]])?;
        pair.swap(0, 1);
    }
    gpu.submit(SHADER.name, encoder)?;
    gpu.download_into(SHADER.name, &pair[0], bytemuck::cast_slice_mut(out))
}

fn check<T: SquareWord>(shape: [u32; 3], weights: [u64; 3], buffers: &[&wgpu::Buffer]) -> Result<(), GpuError> {
    if !shape.iter().all(|n| (1..=largest_axis()).contains(&u64::from(*n))) {
        return Err(input(format!("{shape:?} voxels; an axis has 1 to {}", largest_axis())));
    }
    if !fits::<T>(shape.map(|n| n as usize), weights) {
        return Err(input(format!("weights {weights:?} are too large for {shape:?} voxels")));
    }
    let needs = shape.iter().map(|n| u64::from(*n)).product::<u64>() * size_of::<T>() as u64;
    match buffers.iter().find(|buffer| buffer.size() < needs) {
        Some(buffer) => Err(input(format!("{} bytes for {shape:?} squares, which take {needs}", buffer.size()))),
        None => Ok(()),
    }
}

/// The square of the way along an axis fits, so the way itself is below 2³¹; of an axis of one voxel nobody asks for the weight.
fn params(shape: [u32; 3], (stride, along): (u32, u32), (weight, axis): (u64, u32)) -> [(&'static str, crate::engine::Param); 5] {
    [
        ("shape", shape.into()),
        ("stride", stride.into()),
        ("along", along.into()),
        ("weight", u32::try_from(weight).unwrap_or_default().into()),
        ("axis", axis.into()),
    ]
}

fn input(what: String) -> GpuError {
    GpuError::Input { kernel: SHADER.name, what }
}
