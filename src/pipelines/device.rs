//! On what a job runs, how it is chosen, and what happens when it fails.

use std::sync::{Arc, Mutex, PoisonError};

use super::Run;
use super::cost::{Cost, KnownGpu, Prediction, Rates};
use crate::engine::{AdapterChoice, Gpu, GpuError};
use crate::{Error, Result};

/// On what a job runs: the CPU, or a GPU that is rebuilt here when it is lost, so that the next pass begins on the new one.
#[derive(Debug)]
pub struct Device {
    /// None for the CPU.
    slot: Option<Mutex<Slot>>,
    name: String,
}

#[derive(Debug)]
struct Slot {
    /// None once it is lost for good.
    gpu: Option<Arc<Gpu>>,
    /// The largest work unit that it had memory for.
    most_voxels: u64,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChoice {
    /// What is fastest for the work.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU.
    Gpu(AdapterChoice),
}

impl std::str::FromStr for DeviceChoice {
    type Err = std::convert::Infallible;

    /// `auto`, `cpu`, `gpu`, or an adapter's number or a part of its name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu(AdapterChoice::Any),
            other => Self::Gpu(other.parse().map_or_else(|_| AdapterChoice::Name(other.into()), AdapterChoice::Index)),
        })
    }
}

impl Device {
    /// The CPU, all threads of the current rayon pool.
    pub const fn cpu() -> Self {
        Self { slot: None, name: String::new() }
    }

    /// A GPU; should it fail half-way, the CPU finishes with the same bits.
    pub fn gpu(gpu: impl Into<Arc<Gpu>>) -> Self {
        let gpu = gpu.into();
        let name = gpu.name().into();
        Self { slot: Some(Mutex::new(Slot { gpu: Some(gpu), most_voxels: u64::MAX })), name }
    }

    /// The device for work of this cost, and why it is this one.
    ///
    /// # Errors
    /// [`Error::Gpu`] if there is no such GPU; never for [`DeviceChoice::Auto`].
    pub fn open(choice: &DeviceChoice, cost: &Cost, rates: &Rates) -> Result<(Self, String)> {
        match choice {
            DeviceChoice::Cpu => return Ok((Self::cpu(), "asked for".into())),
            DeviceChoice::Gpu(adapter) => return Ok((Self::gpu(Gpu::open(adapter)?), "asked for".into())),
            DeviceChoice::Auto if *cost == Cost::STREAMING => {
                return Ok((Self::cpu(), "one pass over a file moves more bytes than it computes".into()));
            }
            DeviceChoice::Auto if rates.gpu == KnownGpu::Absent => {
                return Ok((Self::cpu(), "there was no hardware GPU when this machine was measured".into()));
            }
            DeviceChoice::Auto => {}
        }
        let prediction = Prediction::of(cost, rates, rayon::current_num_threads());
        // Decided without opening a graphics API, which alone costs up to 0.2 s and tens of MiB.
        if !prediction.prefers_gpu() {
            return Ok((Self::cpu(), prediction.to_string()));
        }
        let (adapter, how) = match &rates.gpu {
            KnownGpu::Named(name) => (AdapterChoice::Name(name.clone()), "by rates measured here"),
            _ => (AdapterChoice::Hardware, "by assumed rates"),
        };
        Ok(match Gpu::open(&adapter) {
            Ok(gpu) => (Self::gpu(gpu), format!("{prediction}, {how}")),
            Err(_) => (Self::cpu(), format!("{prediction}, {how}, but there is no such GPU")),
        })
    }

    /// As a summary names it.
    pub fn name(&self) -> &str {
        if self.slot.is_none() { "CPU" } else { &self.name }
    }

    /// The GPU, and the most voxels of a work unit that it has had memory for; none on the CPU, and once it is lost for good.
    pub(super) fn current(&self) -> Option<(Arc<Gpu>, u64)> {
        let slot = self.slot.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some((slot.gpu.clone()?, slot.most_voxels))
    }

    fn change(&self, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = &self.slot {
            change(&mut slot.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// A new device in place of `lost`, unless another thread has rebuilt it already; none if it cannot be rebuilt.
    fn rebuilt(&self, lost: &Arc<Gpu>) -> Option<Arc<Gpu>> {
        let mut slot = self.slot.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.gpu.as_ref().is_some_and(|current| Arc::ptr_eq(current, lost)) {
            slot.gpu = lost.reopen().ok().map(Arc::new);
        }
        slot.gpu.clone()
    }
}

/// The smallest work unit that running out of device memory leads to.
const LEAST_VOXELS: u64 = 1 << 16;

/// One try of a pass on a GPU.
pub(super) struct Attempt<'a> {
    pub gpu: &'a Gpu,
    /// Most voxels of a work unit.
    pub unit: u64,
    /// Voxels whose results have arrived safely: where to begin, and to be kept up to date.
    pub done: &'a mut u64,
}

/// Runs `on_gpu` until all is done: half the unit when memory runs out, one rebuilt device when one is lost, then `on_cpu` from the first
/// voxel that is not done.
pub(super) fn with_fallback(
    run: &Run<'_>,
    unit: u64,
    mut on_gpu: impl FnMut(Attempt<'_>) -> Result<()>,
    on_cpu: impl FnOnce(u64) -> Result<()>,
) -> Result<()> {
    let mut done = 0;
    let Some((mut gpu, most)) = run.device.current() else { return on_cpu(0) };
    let mut unit = unit.min(most);
    let mut rebuilt = false;
    loop {
        match on_gpu(Attempt { gpu: &gpu, unit, done: &mut done }) {
            Ok(()) => return Ok(()),
            Err(Error::Gpu(GpuError::OutOfMemory { .. })) if unit / 2 >= LEAST_VOXELS => {
                unit /= 2;
                run.device.change(|slot| slot.most_voxels = slot.most_voxels.min(unit));
                run.note(&format!("out of device memory: going on with blocks of {unit} voxels"));
            }
            Err(Error::Gpu(GpuError::Lost { .. } | GpuError::Timeout { .. })) if !rebuilt => {
                rebuilt = true;
                let Some(fresh) = run.device.rebuilt(&gpu) else { break };
                run.note(&format!("the GPU was lost at voxel {done}: device rebuilt"));
                gpu = fresh;
            }
            Err(Error::Gpu(e)) => {
                run.note(&format!("{e}"));
                break;
            }
            Err(other) => return Err(other),
        }
    }
    run.note(&format!("the CPU finishes from voxel {done} on, with the same result"));
    on_cpu(done)
}
