//! On what a job runs, and who watches it.

use std::sync::Arc;

use crate::engine::{Gpu, GpuError};
use crate::{Error, Result};

/// On what a job runs.
#[derive(Debug, Clone)]
pub enum Device {
    /// The CPU, all threads of the current rayon pool.
    Cpu,
    /// A GPU; should it fail half-way, the CPU finishes with the same bits.
    Gpu(Arc<Gpu>),
}

impl Device {
    /// As a summary names it.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => "CPU".into(),
            Self::Gpu(gpu) => gpu.name().into(),
        }
    }
}

/// The program around a job: follows it, may stop it, says what memory it may take.
pub trait Watch: Sync {
    /// Most bytes for buffers: host, staging and device together. Results do not depend on it.
    fn memory_bytes(&self) -> u64 {
        256 << 20
    }

    /// So many more bytes of the input are done.
    fn advance(&self, _bytes: u64) {}

    /// Something happened that the summary must say.
    fn event(&self, _text: &str) {}

    /// Whether the user wants the job to stop.
    fn stopped(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Watch for Silent {}

/// Lets a job be stopped, and says nothing of its progress: the passes after the first.
pub(super) struct Quiet<'a>(pub &'a dyn Watch);

impl Watch for Quiet<'_> {
    fn memory_bytes(&self) -> u64 {
        self.0.memory_bytes()
    }

    fn event(&self, text: &str) {
        self.0.event(text);
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

/// The smallest work unit that running out of device memory leads to.
const LEAST_VOXELS: u64 = 1 << 16;

/// Runs `on_gpu(gpu, from, unit, done)` until all is done, `done` being told how far results have safely arrived: half the unit when
/// memory runs out, one rebuilt device when one is lost, then `on_cpu(from)` for the rest.
pub(super) fn with_fallback(
    device: &Device,
    unit: u64,
    watch: &dyn Watch,
    mut on_gpu: impl FnMut(&Gpu, u64, u64, &mut u64) -> Result<()>,
    on_cpu: impl FnOnce(u64) -> Result<()>,
) -> Result<()> {
    let mut done = 0;
    let Device::Gpu(first) = device else { return on_cpu(0) };
    let mut gpu = first.clone();
    let mut unit = unit;
    let mut rebuilt = false;
    loop {
        let at = done;
        match on_gpu(&gpu, at, unit, &mut done) {
            Ok(()) => return Ok(()),
            Err(Error::Gpu(GpuError::OutOfMemory { .. })) if unit / 2 >= LEAST_VOXELS => {
                unit /= 2;
                watch.event(&format!("out of device memory: going on with blocks of {unit} voxels"));
            }
            Err(Error::Gpu(GpuError::Lost { .. } | GpuError::Timeout { .. })) if !rebuilt => {
                rebuilt = true;
                match gpu.reopen() {
                    Ok(fresh) => {
                        watch.event(&format!("the GPU was lost at voxel {done}: device rebuilt"));
                        gpu = Arc::new(fresh);
                    }
                    Err(_) => break,
                }
            }
            Err(Error::Gpu(e)) => {
                watch.event(&format!("{e}"));
                break;
            }
            Err(other) => return Err(other),
        }
    }
    watch.event(&format!("the CPU finishes from voxel {done} on, with the same result"));
    on_cpu(done)
}
