//! A label map in which some runs of voxels have another value.

use std::sync::Arc;

use crate::Result;
use crate::io::Source;
use crate::volume::Header;

/// Runs of voxels of a volume and the values that they get, row by row through all slices and volumes.
#[derive(Debug, Default)]
pub struct Patch {
    /// The first run of each row, and the number of all.
    rows: Vec<u32>,
    /// First x, x behind the last, value.
    runs: Vec<[u32; 3]>,
}

impl Patch {
    /// The next run, in row `row`, counted through all slices; rows come in order, and runs in order of x.
    ///
    /// # Panics
    /// If a row comes too late, or there are 2³² runs.
    pub fn push(&mut self, row: u64, run: [u32; 3]) {
        assert!(row + 1 >= self.rows.len() as u64 && self.runs.len() < u32::MAX as usize, "runs out of order, or too many");
        self.rows.resize(row as usize + 1, self.runs.len() as u32);
        self.runs.push(run);
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (4 * self.rows.len() + 12 * self.runs.len()) as u64
    }

    /// Gives every value the one that `new` has in its place.
    ///
    /// # Panics
    /// If it has none there.
    pub fn renumber(&mut self, new: &[u32]) {
        self.runs.iter_mut().for_each(|[.., value]| *value = new[*value as usize]);
    }

    /// The runs of a row: first x, x behind the last, value.
    pub fn of(&self, row: u64) -> &[[u32; 3]] {
        let Some(first) = self.rows.get(row as usize) else { return &[] };
        let end = self.rows.get(row as usize + 1).map_or(self.runs.len(), |end| *end as usize);
        &self.runs[*first as usize..end]
    }
}

/// A label map, uint8 or uint16, with a patch: computed when it is read.
pub struct Patched {
    inner: Arc<dyn Source>,
    patch: Patch,
    header: Header,
}

impl Patched {
    /// `inner` with other values where `patch` has them.
    pub fn new(inner: Arc<dyn Source>, patch: Patch) -> Self {
        let header = inner.header().clone();
        Self { inner, patch, header }
    }
}

impl Source for Patched {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        self.inner.read(at, into)?;
        let (nx, size) = (self.header.grid.shape.axis(0), self.header.meaning.dtype.bytes());
        let end = at + (into.len() / size) as u64;
        for row in at / nx..end.div_ceil(nx) {
            for [first, behind, value] in self.patch.of(row) {
                let place = |x: u32| ((row * nx + u64::from(x)).clamp(at, end) - at) as usize * size;
                for voxel in into[place(*first)..place(*behind)].chunks_exact_mut(size) {
                    voxel.copy_from_slice(&value.to_le_bytes()[..size]);
                }
            }
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Shape, Volume};

    #[test]
    fn any_run_of_voxels_has_the_values_of_the_patch() {
        let header = Header::new(Shape::new(&[5, 3, 2]).unwrap(), Dtype::U16);
        let volume = Volume::new(header, (0..30u16).flat_map(u16::to_le_bytes).collect()).unwrap();
        let mut patch = Patch::default();
        for (row, run) in [(1, [0, 2, 700]), (1, [4, 5, 701]), (4, [1, 5, 702])] {
            patch.push(row, run);
        }
        let mut want: Vec<u16> = (0..30).collect();
        want[5..7].fill(700);
        want[9] = 701;
        want[21..25].fill(702);
        let view = Patched::new(Arc::new(volume), patch);
        for start in 0..30 {
            for end in start + 1..=30 {
                let mut got = vec![0; 2 * (end - start)];
                view.read(start as u64, &mut got).unwrap();
                let got: Vec<u16> = got.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
                assert_eq!(got, want[start..end], "{start}..{end}");
            }
        }
    }
}
