//! Whole jobs over blocks of a volume: COUNT once, decide, MAP once. The one place that chooses between CPU and GPU and falls
//! back from one to the other. Knows neither WGSL nor file formats.
//!
//! Memory does not grow with the volume: on the CPU every thread reads, computes and writes one block of about a mebibyte; on the GPU
//! three lanes of a few mebibytes overlap reading, transfer and compute. Results are the same bits at any block size.

mod copy;
mod count;
mod cuts;
mod device;
mod equalize;
mod exact_sum;
#[cfg(test)]
mod faults;
mod floats;
mod grid;
mod lanes;
mod map;
mod mask;
mod narrow;
mod pages;
mod pointwise;
mod segment;
mod select;
#[cfg(test)]
mod tests;
mod workers;

pub use copy::{copy, gather};
pub use count::{Group, count, count_floats};
pub use device::{Device, Silent, Watch};
pub use equalize::{Equalization, Equalize};
pub use floats::{FloatStatistics, float_statistics};
pub use map::{map, map_floats, map_into, map_volume};
pub use mask::{Side, Sides, background_bits, mask, sides};
pub use narrow::{Census, Narrow, Resolved, census, resolve};
pub use pointwise::{Mapping, Pointwise};
pub use segment::{Method, Segment, Segmentation, Truth, Written};
pub use select::{Mask, Region, Selected, select};

/// Called with every block as it is read: first voxel, stored values. From many threads, in any order.
pub type Observer<'a> = &'a (dyn Fn(u64, &[u8]) + Sync);
