//! What a job costs on the CPU and on a GPU, by rates that were measured or are assumed.

use crate::ops::stages::Stages;
use crate::volume::Dtype;

/// What a job does, whatever it runs on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Bytes that go to a device and come back.
    pub moved_bytes: u64,
    /// Seconds on one thread of the CPU by which [`Rates::cpu_speed`] is 1.
    pub cpu_s: f64,
    /// Reads of a neighbour by a kernel, cached or not.
    pub gpu_looks: f64,
}

impl Cost {
    /// One or two passes that do a few operations a voxel: bound by reading, so that nothing is won on any device.
    pub const STREAMING: Self = Self { moved_bytes: 0, cpu_s: 0.0, gpu_looks: 0.0 };

    /// Of steps on so many voxels of a type; of none and of such that no device computes it is that of streaming.
    pub fn of(stages: &Stages, dtype: Dtype, voxels: u64, moved_bytes: u64) -> Self {
        if stages.halo() == [0; 3] || !stages.has_kernels(dtype) {
            return Self::STREAMING;
        }
        Self::each(voxels, (stages.nanoseconds(dtype), stages.looks(dtype)), moved_bytes)
    }

    /// Of so many nanoseconds on one thread, and so many reads of a neighbour, for each voxel.
    pub fn each(voxels: u64, (nanoseconds, looks): (f64, u64), moved_bytes: u64) -> Self {
        Self { moved_bytes, cpu_s: 1e-9 * voxels as f64 * nanoseconds, gpu_looks: voxels as f64 * looks as f64 }
    }
}

/// Of which GPU rates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownGpu {
    /// Nothing was measured: a modest one.
    Assumed,
    /// There was none when the machine was measured.
    Absent,
    /// The hardware adapter of this name, which was measured.
    Named(String),
}

/// How fast this machine is.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Of which GPU the others are.
    pub gpu: KnownGpu,
    /// One thread of the CPU beside the one on which the costs of steps were taken.
    pub cpu_speed: f64,
    /// Bytes a second to the device or back.
    pub transfer_bytes_per_s: f64,
    /// Reads of a neighbour a second.
    pub gpu_looks_per_s: f64,
    /// Opening a graphics API, a device and its kernels.
    pub start_s: f64,
}

impl Default for Rates {
    /// What is assumed of a machine on which nothing was measured: a CPU as fast as the one on which costs were taken, and a modest GPU beside it.
    fn default() -> Self {
        Self { gpu: KnownGpu::Assumed, cpu_speed: 1.0, transfer_bytes_per_s: 4e9, gpu_looks_per_s: 5e10, start_s: 0.4 }
    }
}

/// How long a job takes beside its reading and writing, which it has in common on all devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// On all threads of the CPU.
    pub cpu_s: f64,
    /// On the GPU, with its start and all transfers.
    pub gpu_s: f64,
}

/// A GPU that is hardly faster is not worth the memory that opening it takes.
const MARGIN: f64 = 1.3;

impl Prediction {
    /// Of a job on so many threads, or on the GPU.
    pub fn of(cost: &Cost, rates: &Rates, threads: usize) -> Self {
        Self {
            cpu_s: cost.cpu_s / (rates.cpu_speed * threads.max(1) as f64),
            gpu_s: rates.start_s + cost.moved_bytes as f64 / rates.transfer_bytes_per_s + cost.gpu_looks / rates.gpu_looks_per_s,
        }
    }

    /// Whether the GPU is worth being opened.
    pub fn prefers_gpu(&self) -> bool {
        self.cpu_s > MARGIN * self.gpu_s
    }
}

impl std::fmt::Display for Prediction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "predicted {:.2} s on the CPU, {:.2} s on a GPU", self.cpu_s, self.gpu_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_taken_where_it_wins_with_its_start() {
        let rates = Rates {
            gpu: KnownGpu::Named("a".into()),
            transfer_bytes_per_s: 1e9,
            gpu_looks_per_s: 1e10,
            start_s: 0.25,
            cpu_speed: 2.0,
        };
        let one = |cpu_s: f64, gpu_looks: f64| Prediction::of(&Cost { moved_bytes: 250_000_000, cpu_s, gpu_looks }, &rates, 4);
        assert_eq!(one(8.0, 5e9), Prediction { cpu_s: 1.0, gpu_s: 1.0 });
        assert!(!one(8.0, 5e9).prefers_gpu() && one(16.0, 5e9).prefers_gpu());
        // Work that is no work on the CPU is never worth a start.
        assert!(!Prediction::of(&Cost::STREAMING, &rates, 1).prefers_gpu());
        assert_eq!(one(8.0, 5e9).to_string(), "predicted 1.00 s on the CPU, 1.00 s on a GPU");
    }
}
