//! One plane of a volume, or rays across it: what a viewer shows of a volume that stays on the device.
//!
//! Each pixel is a voxel, or the greatest, the least or the mean of a ray of voxels. A volume lies in several [chunks](crate::engine::Chunk); each adds what it has,
//! one dispatch each, so that no device limit on buffers bounds the volume.
//!
//! - **Input**: u8, i8, u16, i16 or f32, fewer than 2³² voxels.
//! - **Output**: for each pixel the stored value as f32, which holds all of them exactly.
//! - **Border**: none: a [`PlaneSection`] lies inside of the volume.
//! - **NaN**: a ray that holds a NaN gives NaN.
//! - **Exactness**: Exact; means of whole numbers are rounded to whole numbers, halves up. Means of floats are sums of f32 in the order of the ray, and agree within 1e-5.
//! - **Cost**: one read of each voxel that is looked at, one write of the plane for each chunk.
//! - **Errors**: a section that is not inside of the volume, a plane that is too small.
//! - **Agrees with**: `numpy.take` along an axis; `numpy.max`, `min`, `mean`.

mod case;
mod cpu;
mod gpu;
#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::cpu;
pub use gpu::{SHADER, encode};

use std::ops::Range;

/// What a ray becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ray {
    /// Its greatest voxel.
    Greatest,
    /// Its least.
    Least,
    /// Their mean.
    Mean,
}

/// Which voxels make a picture: columns run along one axis of the volume, rows along another, rays along the third.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaneSection {
    /// Voxels of the volume along x, y and z.
    pub shape: [u64; 3],
    /// The axis of the columns, and whether they run against it.
    pub right: (usize, bool),
    /// The axis of the rows.
    pub down: (usize, bool),
    /// Voxels along the third axis: one for a plane.
    pub slices: Range<u64>,
    /// What becomes of them.
    pub ray: Ray,
}

/// A section as steps through the voxels of the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct VoxelWalk {
    size: [u32; 2],
    origin: u32,
    right: i32,
    down: i32,
    along: u32,
    steps: u32,
}

impl PlaneSection {
    /// Columns and rows.
    pub fn size(&self) -> [u32; 2] {
        [self.right, self.down].map(|(axis, _)| self.shape[axis] as u32)
    }

    /// Pixels in all.
    pub fn pixels(&self) -> u64 {
        self.size().iter().map(|n| u64::from(*n)).product()
    }

    /// The way through the voxels; none for a section that is not one of this volume, or a volume of 2³² voxels or more.
    fn walk(&self) -> Option<VoxelWalk> {
        let [nx, ny, nz] = self.shape;
        let voxels = nx.checked_mul(ny)?.checked_mul(nz)?;
        if voxels == 0 || voxels > u64::from(u32::MAX) {
            return None;
        }
        let strides = [1, nx, nx * ny];
        let axes = [self.right.0, self.down.0];
        let normal = (0..3).find(|axis| !axes.contains(axis))?;
        if axes[0] == axes[1] || axes.iter().any(|axis| *axis > 2) {
            return None;
        }
        if self.slices.start >= self.slices.end || self.slices.end > self.shape[normal] {
            return None;
        }
        let mut origin = strides[normal] * self.slices.start;
        let step = |(axis, flipped): (usize, bool), origin: &mut u64| {
            *origin += if flipped { strides[axis] * (self.shape[axis] - 1) } else { 0 };
            // Wraps like the sums that it is part of.
            (if flipped { -(strides[axis] as i64) } else { strides[axis] as i64 }) as i32
        };
        let (right, down) = (step(self.right, &mut origin), step(self.down, &mut origin));
        let steps = (self.slices.end - self.slices.start) as u32;
        Some(VoxelWalk { size: self.size(), origin: origin as u32, right, down, along: strides[normal] as u32, steps })
    }
}
