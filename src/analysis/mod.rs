//! Decisions from histograms, made once, in f64 and exact integers, on the host. No voxels here, no wgpu.

pub mod equalization;
pub mod mixture;
pub mod overlap;
pub mod statistics;
