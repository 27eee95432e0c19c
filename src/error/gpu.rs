//! How a GPU can fail. Words only: whoever names an error needs no device.

use super::Hint;

/// A GPU failure. Nothing that a kernel wrote counts when one of these is returned.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No adapter fits what was asked for.
    #[error("{what}; {hint}")]
    NoAdapter {
        /// What was looked for and what was found.
        what: String,
        /// What to install or ask for.
        hint: Hint,
    },
    /// The caller's buffers or sizes do not fit the kernel; nothing was recorded.
    #[error("kernel {kernel}: {what}")]
    Input {
        /// The kernel.
        kernel: &'static str,
        /// What does not fit.
        what: String,
    },
    /// wgpu refused a call: a bug here, or a driver's.
    #[error("kernel {kernel}: the driver refused it: {message}")]
    Validation {
        /// The kernel or step.
        kernel: &'static str,
        /// wgpu's message.
        message: String,
    },
    /// The device has no memory left for this step.
    #[error("kernel {kernel}: out of device memory; use smaller blocks or the CPU")]
    OutOfMemory {
        /// The kernel or step.
        kernel: &'static str,
    },
    /// An algorithm that works in rounds has used up those it may take.
    #[error("kernel {kernel}: not done after {rounds} rounds; use the CPU")]
    Unfinished {
        /// The kernel.
        kernel: &'static str,
        /// How many rounds there were.
        rounds: u32,
    },
    /// The device is gone: driver reset, unplugged, destroyed.
    #[error("the GPU was lost during {kernel}; run again, or on the CPU")]
    Lost {
        /// The kernel or step.
        kernel: &'static str,
    },
    /// The device did not finish within the bounded wait.
    #[error("the GPU did not finish {kernel} within {seconds} s; run on the CPU")]
    Timeout {
        /// The kernel or step.
        kernel: &'static str,
        /// How long was waited.
        seconds: u64,
    },
}
