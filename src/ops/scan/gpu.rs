//! Prefix sum on the GPU.

use crate::engine::{Call, Gpu, GpuError, Shader};

/// The kernel.
pub const SHADER: Shader = Shader { name: "scan", wgsl: include_str!("../../../shaders/scan.wgsl") };

/// Records: the running sum of the first `count` u32 in `counts` into `cumulative`.
///
/// # Errors
/// [`GpuError::Input`] if `count` exceeds 65,536 or a buffer.
pub fn encode(
    gpu: &Gpu,
    encoder: &mut wgpu::CommandEncoder,
    count: usize,
    counts: &wgpu::Buffer,
    cumulative: &wgpu::Buffer,
) -> Result<(), GpuError> {
    let bytes = 4 * count as u64;
    if count == 0 || count > 65_536 || counts.size() < bytes || cumulative.size() < bytes {
        let what = format!("{count} counts; it takes 1 to 65,536, and buffers that hold them");
        return Err(GpuError::Input { kernel: SHADER.name, what });
    }
    gpu.encode(
        encoder,
        &Call {
            shader: &SHADER,
            entry: "main",
            constants: &[],
            params: &[("count", (count as u32).into())],
            buffers: &[("counts", counts), ("cumulative", cumulative)],
            elements: 1u64.into(),
            groups_wanted: 1,
        },
    )
}

/// The running sum of counts whose total stays below 2³².
///
/// # Errors
/// Any [`GpuError`].
pub fn run(gpu: &Gpu, counts: &[u32]) -> Result<Vec<u32>, GpuError> {
    let input = gpu.storage_with("scan", bytemuck::cast_slice(counts), 4)?;
    let output = gpu.storage("scan", 4 * counts.len() as u64)?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, counts.len(), &input, &output)?;
    gpu.submit("scan", encoder)?;
    let bytes = gpu.download("scan", &output, output.size())?;
    Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}
