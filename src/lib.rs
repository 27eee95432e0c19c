//! GPU compute for medical images and volumes: exact histograms, cumulative counts, equalisation and lookup tables, the same bits
//! on the CPU and on every GPU.
//!
//! One idea: count once, decide, map once. The exact histogram of a volume holds all that point-wise methods need; every
//! point-wise result is one lookup table. Two passes touch voxels; everything between them is decided on the host.
//!
//! ```
//! use hounsfield::ops::{equalize, histogram, lut};
//! use hounsfield::volume::{Block, Dtype};
//!
//! // Four voxels of 8 bits: 10, 20, 30, 30.
//! let block = Block { dtype: Dtype::U8, bytes: &[10, 20, 30, 30] };
//! let counts = histogram::cpu(block, None);
//! let table = equalize::cpu(&counts, &equalize::Settings::of(Dtype::U8));
//! let mut out = [0; 4];
//! lut::cpu(block, &table, &mut out);
//! assert_eq!(out, [0, 85, 255, 255]);
//! ```
//!
//! The rooms: [`volume`] is the data, [`engine`] the GPU, [`ops`] the voxel operations with a CPU and a GPU path each, [`analysis`] the decisions.
//! With feature `files`, `io` reads and writes, `pipelines` runs whole jobs over blocks, `phantom` makes a CT; with feature `report`, `report` draws; feature `zarr` adds OME-Zarr to `io`.

pub mod analysis;
pub mod engine;
mod error;
#[cfg(all(feature = "files", feature = "report"))]
pub mod findings;
#[cfg(feature = "files")]
pub mod io;
pub mod ops;
#[cfg(feature = "files")]
pub mod phantom;
#[cfg(feature = "files")]
pub mod pipelines;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "files")]
pub mod views;
pub mod volume;

pub use error::{Catalogue, Error, Flaw, Hint, Result, SeriesEntry};
pub use wgpu;
