//! How a volume is cut into blocks: at whole decode units, and where the rescale changes.

use std::ops::Range;

use crate::io::Source;
use crate::volume::{Header, Rescale};

/// The voxels of a volume in groups that share a rescale.
#[derive(Debug)]
pub struct Groups {
    /// The distinct rescales.
    pub rescales: Vec<Rescale>,
    of_slice: Vec<usize>,
    slice_voxels: u64,
}

impl Groups {
    pub fn of(header: &Header) -> Self {
        let (rescales, of_slice) = header.meaning.rescale.distinct();
        Self { rescales, of_slice, slice_voxels: header.grid.shape.slice_voxels() }
    }

    /// The run of voxels from `at` on, before `end`, that share a group: its end and its group.
    pub fn run(&self, at: u64, end: u64) -> (u64, usize) {
        if self.rescales.len() == 1 {
            return (end, 0);
        }
        let mut slice = (at / self.slice_voxels) as usize;
        let group = self.of_slice[slice];
        while slice < self.of_slice.len() && self.of_slice[slice] == group && (slice as u64 * self.slice_voxels) < end {
            slice += 1;
        }
        ((slice as u64 * self.slice_voxels).min(end), group)
    }

    /// Hands on the runs of a block that begins at voxel `at`, as places in it, each with its group.
    pub fn each(&self, at: u64, voxels: u64, mut work: impl FnMut(Range<usize>, usize)) {
        let (first, end) = (at, at + voxels);
        let mut at = at;
        while at < end {
            let (next, group) = self.run(at, end);
            work((at - first) as usize..(next - first) as usize, group);
            at = next;
        }
    }
}

/// The number of voxels in a block: near `bytes`, a whole number of decode units.
pub fn block_voxels(source: &dyn Source, bytes: u64) -> u64 {
    let unit = source.unit().max(1);
    let wanted = bytes / source.header().meaning.dtype.bytes() as u64;
    (wanted / unit).max(1) * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Rescales, Shape};

    #[test]
    fn runs_end_where_the_rescale_changes() {
        let mut header = Header::new(Shape::new(&[2, 3, 4]).unwrap(), Dtype::U8);
        let (a, b) = (Rescale::IDENTITY, Rescale { slope: 2.0, intercept: 0.0 });
        header.meaning.rescale = Rescales::PerSlice(vec![a, a, b, a]);
        let g = Groups::of(&header);
        assert_eq!(g.rescales, [a, b]);
        assert_eq!([g.run(0, 24), g.run(3, 10), g.run(12, 24), g.run(20, 23)], [(12, 0), (10, 0), (18, 1), (23, 0)]);
    }
}
