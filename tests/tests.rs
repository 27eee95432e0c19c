//! Everything that needs the built program, real files or a host application: one binary, so that it links once.
//!
//! Tests with real images read `HOUNSFIELD_DATA`, a folder of them, and say so when it is not set. Tests on a GPU take any adapter, a
//! software one too; none is a failure unless `HOUNSFIELD_NO_GPU=1`.

mod bad_input;
mod commands;
mod compare;
mod components;
mod corpus;
mod curve;
mod decisions;
mod distance;
mod embedding;
mod faults;
mod grids;
mod group;
mod guests;
mod hostile;
mod label;
mod labels;
mod manners;
mod neighbours;
mod outputs;
mod pipes;
mod privacy;
mod projections;
mod reference;
mod regions;
mod reports;
mod structure;
mod sums;
mod support;
mod tiff;
mod tiles;
mod tissue;
