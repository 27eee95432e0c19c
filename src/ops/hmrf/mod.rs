//! Soft classes of voxels by their level and by their neighbours: a hidden Markov random field, relaxed in whole numbers.
//!
//! Each voxel has a weight for each class, 8 bits, together about 255. A [sweep](sweep()) gives each voxel new weights from its level and from the old weights of the six voxels
//! that share a face with it; all voxels at once, so that no order of voxels, threads or slabs matters.
//!
//! - **Input**: levels of 10 bits as u16, or of 8 bits for each of two channels, [`OUTSIDE`] where a voxel takes no part; shape `[nx, ny, nz]`, x fastest; [`Energies`] of 1 to 6 classes.
//! - **Output**: [`SoftWeights`], labels from 1 (0 outside), how many labels changed; [histograms](class_histograms) of levels by class; [fractions](fractions()) of classes.
//! - **Formula**: energy of class k = T_k(level) - (S_k · B >> 16), S_k the sum of the neighbours' weights of k, each times the weight of its face ([`FaceWeights`]), T_k = 256 · -ln p_k above the
//!   best class and at most 4095, B = round(1028 β): six like neighbours lower an energy by 6 β nats. p_k = round(65536 · exp(-(E_k - min E) / 256)), the new weight
//!   (255 p_k + s/2) / s with s the sum of all p. The label is the class of the least energy, of several the lowest. Zhang, Brady and Smith 2001 have the model (their labels
//!   are hard; soft ones, in parallel, and a β that grows while classes are learnt do not freeze a wrong beginning).
//! - **Border**: voxels outside have no weights: they draw nowhere.
//! - **NaN/Inf**: none.
//! - **Exactness**: Exact: whole numbers of 32 bits throughout; tables come from libm on the host.
//! - **Cost**: a sweep reads 2 bytes and K weights of each voxel and writes K: 8 bytes a voxel for three classes; the neighbours' rows stay in the cache. Three divisions a voxel.
//! - **Errors**: none; panics if a length does not fit.
//! - **Agrees with**: no other tool bit for bit; the quality beside others stands in CORRECTNESS.md.

mod case;
mod cpu;
mod fractions;
mod gpu;
mod model;

#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{SoftWeights, class_histograms, sweep};
pub use fractions::{FractionTables, WHOLE, fractions};
pub use gpu::{GpuClasses, SHADER};
pub use model::{Energies, FaceWeights, MOST_CLASSES, OUTSIDE};
