//! Buffers: made, filled, read back; every failure an `Err`.

use std::sync::mpsc;

use super::{Gpu, GpuError, transfer};

/// How long a finished submission may take to call back.
const CALLBACK: std::time::Duration = std::time::Duration::from_secs(10);

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

    /// The bytes of a buffer, copied through a mapped one: when this returns `Ok`, all that was submitted before has happened.
    ///
    /// # Errors
    /// Any [`GpuError`]; a lost device is found here at the latest.
    pub fn download(&self, kernel: &'static str, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, GpuError> {
        let mut out = vec![0; bytes as usize];
        transfer::download(self, kernel, buffer, &mut out)?;
        Ok(out)
    }

    /// Waits for a submission that ends in a copy to the mappable buffer `staging`, and copies that buffer's first bytes out.
    pub(crate) fn read_mapped(
        &self,
        kernel: &'static str,
        staging: &wgpu::Buffer,
        submission: wgpu::SubmissionIndex,
        out: &mut [u8],
    ) -> Result<(), GpuError> {
        let (sender, receiver) = mpsc::channel();
        let slice = staging.slice(..(out.len() as u64).next_multiple_of(4));
        self.guarded(kernel, || {
            slice.map_async(wgpu::MapMode::Read, move |result| {
                // The receiver is gone only if this function has returned already.
                let _ = sender.send(result);
            });
        })?;
        self.poll(kernel, Some(submission))?;
        // The submission is done; the callback may still be running on another thread that polls. If it says no, or never comes,
        // the device is gone.
        let Ok(Ok(())) = receiver.recv_timeout(CALLBACK) else { return Err(GpuError::Lost { kernel }) };
        {
            let view = slice.get_mapped_range().map_err(|_| GpuError::Lost { kernel })?;
            transfer::copy_out(&view[..out.len()], out);
        }
        staging.unmap();
        Ok(())
    }

    /// Writes bytes into the mappable buffer `upload`, which no submission uses now, and records their copy to a place in another.
    pub(crate) fn stage(
        &self,
        kernel: &'static str,
        encoder: &mut wgpu::CommandEncoder,
        bytes: &[u8],
        upload: &wgpu::Buffer,
        target: (&wgpu::Buffer, u64),
    ) -> Result<(), GpuError> {
        let (sender, receiver) = mpsc::channel();
        let size = (bytes.len() as u64).next_multiple_of(4);
        let slice = upload.slice(..size);
        self.guarded(kernel, || {
            slice.map_async(wgpu::MapMode::Write, move |result| {
                let _ = sender.send(result);
            });
        })?;
        // Nothing uses the buffer, so one look is enough for wgpu to map it.
        self.device().poll(wgpu::PollType::Poll).map_err(|_| GpuError::Lost { kernel })?;
        let Ok(Ok(())) = receiver.recv_timeout(CALLBACK) else { return Err(GpuError::Lost { kernel }) };
        {
            let mut view = slice.get_mapped_range_mut().map_err(|_| GpuError::Lost { kernel })?;
            // The last word is whole.
            view.slice(bytes.len()..).fill(0);
            transfer::copy_in(view.slice(..bytes.len()), bytes);
        }
        self.guarded(kernel, || upload.unmap())?;
        self.copy(kernel, encoder, (upload, 0), target, size)
    }

    /// Records a copy of `bytes`, a multiple of four, from a place in one buffer to a place in another.
    pub(crate) fn copy(
        &self,
        kernel: &'static str,
        encoder: &mut wgpu::CommandEncoder,
        (from, start): (&wgpu::Buffer, u64),
        (to, at): (&wgpu::Buffer, u64),
        bytes: u64,
    ) -> Result<(), GpuError> {
        self.guarded(kernel, || encoder.copy_buffer_to_buffer(from, start, to, at, bytes))
    }

    pub(crate) fn buffer(
        &self,
        kernel: &'static str,
        bytes: u64,
        usage: wgpu::BufferUsages,
        mapped_at_creation: bool,
    ) -> Result<wgpu::Buffer, GpuError> {
        let limits = self.device().limits();
        let most = if usage.contains(wgpu::BufferUsages::STORAGE) {
            limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
        } else {
            limits.max_buffer_size
        };
        if bytes > most {
            return Err(GpuError::Input { kernel, what: format!("a buffer of {bytes} bytes; the device takes at most {most}") });
        }
        self.guarded(kernel, || {
            self.device().create_buffer(&wgpu::BufferDescriptor { label: Some(kernel), size: bytes, usage, mapped_at_creation })
        })
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

/// What kernels read and write: storage that can be copied to and from.
pub const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);
