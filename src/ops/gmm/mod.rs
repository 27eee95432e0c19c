//! The E-step of a Gaussian mixture for each voxel.
//!
//! With L the Cholesky factor of class j's covariance and x a voxel's d channels, `ln p_j = ln w_j - ln det L - d/2 ln 2π - |L⁻¹ (x - m_j)|² / 2`;
//! the responsibility of class j is `r_j = exp(ln p_j - ln Σ p)`, by log-sum-exp. From them, one at a time: the sums of r, r (x - m) and
//! r (x - m)(x - m)ᵀ that the M-step needs with the log-likelihood; the most likely class, the lowest on ties; or one class's posterior.
//! The matrix of voxels times classes is never written unless it is asked for.
//!
//! - **Input**: one to four channels of u8, i8, u16, i16 or f32, of one length, mixed as they come; with or without a mask of one byte a
//!   voxel (non-zero counts); one to eight classes.
//! - **Output**: [`Sums`]; labels as u8, 0 where masked out; posteriors as f32.
//! - **NaN/Inf**: a voxel that is not finite in some channel has label 0 and posterior 0, enters no sum, and is counted.
//! - **Exactness**: Bounded by [`TOLERANCE`], on responsibilities of one model; labels are the same wherever the two best posteriors lie
//!   further apart than that. Channels are centred by a number of their own type (whole for integers) and scaled by a power of two, which
//!   is exact for integers; what is left is the rounding of a handful of f32 operations on ln p, which grows with the squared distance from the
//!   nearest class. Sums are of few terms in f32 (a tree on the device, 32 in a row on the CPU), then f64. On the CPU the bits are the
//!   same with any vector width. Whole fits that iterate with these sums end as far apart as their tolerance lets them.
//! - **Cost**: one read of the voxels for each use. GPU: one row of partial sums for each workgroup of 64.
//! - **Errors**: channels of different lengths, no or more than four channels, no or more than eight classes.
//! - **Agrees with**: scikit-learn's `GaussianMixture.predict_proba` (tests/oracles).

mod case;
mod cpu;
mod gpu;
mod model;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::{labels, posteriors, statistics};
pub use gpu::{
    GpuModel, SHADER, encode, encode_labels, encode_posterior, partials_buffer, partials_bytes, run, run_labels, run_posterior,
};
pub use model::{Channel, Model, Sums};

/// The most channels.
pub const MOST_CHANNELS: usize = 4;

/// How far a responsibility may be from that of f64, for voxels up to six standard deviations from the nearest class: a quarter (the largest slope of
/// a posterior over ln p) of the difference of two ln p, each up to 18 + ln of the rest with an error of a few 2⁻²⁴ of it. At larger
/// distances it grows with their square. The error of WGSL's `exp` where it counts, 5 ulp, is within it.
pub const TOLERANCE: f64 = 2e-6;
