//! What every pass of a job has around it: the device, the memory, and who watches.

use super::Device;
use crate::{Error, Result};

/// The program around a job: follows it and may stop it.
pub trait Watch: Sync {
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

/// On what a pass runs, in how much memory, and who watches it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// On what.
    pub device: &'a Device,
    /// Most bytes for buffers: host, staging and device together. Results do not depend on it.
    pub memory_bytes: u64,
    /// Who watches.
    pub watch: &'a dyn Watch,
    /// A pass counts for one of so many; 0: for none.
    passes: u64,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { device, memory_bytes, .. } = self;
        f.debug_struct("Run").field("device", device).field("memory_bytes", memory_bytes).finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    /// What the program takes unless told otherwise.
    pub const MEMORY_BYTES: u64 = 256 << 20;

    /// A run on a device.
    pub fn new(device: &'a Device, memory_bytes: u64, watch: &'a dyn Watch) -> Self {
        Self { device, memory_bytes, watch, passes: 1 }
    }

    /// A run that nobody watches, with the usual memory.
    pub fn silent(device: &'a Device) -> Self {
        Self::new(device, Self::MEMORY_BYTES, &Silent)
    }

    /// The same with its passes told as one: each of `passes` moves the progress by its part.
    #[must_use]
    pub fn one_of(self, passes: u64) -> Self {
        Self { passes: self.passes * passes, ..self }
    }

    /// The same without progress: for looks at the voxels that are no part of the work announced. It can be stopped all the same.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { passes: 0, ..self }
    }

    /// The same on the CPU: for what has no kernel.
    #[must_use]
    pub fn on_cpu(self) -> Self {
        static CPU: Device = Device::cpu();
        Self { device: &CPU, ..self }
    }

    /// The same in other memory.
    #[must_use]
    pub fn with_memory(self, memory_bytes: u64) -> Self {
        Self { memory_bytes, ..self }
    }

    /// So many bytes of the input are done.
    pub fn advance(&self, bytes: u64) {
        if let Some(part) = bytes.checked_div(self.passes) {
            self.watch.advance(part);
        }
    }

    /// Something happened that the summary must say.
    pub fn note(&self, text: &str) {
        self.watch.event(text);
    }

    /// # Errors
    /// [`Error::Interrupted`] once the user wants the job to stop.
    pub fn stop(&self) -> Result<()> {
        if self.watch.stopped() { Err(Error::Interrupted) } else { Ok(()) }
    }
}
