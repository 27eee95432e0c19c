//! What is said of a region, a label's voxels: features of its intensities and of its shape, as the Image Biomarker Standardisation Initiative defines them (IBSI 1, arXiv 1612.07003).
//!
//! Intensities come as values with their counts, exactly; shapes from sums of places, all of them whole numbers, and from the mesh that marching cubes (Lorensen and Cline 1987) put around
//! a mask. `tests` has IBSI's digital phantom, every value within IBSI's own tolerance.

mod bins;
mod cubes;
mod diameter;
mod intensity;
mod shape;
#[cfg(test)]
mod tests;

pub use bins::BinWidth;
pub use cubes::{CubeParts, CubeSurfaces};
pub use diameter::{FarthestPair, RowEnds};
pub use intensity::IntensityFeatures;
pub use shape::{RegionSums, ShapeFeatures};
