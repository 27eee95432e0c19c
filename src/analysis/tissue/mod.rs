//! What is decided between two passes of a tissue segmentation, in f64 on the host: where classes begin, what they are, and how the gain varies.

mod blocks;
mod classes;
mod field;
mod levels;
mod start;
#[cfg(test)]
mod tests;

pub use blocks::{BlockGrid, BlockSums, MOST_NODE, NODES_PER_NAT, NodePair};
pub use classes::{SecondChannel, TissueClass};
pub use field::SmoothField;
pub use levels::{LevelGaussian, LevelSpace};
pub use start::start;
