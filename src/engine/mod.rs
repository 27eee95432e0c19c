//! The GPU: finding a device, building kernels, moving data. Knows nothing of files or of single operations.
//!
//! Two levels. [`Gpu::encode`], and the `encode` functions of [`crate::ops`], record into the caller's command encoder, from and
//! to buffers that stay on the device, and never submit. Everything else here submits and waits, with a bound, and returns an
//! error rather than a result that did not happen.

mod adapter;
mod brick;
mod call;
mod gpu;
mod kernel;
mod memory;
mod pool;
#[cfg(test)]
mod tests;
mod timing;
mod transfer;
mod volume;

pub use crate::error::GpuError;
pub use adapter::{Adapter, AdapterChoice, adapters, choose, install_hint};
pub use brick::Brick;
pub use call::{Call, Elements, Param};
pub use gpu::{Fault, Gpu, Options};
pub use kernel::{Interface, Shader};
pub use memory::STORAGE;
pub use pool::Pooled;
pub use timing::Timing;
pub use volume::{CHUNK_VOXELS, Chunk, GpuVolume, UNIT_VOXELS};
