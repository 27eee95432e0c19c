//! One file for each command: its arguments and what it does.

mod adaptive;
pub mod completions;
pub mod convert;
pub mod crop;
pub mod demo;
pub mod devices;
pub mod distance;
pub mod equalize;
mod filter;
pub mod guest;
pub mod histogram;
pub mod info;
pub mod man;
pub mod map;
pub mod mask;
mod onto;
pub mod pad;
mod pointwise;
pub mod project;
pub mod reorient;
pub mod resample;
pub mod segment;
pub mod slice;
pub mod stats;
pub mod threshold;
pub mod window;
