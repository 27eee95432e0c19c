//! How often each pair of labels occurs, and where each label lies, from one pass over both maps.

use std::collections::HashMap;

use super::LabelMaps;
use crate::Result;
use crate::analysis::overlap::LabelPairs;
use crate::pipelines::Run;
use crate::pipelines::input::Part;
use crate::pipelines::ways::blocks::Blocks;

/// A box of voxels, both ends inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoxelBox {
    /// Lowest x, y and z.
    pub low: [u64; 3],
    /// Highest.
    pub high: [u64; 3],
}

impl VoxelBox {
    const EMPTY: Self = Self { low: [u64::MAX; 3], high: [0; 3] };

    /// Whether it holds no voxel.
    pub fn is_empty(&self) -> bool {
        self.low[0] > self.high[0]
    }

    /// The box around both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let each = |axis: usize| (self.low[axis].min(other.low[axis]), self.high[axis].max(other.high[axis]));
        let all = [0, 1, 2].map(each);
        Self { low: all.map(|(low, _)| low), high: all.map(|(_, high)| high) }
    }

    /// Voxels along each axis, of a box that is not empty.
    pub fn size(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| (self.high[axis] - self.low[axis] + 1) as usize)
    }
}

/// What one pass over two label maps says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelOverlaps {
    /// How often each pair of labels occurs: judged, then reference.
    pub pairs: LabelPairs,
    /// Where each label lies, by its number: in the judged map, in the reference. Of several volumes, in any of them.
    boxes: [Vec<VoxelBox>; 2],
}

impl LabelOverlaps {
    /// Where a label lies in both maps together; none where it is in neither.
    pub fn around(&self, label: u32) -> Option<VoxelBox> {
        let of = |boxes: &Vec<VoxelBox>| boxes.get(label as usize).copied().unwrap_or(VoxelBox::EMPTY);
        let both = of(&self.boxes[0]).with(&of(&self.boxes[1]));
        (!both.is_empty()).then_some(both)
    }
}

/// Counts the pairs of labels of both maps.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`].
pub fn overlaps(maps: &LabelMaps, run: &Run<'_>) -> Result<LabelOverlaps> {
    let size = |map: usize| maps.both()[map].header().meaning.dtype.bytes();
    let shape = maps.header().grid.shape.xyz();
    let work = |tally: &mut PairTally, part: Part<'_>| {
        match (size(0), size(1)) {
            (1, 1) => tally.see::<1, 1>(&part, shape),
            (1, _) => tally.see::<1, 2>(&part, shape),
            (_, 1) => tally.see::<2, 1>(&part, shape),
            _ => tally.see::<2, 2>(&part, shape),
        }
        Ok(())
    };
    let tallies = Blocks::of(&maps.input(), run).each(PairTally::default, work)?;
    let mut all = LabelOverlaps { pairs: LabelPairs::default(), boxes: [Vec::new(), Vec::new()] };
    for tally in tallies {
        tally.pairs.iter().for_each(|((judged, reference), voxels)| all.pairs.add(*judged, *reference, *voxels));
        for (all, own) in all.boxes.iter_mut().zip(&tally.boxes) {
            all.resize(all.len().max(own.len()), VoxelBox::EMPTY);
            all.iter_mut().zip(own).for_each(|(all, own)| *all = all.with(own));
        }
    }
    Ok(all)
}

/// What one thread counts.
#[derive(Default)]
struct PairTally {
    pairs: HashMap<(u32, u32), u64>,
    boxes: [Vec<VoxelBox>; 2],
}

/// Voxels looked at together: labels lie in runs.
const STEP: usize = 16;

/// The label of a voxel of `N` bytes.
fn label<const N: usize>(bytes: &[u8], voxel: usize) -> u32 {
    let own = &bytes[voxel * N..][..N];
    if N == 1 { u32::from(own[0]) } else { u32::from(u16::from_le_bytes([own[0], own[1]])) }
}

/// Whether all of `STEP` voxels hold a label.
fn alike<const N: usize>(bytes: &[u8], voxel: usize, label: u32) -> bool {
    let wanted = (label as u16).to_le_bytes();
    let own = &bytes[voxel * N..][..STEP * N];
    own.chunks_exact(N).fold(0, |other, one| (0..N).fold(other, |other, byte| other | one[byte] ^ wanted[byte])) == 0
}

impl PairTally {
    fn see<const A: usize, const B: usize>(&mut self, part: &Part<'_>, [nx, ny, nz]: [u64; 3]) {
        let (judged, reference) = (part.bytes(), part.mask.unwrap_or_default());
        let mut done = 0;
        while done < part.voxels() {
            let at = part.at + done;
            let (x, y, z) = (at % nx, at / nx % ny, at / (nx * ny) % nz);
            let end = done + (nx - x).min(part.voxels() - done);
            while done < end {
                let start = done as usize;
                let pair = (label::<A>(judged, start), label::<B>(reference, start));
                let mut next = start + 1;
                while next + STEP <= end as usize && alike::<A>(judged, next, pair.0) && alike::<B>(reference, next, pair.1) {
                    next += STEP;
                }
                while next < end as usize && (label::<A>(judged, next), label::<B>(reference, next)) == pair {
                    next += 1;
                }
                let first = x + (part.at + done - at);
                self.run(pair, [first, y, z], (next - start) as u64);
                done = next as u64;
            }
        }
    }

    /// So many voxels of a row with one pair of labels.
    fn run(&mut self, pair: (u32, u32), [x, y, z]: [u64; 3], voxels: u64) {
        *self.pairs.entry(pair).or_default() += voxels;
        let own = VoxelBox { low: [x, y, z], high: [x + voxels - 1, y, z] };
        for (boxes, label) in self.boxes.iter_mut().zip([pair.0, pair.1]) {
            let label = label as usize;
            if label > 0 {
                if boxes.len() <= label {
                    boxes.resize(label + 1, VoxelBox::EMPTY);
                }
                boxes[label] = boxes[label].with(&own);
            }
        }
    }
}
