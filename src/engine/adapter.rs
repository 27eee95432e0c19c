//! Finding a GPU.

use super::{Gpu, GpuError};
use crate::error::Hint;

/// Which adapter to open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AdapterChoice {
    /// A hardware GPU, the fastest kind first; a software driver is never taken.
    #[default]
    Hardware,
    /// A hardware GPU, else a software driver such as llvmpipe.
    Any,
    /// The adapter with this number in [`adapters`].
    Index(usize),
    /// The first adapter whose name contains this text, in any case of letters.
    Name(String),
}

/// An adapter of this machine.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// Its place in the list.
    pub index: usize,
    /// Name, driver and kind, as wgpu reports them.
    pub info: wgpu::AdapterInfo,
    /// What it grants.
    pub limits: wgpu::Limits,
    /// Whether it runs on the CPU: right, but some thirty times slower than this crate's own CPU path.
    pub software: bool,
    /// Whether it can run these kernels; OpenGL without compute cannot.
    pub usable: bool,
    pub(super) inner: wgpu::Adapter,
}

/// All adapters of this machine, in the driver's order. Opens the graphics API, which can take 0.2 s.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        flags: wgpu::InstanceFlags::from_build_config().with_env(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    found
        .into_iter()
        .enumerate()
        .map(|(index, inner)| {
            let info = inner.get_info();
            let limits = inner.limits();
            let compute = inner.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
            Adapter {
                index,
                software: info.device_type == wgpu::DeviceType::Cpu,
                usable: compute && limits.max_storage_buffers_per_shader_stage >= 4,
                info,
                limits,
                inner,
            }
        })
        .collect()
}

/// The adapter that `choice` means.
///
/// # Errors
/// [`GpuError::NoAdapter`] saying what there is and what to do.
pub fn choose(adapters: &[Adapter], choice: &AdapterChoice) -> Result<Adapter, GpuError> {
    let usable = || adapters.iter().filter(|a| a.usable);
    let rank = |a: &&Adapter| match a.info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    let found = match choice {
        AdapterChoice::Hardware => usable().filter(|a| !a.software).min_by_key(rank),
        AdapterChoice::Any => usable().min_by_key(rank),
        AdapterChoice::Index(i) => usable().find(|a| a.index == *i),
        AdapterChoice::Name(text) => {
            let text = text.to_lowercase();
            usable().find(|a| a.info.name.to_lowercase().contains(&text))
        }
    };
    found.cloned().ok_or_else(|| none_found(adapters, choice))
}

fn none_found(adapters: &[Adapter], choice: &AdapterChoice) -> GpuError {
    let names: Vec<String> = adapters.iter().map(|a| format!("{} {}", a.index, a.info.name)).collect();
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there are: {}", names.join(", ")) };
    match choice {
        AdapterChoice::Index(i) => {
            GpuError::NoAdapter { what: format!("no GPU adapter {i} ({there})"), hint: Hint::ListedAdapter }
        }
        AdapterChoice::Name(n) => {
            GpuError::NoAdapter { what: format!("no GPU adapter named {n:?} ({there})"), hint: Hint::ListedAdapter }
        }
        AdapterChoice::Hardware | AdapterChoice::Any => {
            GpuError::NoAdapter { what: format!("no GPU adapter ({there})"), hint: Hint::OrCpu(install_hint()) }
        }
    }
}

/// What tells an adapter from others, as far as drivers say. Two equal cards differ in their place on the bus alone, which not every driver
/// names: then only their place in the list is left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    name: String,
    vendor: u32,
    device: u32,
    bus: String,
    backend: wgpu::Backend,
}

impl Identity {
    fn of(info: &wgpu::AdapterInfo) -> Self {
        Self {
            name: info.name.clone(),
            vendor: info.vendor,
            device: info.device,
            bus: info.device_pci_bus_id.clone(),
            backend: info.backend,
        }
    }
}

/// Where an adapter is that was at `place`: still there, or else the first that cannot be told from it.
fn again(now: &[Identity], place: usize, wanted: &Identity) -> Option<usize> {
    if now.get(place) == Some(wanted) { Some(place) } else { now.iter().position(|i| i == wanted) }
}

/// Opens a fresh device on the adapter that was at `place`.
pub(super) fn reopen(place: usize, info: &wgpu::AdapterInfo) -> Result<Gpu, GpuError> {
    let now = adapters();
    let identities: Vec<Identity> = now.iter().map(|a| Identity::of(&a.info)).collect();
    let found = again(&identities, place, &Identity::of(info)).and_then(|i| now.into_iter().nth(i));
    open(found.ok_or_else(|| GpuError::NoAdapter { what: format!("adapter {} is gone", info.name), hint: Hint::OtherDevice })?)
}

/// What to install on this system when there is no adapter.
pub fn install_hint() -> &'static str {
    if cfg!(target_os = "linux") {
        "install the GPU's Vulkan driver (Debian: nvidia-driver with libnvidia-gl, or mesa-vulkan-drivers, which also brings a software driver)"
    } else if cfg!(target_os = "windows") {
        "install the GPU maker's driver"
    } else {
        "use a machine with a GPU"
    }
}

/// Opens a device on an adapter, with all that it grants.
pub(super) fn open(adapter: Adapter) -> Result<Gpu, GpuError> {
    let timestamps = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("hounsfield"),
        required_features: adapter.inner.features() & timestamps,
        required_limits: adapter.limits.clone(),
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.inner.request_device(&descriptor)).map_err(|e| GpuError::NoAdapter {
        what: format!("adapter {} cannot be opened: {e}", adapter.info.name),
        hint: Hint::OtherDevice,
    })?;
    let mut gpu = Gpu::from_device(device, queue);
    // This device is ours alone, so its two callback slots are ours too. Failures outside an error scope would otherwise panic.
    let lost = gpu.lost.clone();
    gpu.device().set_device_lost_callback(move |_, _| lost.store(true, std::sync::atomic::Ordering::SeqCst));
    gpu.device().on_uncaptured_error(std::sync::Arc::new(|_| {}));
    gpu.adapter = Some((adapter.index, adapter.info));
    Ok(gpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str, bus: &str) -> Identity {
        Identity { name: name.into(), vendor: 0x10de, device: 0x2330, bus: bus.into(), backend: wgpu::Backend::Vulkan }
    }

    #[test]
    fn of_two_equal_adapters_the_same_one_is_found_again() {
        let two = [card("a", ""), card("b", ""), card("b", "")];
        assert_eq!(again(&two, 2, &two[2]), Some(2));
        assert_eq!(again(&two, 1, &two[1]), Some(1));
    }

    #[test]
    fn an_adapter_that_moved_in_the_list_is_found_by_what_it_is() {
        let before = [card("a", "0000:01:00.0"), card("b", "0000:02:00.0"), card("b", "0000:03:00.0")];
        let now = [before[2].clone(), before[1].clone()];
        assert_eq!(again(&now, 2, &before[2]), Some(0));
        assert_eq!(again(&now, 0, &before[0]), None, "another card in its place is not it");
        assert_eq!(again(&[], 0, &before[0]), None);
    }
}
