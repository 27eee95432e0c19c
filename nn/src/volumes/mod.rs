//! Volumes with label maps: found by name, normalised, cut into slices that a network takes, and put together again.

mod pairs;
mod predict;
mod read;
mod sample;
mod slices;

pub use pairs::{Pair, chosen, pairs};
pub use predict::{Segmenter, Tiling};
pub use read::{Labelled, classes_of, read_pair, read_volume};
pub use sample::{Draw, Index, Sampling};
pub use slices::{Cut, Stack};
