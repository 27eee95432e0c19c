//! The voxel operations: one room each, with its CPU path, its GPU path, its tests and, under the same stem, its shader.
//!
//! An operation is plain functions with the same nouns: `cpu` for one block on one thread, `encode` to record into the caller's command encoder, `run`
//! for everyone else. Operations know nothing of files.

pub mod ball;
pub mod bias;
pub mod bits;
mod checks;
pub mod clahe;
pub mod components;
pub mod conv2d;
pub mod cut;
pub mod derivative;
pub mod difference;
pub mod distance;
pub mod equalize;
pub mod extend;
pub mod gaussian;
pub mod gmm;
pub mod histogram;
pub mod hmrf;
pub mod lut;
pub mod mask;
pub mod mean;
pub mod median;
pub mod pointwise;
pub mod pool;
pub mod present;
pub mod project;
pub mod rank;
pub mod resample;
pub mod scan;
pub mod selfcheck;
pub mod stages;
pub mod surface;
#[cfg(test)]
pub(crate) mod testing;
pub mod whole;
pub mod widen;

use crate::engine::Shader;

/// A voxel operation as the program knows it: what it runs on a device, and how to see that it runs right there.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The kernel.
    pub shader: &'static Shader,
    /// Small known cases of it.
    cases: fn(&mut checks::Checks<'_>),
}

/// Every operation that has a kernel. A test compares this table with the folders `shaders/` and `src/ops/`.
pub const CATALOGUE: &[Operation] = &[
    Operation { shader: &ball::SHADER, cases: ball::cases },
    Operation { shader: &derivative::SHADER, cases: derivative::cases },
    Operation { shader: &components::SHADER, cases: components::cases },
    Operation { shader: &conv2d::SHADER, cases: conv2d::cases },
    Operation { shader: &cut::SHADER, cases: cut::cases },
    Operation { shader: &difference::SHADER, cases: difference::cases },
    Operation { shader: &distance::SHADER, cases: distance::cases },
    Operation { shader: &bias::SHADER, cases: bias::cases },
    Operation { shader: &clahe::SHADER, cases: clahe::cases },
    Operation { shader: &equalize::SHADER, cases: equalize::cases },
    Operation { shader: &extend::SHADER, cases: extend::cases },
    Operation { shader: &gaussian::SHADER, cases: gaussian::cases },
    Operation { shader: &gmm::SHADER, cases: gmm::cases },
    Operation { shader: &histogram::SHADER, cases: histogram::cases },
    Operation { shader: &hmrf::SHADER, cases: hmrf::cases },
    Operation { shader: &lut::SHADER, cases: lut::cases },
    Operation { shader: &mask::SHADER, cases: mask::cases },
    Operation { shader: &mean::SHADER, cases: mean::cases },
    Operation { shader: &median::SHADER, cases: median::cases },
    Operation { shader: &pointwise::SHADER, cases: pointwise::cases },
    Operation { shader: &pool::SHADER, cases: pool::cases },
    Operation { shader: &present::SHADER, cases: present::cases },
    Operation { shader: &rank::SHADER, cases: rank::cases },
    Operation { shader: &resample::SHADER, cases: resample::cases },
    Operation { shader: &project::SHADER, cases: project::cases },
    Operation { shader: &scan::SHADER, cases: scan::cases },
    Operation { shader: &widen::SHADER, cases: widen::cases },
];
