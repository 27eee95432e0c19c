use hounsfield::engine::{Gpu, GpuError, GpuVolume};
use hounsfield::ops::histogram::{self, Binning, PrivateWindow};
use hounsfield::ops::{equalize, lut, scan};
use hounsfield::volume::{Block, Dtype};
use hounsfield::wgpu;

/// Equalises int16 voxels (little-endian, x fastest) to 16 bits. Nothing is read back: what comes out is a storage buffer on your device.
pub fn equalized(device: wgpu::Device, queue: wgpu::Queue, voxels: &[u8]) -> Result<GpuVolume, GpuError> {
    // Yours, and no callbacks are installed. It keeps its kernels: make it once, use it for every frame.
    let gpu = Gpu::from_device(device, queue.clone());
    let image = GpuVolume::upload(&gpu, Block { dtype: Dtype::I16, bytes: voxels })?;

    // What lies between the steps: 65,536 words each.
    let values = Dtype::I16.values();
    let counts = histogram::counts_buffer(&gpu, values)?;
    let cumulative = gpu.storage("cumulative", 4 * values as u64)?;
    let entries = gpu.storage("entries", 4 * values as u64)?;
    let table = lut::GpuTable::from_buffer(Dtype::I16, Dtype::U16, entries.clone())?;
    let equalized = GpuVolume::empty(&gpu, Dtype::U16, voxels.len() as u64 / 2)?;

    // Or the encoder of your frame.
    let mut encoder = gpu.encoder();
    histogram::encode(&gpu, &mut encoder, &image, None, &Binning::Exact(PrivateWindow::of(Dtype::I16)), &counts)?;
    scan::encode(&gpu, &mut encoder, values, &counts, &cumulative)?;
    equalize::encode(&gpu, &mut encoder, &equalize::Settings::of(Dtype::I16), &cumulative, &entries)?;
    lut::encode(&gpu, &mut encoder, &image, &table, &equalized)?;
    // … your render pass over `equalized.chunks()`, then one submit.
    queue.submit([encoder.finish()]);
    Ok(equalized)
}
