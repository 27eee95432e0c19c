//! Volumes with label maps: found by name, normalised, cut into slices that a network takes, and put together again.

mod orient;
mod pairs;
mod predict;
mod read;
mod sample;
mod slices;
mod stream;

pub use orient::{Orient, orientation};
pub use pairs::{Pair, chosen, pairs};
pub use predict::{Look, Segmenter, Tiling};
pub use read::{Labelled, classes_of, open_volume, read_pair};
pub use sample::{Draw, Index, Sampling};
pub use slices::{Cut, Stack};
pub use stream::Streamed;
