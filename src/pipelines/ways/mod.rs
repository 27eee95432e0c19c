//! The ways over a volume: blocks on the CPU, lanes on the GPU, tiles where neighbours count, and what stays on the device.

pub mod blocks;
pub mod cuts;
pub mod lanes;
pub mod ordered;
pub mod pages;
pub mod resident;
pub mod tiles;
