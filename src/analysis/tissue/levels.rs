//! Levels of voxels, and classes by them.

/// Levels that a voxel may have.
pub const LEVELS: usize = 1024;

/// A class by the levels of its voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelGaussian {
    /// Mean level.
    pub mean: f64,
    /// Standard deviation, above 0.
    pub std: f64,
}

impl LevelGaussian {
    /// -ln of the density, less what all classes share.
    pub fn energy(&self, level: f64) -> f64 {
        let off = (level - self.mean) / self.std;
        0.5 * off * off + libm::log(self.std)
    }
}
