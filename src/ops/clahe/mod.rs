//! Contrast limited adaptive equalisation: every voxel through the tables of the tiles around it, mixed by its distance to their middles.
//!
//! `count` adds the voxels of slices to the histograms of the tiles of a [`Lattice`], over [`Slots`](crate::analysis::adaptive::Slots), the values that occur; the
//! host decides the [levels](crate::analysis::adaptive::ClipRule) of each tile; `blend` gives each voxel `round(Σ w · level / Σ w)`, ties to even, over the four tiles
//! around it in the plane, or the eight in space. Weights are whole numbers, products of twice the distances in voxels; a tile in which no voxel counts has none.
//!
//! - **Input**: u8, i8, u16 or i16; on the GPU a [`Brick`](crate::engine::Brick) of them, whole slices, and a brick of the mask where there is one.
//! - **Output**: levels, u8 or u16.
//! - **Border**: an image that the tiles do not divide goes on beyond its far ends as its reflection; beyond the outer middles of tiles their tables alone hold.
//! - **NaN/Inf**: none: whole numbers.
//! - **Exactness**: Exact: counts and weighted sums are whole numbers, with one division. Tables are the host's, on any device.
//! - **Cost**: a look-up and a count a voxel; for each tile a few operations a slot; a look-up, four or eight more and a division a voxel.
//! - **Errors**: no tiles, or too large ones; bricks, tables or counts of another size, weights beyond 2³¹ on the GPU.
//! - **Agrees with**: `cv2.createCLAHE` in 2-D, 8 and 16 bits: the same tables; its mixture is f32, and a rounding can fall the other way, one level off.

mod case;
mod cpu;
mod gpu;
mod lattice;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{blend, count, find};
pub use gpu::{GpuSlots, SHADER, encode_blend, encode_count};
pub use lattice::{Between, Lattice};

/// The tables of layers of tiles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TileLevels {
    /// Entries of a table: slots, and two more.
    pub entries: usize,
    /// The tables of all tiles, layer by layer, x fastest.
    pub levels: Vec<u16>,
    /// Whether a tile has a table: voxels that count.
    pub filled: Vec<bool>,
}
