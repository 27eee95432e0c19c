//! Where a target's voxels look elsewhere: slabs of it that are written in one go, tiles of these, and the box of the source that each tile looks at.

use std::ops::Range;

use rayon::prelude::*;

use crate::io::Source;
use crate::ops::resample::{Positions, Sampling};
use crate::pipelines::Run;
use crate::pipelines::input::room;
use crate::volume::{Shape, Tile};
use crate::{Error, Hint, Result};

/// Voxels of a source along x, y and z.
pub(super) type Place = [Range<u64>; 3];

/// How a target is cut, and what is read for it.
pub(super) struct Boxes<'a> {
    pub source: &'a dyn Source,
    pub target: &'a Shape,
    pub positions: Positions,
    pub sampling: Sampling,
    pub run: &'a Run<'a>,
}

/// A part of a slab: where it begins in the target, and its voxels along each axis.
pub(super) struct TargetPart {
    pub at: [u64; 3],
    pub size: [u64; 3],
}

/// Indices of tiles on a device have 16 bits.
const LONGEST: u64 = (1 << 16) - 1;

impl Boxes<'_> {
    fn voxel_bytes(&self) -> u64 {
        self.source.header().meaning.dtype.bytes() as u64
    }

    /// Most voxels of a box: as many as half the memory of the run holds.
    fn most_read(&self) -> u64 {
        self.run.memory_bytes / 2 / self.voxel_bytes()
    }

    /// The rows and slices from voxel `done` of the target on that make no more than a quarter of the memory of the run: whole slices, or rows of one.
    pub fn slab(&self, done: u64, most_voxels: u64) -> Tile {
        let [nx, ny, nz] = self.target.xyz();
        let most = (self.run.memory_bytes / 4 / self.voxel_bytes()).min(most_voxels);
        let (row, slice) = (done / nx, done / (nx * ny));
        let (y, z, volume) = (row % ny, slice % nz, slice / nz);
        if y > 0 || nx * ny > most {
            let rows = (most / nx).clamp(1, ny - y);
            return Tile { volume, y: y..y + rows, z: z..z + 1 };
        }
        Tile { volume, y: 0..ny, z: z..z + (most / (nx * ny)).clamp(1, nz - z) }
    }

    /// A slab in tiles, so that none has more than `most_voxels`, nor its box more than as many voxels or than half the memory of the run holds.
    ///
    /// # Errors
    /// [`Error::Usage`] if the box of a single voxel is larger.
    pub fn parts(&self, slab: &Tile, most_voxels: u64) -> Result<Vec<TargetPart>> {
        let all = [self.target.axis(0), slab.y.end - slab.y.start, slab.z.end - slab.z.start];
        // What lies in memory is not read, unless for a device.
        let free = self.source.in_memory().is_some() && most_voxels == u64::MAX;
        let most_read = if free { u64::MAX } else { self.most_read().min(most_voxels) };
        let mut size = all;
        while self.reads(size) > most_read || size.iter().product::<u64>() > most_voxels || size.iter().any(|n| *n > LONGEST) {
            let halved = |axis: usize| {
                let mut smaller = size;
                smaller[axis] = size[axis].div_ceil(2);
                smaller
            };
            // Along the axis where that spares the most reading; slices rather than rows rather than parts of these.
            let Some(best) = [2, 1, 0].into_iter().filter(|axis| size[*axis] > 1).min_by_key(|axis| self.reads(halved(*axis)))
            else {
                let bytes = self.reads(size).saturating_mul(self.voxel_bytes());
                return Err(Error::usage(format!("what is read for one voxel takes {bytes} bytes"), Hint::MoreMemory));
            };
            size = halved(best);
        }
        let steps = |axis: usize| (0..all[axis]).step_by(size[axis] as usize).map(move |at| (at, size[axis].min(all[axis] - at)));
        let mut parts = Vec::new();
        for (z, deep) in steps(2) {
            for (y, high) in steps(1) {
                parts.extend(
                    steps(0)
                        .map(|(x, wide)| TargetPart { at: [x, slab.y.start + y, slab.z.start + z], size: [wide, high, deep] }),
                );
            }
        }
        Ok(parts)
    }

    /// About how many voxels are read for a tile of this size, wherever it lies.
    fn reads(&self, size: [u64; 3]) -> u64 {
        let (source, reach) = (self.source.header().grid.shape.xyz(), self.sampling.reach(&self.positions));
        let along = |axis: usize| {
            let far: u128 =
                (0..3).map(|of| u128::from(self.positions.step[of][axis].unsigned_abs()) * u128::from(size[of] - 1)).sum();
            let own = ((far >> 32) as u64).saturating_add(3 + 2 * reach[axis]);
            if axis == 0 && self.reads_rows() { source[0] } else { own.min(source[axis]) }
        };
        along(0).saturating_mul(along(1)).saturating_mul(along(2))
    }

    /// Whether rows are read whole: where voxels are decoded together, parts of them cost as much.
    fn reads_rows(&self) -> bool {
        self.source.unit() > 1 || self.source.sequential()
    }

    /// What a tile looks at; none if it lies beside the source. All that the whole target looks at, where that is no more than `most_voxels` and half of the memory holds it.
    pub fn place(&self, part: &TargetPart, most_voxels: u64) -> Option<Place> {
        let source = self.source.header().grid.shape.xyz();
        let reach = self.sampling.reach(&self.positions);
        let rows = |mut place: Place| {
            if self.reads_rows() {
                place[0] = 0..source[0];
            }
            place
        };
        let all = self.positions.looks_at(self.target.xyz(), source, reach).map(rows)?;
        let voxels: u64 = all.iter().map(|r| r.end - r.start).product();
        if voxels <= self.most_read().min(most_voxels) {
            return Some(all);
        }
        self.positions.from(part.at, [0; 3]).looks_at(part.size, source, reach).map(rows)
    }
}

