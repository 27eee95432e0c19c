//! GPU compute for medical images and volumes.

pub mod analysis;
pub mod engine;
mod error;
#[cfg(feature = "files")]
pub mod io;
pub mod ops;
#[cfg(feature = "files")]
pub mod phantom;
#[cfg(feature = "files")]
pub mod pipelines;
#[cfg(feature = "report")]
pub mod report;
pub mod volume;

pub use error::{Error, Result};
pub use wgpu;
