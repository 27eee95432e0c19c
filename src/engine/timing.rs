//! How long the device takes, by its own clock where it has one.

use std::time::{Duration, Instant};

use super::{Gpu, GpuError};

/// Time that the device spent on what was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// The time.
    pub duration: Duration,
    /// By timestamps of the device; else the wall time from submission to completion, which includes the driver.
    pub by_device: bool,
}

impl Gpu {
    /// Records with `record`, submits, waits and says how long it took.
    ///
    /// # Errors
    /// Any [`GpuError`].
    pub fn time(
        &self,
        kernel: &'static str,
        record: impl FnOnce(&mut wgpu::CommandEncoder) -> Result<(), GpuError>,
    ) -> Result<Timing, GpuError> {
        let clocks = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS;
        let queries = if self.device().features().contains(clocks) {
            let descriptor = wgpu::QuerySetDescriptor { label: Some(kernel), ty: wgpu::QueryType::Timestamp, count: 2 };
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            Some((self.guarded(kernel, || self.device().create_query_set(&descriptor))?, self.buffer(kernel, 16, usage, false)?))
        } else {
            None
        };
        let mut encoder = self.encoder();
        if let Some((set, _)) = &queries {
            encoder.write_timestamp(set, 0);
        }
        record(&mut encoder)?;
        if let Some((set, resolved)) = &queries {
            encoder.write_timestamp(set, 1);
            encoder.resolve_query_set(set, 0..2, resolved, 0);
        }
        let start = Instant::now();
        let submission = self.submit(kernel, encoder)?;
        self.wait(kernel, submission)?;
        let wall = Timing { duration: start.elapsed(), by_device: false };
        let Some((_, resolved)) = queries else { return Ok(wall) };
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&self.download(kernel, &resolved, 16)?);
        // Some drivers give zeros, or an end before the start.
        let Some(ticks) = ticks[1].checked_sub(ticks[0]).filter(|t| *t > 0) else { return Ok(wall) };
        let nanoseconds = ticks as f64 * f64::from(self.queue().get_timestamp_period());
        Ok(Timing { duration: Duration::from_nanos(nanoseconds as u64), by_device: true })
    }
}
