//! Decisions from histograms, made once, in f64 and exact integers, on the host. No voxels here, no wgpu.

pub mod adaptive;
pub mod distribution;
pub mod equalization;
pub mod exact_sum;
pub mod groups;
pub mod instances;
pub mod mixture;
pub mod overlap;
pub mod pieces;
pub mod regions;
pub mod statistics;
pub mod steps;
pub mod surface_distance;
pub mod surfels;
pub mod thresholds;
pub mod tissue;
pub mod windows;
