//! The GPU: finding a device, building kernels, moving data. Knows nothing of files or of single operations.

mod error;

pub use error::GpuError;
