//! Which device the window and the kernels share, and single voxels read back from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui_wgpu::{RenderState, WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use eframe::wgpu;
use hounsfield::engine::{Gpu, GpuVolume};
use hounsfield::volume::Dtype;

/// Set once the device is gone.
pub type Lost = Arc<AtomicBool>;

/// How the window gets its device: one that can present, named by a part of its name if one is wanted, with all the limits that it has.
pub fn setup(wanted: Option<String>) -> WgpuConfiguration {
    let mut create = WgpuSetupCreateNew::without_display_handle();
    create.device_descriptor = Arc::new(|adapter| wgpu::DeviceDescriptor {
        label: Some("hounsfield view"),
        required_limits: adapter.limits(),
        ..Default::default()
    });
    create.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
        let presents = |adapter: &&wgpu::Adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface));
        let named = |adapter: &&wgpu::Adapter| {
            let name = adapter.get_info().name.to_lowercase();
            wanted.as_ref().is_none_or(|wanted| name.contains(&wanted.to_lowercase()))
        };
        // Cards of their own first, software last.
        let rank = |adapter: &&wgpu::Adapter| match adapter.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        };
        let found = adapters.iter().filter(presents).filter(named).min_by_key(rank);
        found.cloned().ok_or_else(|| "no device that can show a window fits".to_owned())
    }));
    WgpuConfiguration { wgpu_setup: WgpuSetup::CreateNew(create), ..WgpuConfiguration::default() }
}

/// The engine on the window's device. Failures of the device no longer end the program; a lost one is noted.
pub fn engine(state: &RenderState) -> (Arc<Gpu>, Lost) {
    let lost = Lost::default();
    let note = lost.clone();
    state.device.set_device_lost_callback(move |_, _| note.store(true, Ordering::SeqCst));
    state.device.on_uncaptured_error(Arc::new(|_| {}));
    (Arc::new(Gpu::from_device(state.device.clone(), state.queue.clone())), lost)
}

/// What the device is, in words; software says so.
pub fn described(state: &RenderState) -> String {
    let info = state.adapter.get_info();
    match info.device_type {
        wgpu::DeviceType::Cpu => format!("{} (a software driver: no GPU is used)", info.name),
        _ => info.name,
    }
}

/// The bytes of voxels that a volume may take on this device: half of what it says it holds in all, and at most 8 GiB where it does not say.
pub fn most_bytes(state: &RenderState) -> u64 {
    state.device.limits().max_buffer_size.clamp(1 << 30, 8 << 30)
}

/// A stored value, read back.
pub fn voxel(gpu: &Gpu, volume: &GpuVolume, at: u64) -> Option<f64> {
    let dtype: Dtype = volume.dtype();
    let mut first = 0;
    let chunk = volume.chunks().iter().find(|chunk| {
        let here = at < first + u64::from(chunk.voxels);
        first += if here { 0 } else { u64::from(chunk.voxels) };
        here
    })?;
    let byte = (at - first) * dtype.bytes() as u64;
    let word = gpu.storage("view", 4).ok()?;
    let mut encoder = gpu.encoder();
    encoder.copy_buffer_to_buffer(&chunk.buffer, byte / 4 * 4, &word, 0, 4);
    gpu.submit("view", encoder).ok()?;
    let bytes = gpu.download("view", &word, 4).ok()?;
    let inside = (byte % 4) as usize;
    Some(dtype.decode(&bytes[inside..inside + dtype.bytes()]))
}
