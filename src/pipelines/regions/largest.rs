//! On which slice each label is largest: where a picture shows most of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::volume::{Block, Header, Observe, Rescales};

/// Counts the voxels of each label slice by slice while the blocks of the first volume pass by.
#[derive(Debug)]
pub struct LargestSlices {
    shape: [u64; 3],
    /// The voxel axis that slices follow.
    axis: usize,
    counts: Mutex<BTreeMap<u16, Vec<u64>>>,
    rescale: Rescales,
}

impl LargestSlices {
    /// Of a label map with this header; slices follow each other along a voxel axis, 0 to 2.
    pub fn new(labels: &Header, axis: usize) -> Self {
        Self { shape: labels.grid.shape.xyz(), axis, counts: Mutex::default(), rescale: labels.meaning.rescale.clone() }
    }

    /// The slice on which each label but 0 has the most voxels, the first of several.
    pub fn finish(self) -> BTreeMap<u16, u64> {
        let counts = self.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let first = |counts: Vec<u64>| {
            let most = counts.iter().max().copied().unwrap_or(0);
            counts.iter().position(|count| *count == most).unwrap_or(0) as u64
        };
        counts.into_iter().map(|(label, counts)| (label, first(counts))).collect()
    }
}

impl Observe for LargestSlices {
    fn see(&self, at: u64, block: Block<'_>) {
        let [nx, ny, nz] = self.shape;
        let step: u64 = self.shape[..self.axis].iter().product();
        let mut found: BTreeMap<(u16, u64), u64> = BTreeMap::new();
        let mut run = ((0, 0), 0);
        let voxels = block.bytes.chunks_exact(block.dtype.bytes());
        for (i, bytes) in (at..).zip(voxels).take_while(|(i, _)| *i < nx * ny * nz) {
            let real = self.rescale.of_slice(i / (nx * ny)).real(block.dtype.decode(bytes));
            let here = (real as u16, i / step % self.shape[self.axis]);
            if here != run.0 {
                *found.entry(run.0).or_default() += run.1;
                run = (here, 0);
            }
            run.1 += 1;
        }
        *found.entry(run.0).or_default() += run.1;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for ((label, slice), n) in found.into_iter().filter(|((label, _), n)| *label != 0 && *n > 0) {
            counts.entry(label).or_insert_with(|| vec![0; self.shape[self.axis] as usize])[slice as usize] += n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Shape};

    #[test]
    fn each_axis_has_its_own_largest_slice() {
        // 2 x 2 x 3: label 7 has one voxel at z = 0, two at z = 1 and two at z = 2; along x three at 0 and two at 1. A second volume does not count.
        let header = Header::new(Shape::new(&[2, 2, 3, 2]).unwrap(), Dtype::U8);
        let voxels = [7, 0, 0, 0, 7, 0, 0, 7, 7, 7, 0, 9, 9, 9, 9, 9, 7, 7, 7, 7, 7, 7, 7, 7];
        for (axis, want) in [(2, 1), (0, 0), (1, 0)] {
            let largest = LargestSlices::new(&header, axis);
            for (i, part) in voxels.chunks(5).enumerate() {
                largest.see(5 * i as u64, Block { dtype: Dtype::U8, bytes: part });
            }
            let found = largest.finish();
            assert_eq!(found.get(&7), Some(&want), "axis {axis}");
            assert_eq!(found.len(), 2);
        }
    }
}
