//! Buffers: made and filled; every failure an `Err`.

use super::{Gpu, GpuError};

/// What kernels read and write: storage that can be copied to and from.
pub const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

impl Gpu {
    /// A storage buffer that kernels can use and that can be copied from and to. Poisoned if this device poisons, else zero.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], or [`GpuError::Input`] if the device binds no buffer of this size.
    pub fn storage(&self, kernel: &'static str, bytes: u64) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.buffer(kernel, bytes, STORAGE, false)?;
        let mut encoder = self.encoder();
        self.poison(&mut encoder, &buffer)?;
        self.submit(kernel, encoder)?;
        Ok(buffer)
    }

    /// A storage buffer with these bytes, rounded up with zeros to a multiple of `round` (which is a multiple of four).
    ///
    /// # Errors
    /// As [`Gpu::storage`].
    pub fn storage_with(&self, kernel: &'static str, bytes: &[u8], round: usize) -> Result<wgpu::Buffer, GpuError> {
        let size = bytes.len().next_multiple_of(round).max(round);
        let buffer = self.buffer(kernel, size as u64, STORAGE, true)?;
        self.fill(kernel, &buffer, bytes)?;
        Ok(buffer)
    }

    /// A buffer of any usage with these bytes, a multiple of four.
    pub(super) fn filled(&self, kernel: &'static str, usage: wgpu::BufferUsages, bytes: &[u8]) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.buffer(kernel, bytes.len() as u64, usage, true)?;
        self.fill(kernel, &buffer, bytes)?;
        Ok(buffer)
    }

    pub(crate) fn buffer(
        &self,
        kernel: &'static str,
        bytes: u64,
        usage: wgpu::BufferUsages,
        mapped_at_creation: bool,
    ) -> Result<wgpu::Buffer, GpuError> {
        let most = self.largest(usage);
        if bytes > most {
            return Err(GpuError::Input { kernel, what: format!("a buffer of {bytes} bytes; the device takes at most {most}") });
        }
        self.guarded(kernel, || {
            self.device().create_buffer(&wgpu::BufferDescriptor { label: Some(kernel), size: bytes, usage, mapped_at_creation })
        })
    }

    /// The most bytes that a buffer of this usage has.
    pub(super) fn largest(&self, usage: wgpu::BufferUsages) -> u64 {
        let limits = self.device().limits();
        match usage.contains(wgpu::BufferUsages::STORAGE) {
            true => limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            false => limits.max_buffer_size,
        }
    }

    /// Writes to a buffer mapped at creation, zeros behind, and unmaps it.
    fn fill(&self, kernel: &'static str, buffer: &wgpu::Buffer, bytes: &[u8]) -> Result<(), GpuError> {
        {
            // A buffer that could not be mapped after a creation without error: the device is gone.
            let mut view = buffer.get_mapped_range_mut(..).map_err(|_| GpuError::Lost { kernel })?;
            let (data, rest) = (view.len().min(bytes.len()), view.len().saturating_sub(bytes.len()));
            view.slice(..data).copy_from_slice(&bytes[..data]);
            if rest > 0 {
                view.slice(data..).copy_from_slice(&vec![0; rest]);
            }
        }
        self.guarded(kernel, || buffer.unmap())
    }
}
