//! Whole jobs over blocks of a volume: COUNT once, decide, MAP once. The one place that chooses between CPU and GPU and falls
//! back from one to the other. Knows neither WGSL nor file formats.
//!
//! Memory does not grow with the volume: on the CPU every thread reads, computes and writes one block of about a mebibyte; on the GPU
//! three lanes of a few mebibytes overlap reading, transfer and compute. Results are the same bits at any block size.

mod adaptive;
mod border;
mod brain;
mod calibrate;
mod census;
mod chain;
mod cohort;
mod comparing;
mod copy;
mod cost;
mod count;
mod counted;
mod device;
mod differences;
mod distance;
#[cfg(test)]
mod faults;
mod filter;
mod filtering;
mod hold;
mod input;
mod label;
mod label_slabs;
mod labels;
mod look;
mod map;
mod mapping;
mod masking;
mod memory;
mod mixture;
mod network;
mod over_time;
mod plan;
mod project;
mod regions;
mod resample;
mod rounded;
mod run;
mod statistics;
mod sums;
#[cfg(test)]
mod tests;
mod tissue;
mod truth;
mod two_values;
mod ways;
mod whole;
mod whole_step;

pub use adaptive::{Adaptive, AdaptiveMapping, Tiling};
pub use border::BorderRule;
pub use brain::{BrainOptions, brain};
pub use calibrate::calibrate;
pub use census::{Census, Rounding};
pub use chain::{FilterChain, Link, Near};
pub use cohort::{
    Condition, Confounder, Covariate, GroupAnswer, GroupOutcome, GroupQuestion, GroupStudy, GroupTest, Repeated, compare_groups,
};
pub use comparing::{
    ImageDifference, ImagePair, InstanceCounts, LabelMaps, LabelOverlaps, SurfaceSettings, VoxelBox, difference_counts,
    differences, instances, looks_like_labels, overlaps, surfaces,
};
pub use copy::{copy, gather};
pub use cost::{Cost, KnownGpu, Prediction, Rates};
pub use count::{Group, count, count_between, count_by_label};
pub use counted::{Bins, Counted, Region};
pub use device::{Device, DeviceChoice};
pub use distance::{DistanceMap, DistanceOf, DistanceOutput, Measured, ScratchPlace, distance};
pub use filter::filter;
pub use filtering::{Decided, FilterOptions, Filtering};
pub use input::Input;
pub use label::{ComponentMap, LabelOrder, Labelling, LeastSize};
pub use labels::{Labels, Mask};
pub use look::census;
pub use map::{BinTable, map, map_bins, map_into, map_volume};
pub use mapping::{Mapping, Pointwise};
pub use masking::{Background, Side, Sides, mask, sides};
pub use memory::into_memory;
pub use mixture::{Method, Segment, Segmentation};
pub use network::{GpuNetwork, Network, NetworkLayer, NetworkStep, infer};
pub use over_time::{OverTime, Reduction};
pub use plan::{ChainPlan, PassKind, PlannedPass};
pub use project::{How, Projection, Thickness};
pub use regions::{LabelRegion, LargestSlices, RegionIntensity, regions};
pub use resample::{Resampling, resample};
pub use run::{Run, Silent, Watch};
pub use statistics::{FloatStatistics, float_statistics};
pub use tissue::{Tissue, TissueOptions, TissueRound};
pub use truth::{Truth, Written};
pub use whole::{Holes, Marked, Relabelled, fill, reconstruct};
pub use whole_step::WholeStep;