/// The last box that was read; what the next one shares with it is not read again.
#[derive(Default)]
pub(super) struct KeptBox {
    of: Option<(u64, Place)>,
    bytes: Vec<u8>,
}

impl KeptBox {
    /// The voxels of a box of one volume of the source.
    pub fn read(&mut self, boxes: &Boxes<'_>, volume: u64, place: &Place) -> Result<&[u8]> {
        if self.of.as_ref().is_some_and(|(v, p)| (*v, p) == (volume, place)) {
            return Ok(&self.bytes);
        }
        let slice =
            (place[0].end - place[0].start) as usize * (place[1].end - place[1].start) as usize * boxes.voxel_bytes() as usize;
        let depth = (place[2].end - place[2].start) as usize;
        // Slices at the end of the last box that begin this one move to the front.
        let mut have = 0;
        if let Some((v, old)) = self.of.take()
            && (v, &old[..2]) == (volume, &place[..2])
            && (old[2].start..old[2].end).contains(&place[2].start)
        {
            let from = (place[2].start - old[2].start) as usize * slice;
            let end = ((place[2].end.min(old[2].end) - old[2].start) as usize) * slice;
            self.bytes.copy_within(from..end, 0);
            have = (end - from) / slice;
        }
        room(&mut self.bytes, (depth * slice) as u64)?;
        let mut fresh = self.bytes[have * slice..].chunks_exact_mut(slice).enumerate();
        let one = |(i, into): (usize, &mut [u8])| {
            boxes.run.stop()?;
            read_slice(boxes.source, (volume, place), place[2].start + (have + i) as u64, into)
        };
        if boxes.source.sequential() {
            fresh.try_for_each(one)?;
        } else {
            fresh.collect::<Vec<_>>().into_par_iter().try_for_each(one)?;
        }
        self.of = Some((volume, place.clone()));
        Ok(&self.bytes)
    }
}

/// Bytes of a row up to which it is read whole.
const SHORT: usize = 1 << 13;

/// Bytes of whole rows that are read at a time.
const PIECE: usize = 1 << 17;

/// One slice of a box.
fn read_slice(source: &dyn Source, (volume, place): (u64, &Place), z: u64, into: &mut [u8]) -> Result<()> {
    let [nx, ny, nz] = source.header().grid.shape.xyz();
    let size = source.header().meaning.dtype.bytes();
    let first = |y: u64| ((volume * nz + z) * ny + y) * nx + place[0].start;
    if place[0] == (0..nx) {
        return source.read(first(place[1].start), into);
    }
    let (whole, row) = (nx as usize * size, (place[0].end - place[0].start) as usize * size);
    if whole > SHORT {
        return place[1].clone().zip(into.chunks_exact_mut(row)).try_for_each(|(y, into)| source.read(first(y), into));
    }
    // Asking for a part of a short row costs more than reading on to the next.
    let (skipped, rows) = (place[0].start as usize * size, PIECE / whole);
    let mut piece = Vec::new();
    for (i, into) in into.chunks_mut(rows * row).enumerate() {
        let y = place[1].start + (i * rows) as u64;
        piece.resize(into.len() / row * whole, 0);
        source.read(first(y) - place[0].start, &mut piece)?;
        for (into, from) in into.chunks_exact_mut(row).zip(piece.chunks_exact(whole)) {
            into.copy_from_slice(&from[skipped..skipped + row]);
        }
    }
    Ok(())
}
