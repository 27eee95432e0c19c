//! The box of voxels that sweeps go over.

use crate::analysis::tissue::{BlockGrid, LevelSpace};
use crate::ops::hmrf::FaceWeights;

/// What stays the same of the voxels of the box.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoxShape {
    pub shape: [usize; 3],
    pub space: LevelSpace,
    pub classes: usize,
    pub faces: FaceWeights,
    pub grid: BlockGrid,
}

impl BoxShape {
    pub fn slice(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    pub fn voxels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Of a voxel: working values, level, label, and weights before and after a sweep.
    pub fn bytes(&self) -> u64 {
        (2 * self.space.channels() + 2 + 1 + 2 * self.classes) as u64
    }
}
