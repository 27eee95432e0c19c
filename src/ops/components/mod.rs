//! Connected components: which voxels hang together, numbered, with a table of how large they are and where they lie.
//!
//! Voxels that are not 0 belong to the same component if a path of neighbours joins them; [by label](Same::Label) the neighbours must have the same value as well. Labels count
//! from 1 in the order in which their first voxels come, x fastest, so that there is one answer, for any device, any number of threads and any slabs.
//!
//! - **Input**: masks or labels of 8, 16 or 32 bits without sign; shape `[nx, ny, nz]`, x fastest, on the CPU in slabs of any height one after another, on the GPU as a
//!   [`Brick`](crate::engine::Brick) of stored values. In 2-D `nz` is 1: [`Faces`](Connectivity::Faces) are then 4 neighbours, [`Corners`](Connectivity::Corners) 8.
//! - **Output**: labels of 32 bits, 0 for the background, for any slices in any order; on the CPU a row of [`ComponentFacts`] each: voxels, box, sums of x, y and z, first
//!   voxel. From them [`fill`], [`reconstruct`], [`Numbered::keep_largest`], [`Numbered::remove_small`].
//! - **Border**: nothing lies outside. A hole is what does not reach the border of the volume, by faces; of a volume of one slice, that of the picture.
//! - **NaN/Inf**: none.
//! - **Exactness**: Exact: whole numbers, sums of 64 bits that no volume of up to 2⁶³ voxels · size overflows. On the GPU trees are joined in any order, but the root of
//!   each is its first voxel in the end.
//! - **Cost**: CPU: rows are packed to bits, 64 voxels a word; runs of ones are joined to those of neighbouring rows by looking at where both have ones. For 26 neighbours four
//!   rows above each other are one, since any two voxels of them side by side are neighbours. Two passes: reading the voxels, and writing labels. In between the runs
//!   are [kept](Runs::Kept), at 12 bytes a run or up to 1/3 byte a voxel and 4 a run, whichever is less, or [forgotten](Runs::Forgotten); a component costs 72 bytes,
//!   and as much again for each slab of about 2²⁰ voxels that it lies in. GPU: 4 bytes a voxel beside voxels and labels; boxes of 256 voxels in the memory of a
//!   workgroup, then rounds over what touches across boxes, of which the first is nearly always enough.
//! - **Errors**: more than 2³² - 1 components; on the GPU [`GpuError::Unfinished`](crate::engine::GpuError::Unfinished) when the rounds are used up, and labels of another size; the
//!   rest panics: a length that does not fit, slices that were forgotten.
//! - **Agrees with**: `scipy.ndimage.label`, `cc3d.connected_components`, both label by label; `scipy.ndimage.binary_fill_holes`, `fill_voids.fill`, SimpleITK's
//!   `BinaryFillhole`, of masks, and of labels where `fill_voids.fill` of each label by itself gives a voxel of the background to one of them; SimpleITK's
//!   `BinaryReconstructionByDilation`.

mod case;
mod cpu;
mod fill;
mod forest;
mod gpu;
mod holes;
mod joins;
mod numbered;
mod slab;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_holes;
mod touch;
mod write;

pub(crate) use case::cases;
pub use cpu::{Components, TooMany, label};
pub use fill::{FilledHoles, HoleValues, fill, fill_slices, reconstruct};
pub use gpu::{Effort, GpuTrees, SHADER, run};
pub use holes::hole_values;
pub use joins::{Connectivity, Rules, Same};
pub use numbered::{Numbered, Runs};
pub use table::ComponentFacts;
