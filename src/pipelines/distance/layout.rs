//! How the numbers of a volume lie in a scratch file: strips of columns behind each other, and in a strip slice behind slice, so that a strip is read and written in one go, and slabs
//! of slices in long runs.

use std::ops::Range;

use bytemuck::Pod;

use crate::Result;
use crate::io::ScratchFile;

/// Places of voxels in a file, counted in voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripLayout {
    /// Voxels of a slice.
    pub slice: usize,
    /// Slices.
    pub depth: usize,
    /// Columns of a strip; the last one may have fewer.
    pub width: usize,
}

impl StripLayout {
    /// The first place of a strip that begins with this column, and its width.
    pub fn strip(&self, column: usize) -> (usize, usize) {
        let start = column / self.width * self.width;
        (start * self.depth, self.width.min(self.slice - start))
    }

    /// Slabs of slices that begin and end alike, of a run of voxels: one, if it is within a slice or has whole ones.
    fn slabs(&self, voxels: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let slice = self.slice;
        let whole = voxels.start.is_multiple_of(slice) && voxels.len().is_multiple_of(slice);
        let mut at = voxels.start;
        std::iter::from_fn(move || {
            let end = if whole { voxels.end } else { voxels.end.min((at / slice + 1) * slice) };
            let slab = at..end;
            at = end;
            (!slab.is_empty()).then_some(slab)
        })
    }

    /// Calls `work` for each strip that a run of voxels cuts: with the place of what lies there beside each other, where its first row lies in the run, how long rows are, and from one to
    /// the next.
    fn each(&self, voxels: Range<usize>, mut work: impl FnMut(usize, StripRows) -> Result<()>) -> Result<()> {
        for slab in self.slabs(voxels.clone()) {
            let (z, columns) = (slab.start / self.slice, slab.start % self.slice);
            let rows = slab.len().div_ceil(self.slice);
            let end = columns + slab.len().min(self.slice);
            let mut column = columns;
            while column < end {
                let (start, width) = self.strip(column);
                let within = column % self.width;
                let length = (width - within).min(end - column);
                let first = slab.start - voxels.start + column - columns;
                work(start + z * width + within, StripRows { first, length, stride: self.slice, rows })?;
                column += length;
            }
        }
        Ok(())
    }

    /// Reads voxels from byte `start` of a file on.
    pub fn read<T: Pod>(&self, (file, start): (&ScratchFile, u64), voxels: Range<usize>, into: &mut [T]) -> Result<()> {
        let mut strip = Vec::new();
        self.each(voxels, |place, rows| {
            let at = start + (place * size_of::<T>()) as u64;
            if rows.rows == 1 {
                return file.read(at, bytemuck::cast_slice_mut(&mut into[rows.first..][..rows.length]));
            }
            strip.resize(rows.length * rows.rows, T::zeroed());
            file.read(at, bytemuck::cast_slice_mut(&mut strip))?;
            for (i, row) in strip.chunks_exact(rows.length).enumerate() {
                into[rows.first + i * rows.stride..][..rows.length].copy_from_slice(row);
            }
            Ok(())
        })
    }

    /// Writes voxels from one on.
    pub fn write<T: Pod>(&self, (file, start): (&ScratchFile, u64), at: usize, values: &[T]) -> Result<()> {
        let mut strip = Vec::new();
        self.each(at..at + values.len(), |place, rows| {
            let at = start + (place * size_of::<T>()) as u64;
            if rows.rows == 1 {
                return file.write(at, bytemuck::cast_slice(&values[rows.first..][..rows.length]));
            }
            strip.clear();
            (0..rows.rows).for_each(|i| strip.extend_from_slice(&values[rows.first + i * rows.stride..][..rows.length]));
            file.write(at, bytemuck::cast_slice(&strip))
        })
    }
}

/// Rows of a strip in a run of voxels.
#[derive(Debug, Clone, Copy)]
struct StripRows {
    first: usize,
    length: usize,
    stride: usize,
    rows: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_slices_is_read_by_strips_and_back() {
        let folder = tempfile::tempdir().unwrap();
        for (slice, depth, width) in [(20, 7, 6), (20, 7, 20), (20, 7, 1), (5, 1, 2), (9, 4, 3)] {
            let layout = StripLayout { slice, depth, width };
            let file = ScratchFile::new(folder.path(), 4 * (slice * depth) as u64 + 8, 0).unwrap();
            let want: Vec<u32> = (0..slice * depth).map(|i| i as u32 * 7).collect();
            // Parts of slices, whole ones, and several at once.
            let mut at = 0;
            for length in [3, slice - 3, 2 * slice].into_iter().cycle() {
                let end = (at + length).min(want.len());
                layout.write((&file, 8), at, &want[at..end]).unwrap();
                at = end;
                if at == want.len() {
                    break;
                }
            }
            for column in (0..slice).step_by(width) {
                let (start, own) = layout.strip(column);
                let mut strip = vec![0u32; own * depth];
                file.read(8 + 4 * start as u64, bytemuck::cast_slice_mut(&mut strip)).unwrap();
                let there: Vec<u32> = (0..depth).flat_map(|z| want[z * slice + column..][..own].to_vec()).collect();
                assert_eq!(strip, there, "{layout:?} {column}");
            }
            for voxels in [0..want.len(), 1..want.len(), 2..3, 0..slice, slice / 2..want.len() - 1] {
                let mut got = vec![0u32; voxels.len()];
                layout.read((&file, 8), voxels.clone(), &mut got).unwrap();
                assert_eq!(got, want[voxels.clone()], "{layout:?} {voxels:?}");
            }
        }
    }
}
