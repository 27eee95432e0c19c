//! GPU compute for medical images and volumes.

pub mod engine;
mod error;
#[cfg(feature = "files")]
pub mod io;
#[cfg(feature = "files")]
pub mod phantom;
pub mod volume;

pub use error::{Error, Result};
pub use wgpu;
