//! Whole jobs that put voxels onto another grid: resampled, or only moved.

mod boxes;
mod device;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::device::with_fallback;
use super::input::room;
use super::{Cost, Input, Run};
use crate::engine::CHUNK_VOXELS;
use crate::io::{Limits, Sink};
use crate::ops::resample::{Positions, Sampled, Sampling, cpu};
use crate::volume::{Dtype, Header, Placement, Tile};
use crate::{Error, Result};
use boxes::{Boxes, KeptBox, TargetPart};

/// Onto which grid, and how.
#[derive(Debug, Clone)]
pub struct Resampling {
    /// The target, and where its voxels lie in the source.
    pub placement: Placement,
    /// How a value comes of those around it.
    pub sampling: Sampling,
    /// The stored value, as bits, of what lies outside of the source.
    pub fill: u64,
}

impl Resampling {
    /// The header of the result for a source with this header; checked before anything is allocated or written for it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a target of more than 1 TiB, for slices of different rescale that are not taken over one by one, for areas where axes are turned, or for grids that lie too
    /// far apart to compute with.
    pub fn header(&self, source: &Header) -> Result<Header> {
        let header = self.placement.header(source)?;
        let bytes = u128::from(header.grid.shape.voxels()) * header.meaning.dtype.bytes() as u128;
        if bytes > u128::from(Limits::VOLUME.max_bytes) {
            let what = format!("a target of {} {} voxels takes {} GiB", header.grid.shape, header.meaning.dtype, bytes >> 30);
            return Err(Error::usage(
                what,
                "ask for at most 1,024 GiB: a coarser spacing, a smaller shape, or a part of the image",
            ));
        }
        self.positions()?;
        Ok(header)
    }

    /// What the target costs: eight reads a voxel, and what one thread of the CPU took for each sampling of 256³ voxels of int16.
    pub fn cost(&self, source: &Header) -> Cost {
        let nanoseconds = match self.sampling {
            Sampling::Nearest => 6.0,
            Sampling::Linear => 9.0,
            Sampling::Label | Sampling::Area => 20.0,
        };
        let (voxels, size) = (self.placement.grid.shape.voxels(), source.meaning.dtype.bytes() as u64);
        let moved_bytes = source.bytes().saturating_add(voxels.saturating_mul(size));
        Cost::each(voxels, (nanoseconds, 8), moved_bytes)
    }

    fn positions(&self) -> Result<Positions> {
        let far = || {
            Error::usage(
                "target and source lie 2^30 voxels apart or more",
                "check the spacing, the transform and the headers of both",
            )
        };
        let positions = Positions::new(&self.placement.to_source.0, self.placement.grid.shape.xyz()).ok_or_else(far)?;
        if self.sampling == Sampling::Area && !positions.is_straight() {
            return Err(Error::usage("means over areas on a grid that is turned against the image", "resample linearly"));
        }
        Ok(positions)
    }
}

/// Writes the voxels of the target, time by time, and says how many of them lie outside of the source.
///
/// Types and samplings that have no kernel are computed by the CPU on any device.
///
/// # Errors
/// As [`Resampling::header`]; [`Error::Usage`] if all of the target lies outside, or if not even what a single voxel looks at fits the memory; what reading and writing give;
/// [`Error::Interrupted`]. A failing GPU is no error: the CPU finishes.
pub fn resample(input: &Input<'_>, what: &Resampling, sink: &dyn Sink, run: &Run<'_>) -> Result<u64> {
    let source = input.source().as_ref();
    let header = what.header(source.header())?;
    let dtype = header.meaning.dtype;
    let run = &if what.sampling.has_kernel(dtype) { *run } else { run.on_cpu() };
    let target = &header.grid.shape;
    let boxes = Boxes { source, target, positions: what.positions()?, sampling: what.sampling, run };
    let job = Resample { boxes, dtype, fill: what.fill, sink, outside: AtomicU64::new(0) };
    let total = target.voxels();
    with_fallback(
        run,
        most_on_device(dtype, run),
        |attempt| job.on_device(attempt),
        |from| {
            let (mut done, mut kept, mut out) = (from, KeptBox::default(), Vec::new());
            while done < total {
                let slab = job.boxes.slab(done, u64::MAX);
                let parts = job.boxes.parts(&slab, u64::MAX)?;
                job.fill_slab(&slab, &parts, &mut out, |part, into| job.on_cpu(slab.volume, part, &mut kept, into))?;
                done += job.write(&slab, &out)?;
            }
            Ok(())
        },
    )?;
    let outside = job.outside.into_inner();
    if outside == total {
        return Err(Error::usage("no voxel of the target lies in the image", "check the grid and the transform"));
    }
    Ok(outside)
}

/// Most voxels of a tile, and of its box, on a device: on the way up and down, packed and as bricks.
fn most_on_device(dtype: Dtype, run: &Run<'_>) -> u64 {
    (run.memory_bytes / (2 * (4 + 4 * dtype.bytes() as u64))).clamp(1 << 12, CHUNK_VOXELS)
}

/// What is done to every slab.
struct Resample<'a> {
    boxes: Boxes<'a>,
    dtype: Dtype,
    fill: u64,
    sink: &'a dyn Sink,
    /// Voxels of the target outside of the source, as far as it is written.
    outside: AtomicU64,
}

impl Resample<'_> {
    /// Makes the voxels of a slab, tile by tile.
    fn fill_slab(
        &self,
        slab: &Tile,
        parts: &[TargetPart],
        out: &mut Vec<u8>,
        mut make: impl FnMut(&TargetPart, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let (size, [nx, rows, _]) = (self.dtype.bytes(), slab.size(self.boxes.target));
        room(out, slab.voxels(self.boxes.target) * size as u64)?;
        let mut tile = Vec::new();
        for part in parts {
            self.boxes.run.stop()?;
            if parts.len() == 1 {
                make(part, out)?;
                break;
            }
            room(&mut tile, part.size.iter().product::<u64>() * size as u64)?;
            make(part, &mut tile)?;
            let [wide, high, _] = part.size;
            for (i, row) in tile.chunks_exact(wide as usize * size).enumerate() {
                let (y, z) = (part.at[1] - slab.y.start + i as u64 % high, part.at[2] - slab.z.start + i as u64 / high);
                let at = ((z * rows + y) * nx + part.at[0]) as usize * size;
                out[at..at + row.len()].copy_from_slice(row);
            }
        }
        Ok(())
    }

    /// One tile, by all threads.
    fn on_cpu(&self, volume: u64, part: &TargetPart, kept: &mut KeptBox, out: &mut [u8]) -> Result<()> {
        let size = self.dtype.bytes();
        let Some(place) = self.boxes.place(part, u64::MAX) else {
            let fill = &self.fill.to_le_bytes()[..size];
            out.chunks_exact_mut(size).for_each(|one| one.copy_from_slice(fill));
            return Ok(());
        };
        let source = self.boxes.source.header().grid.shape.xyz();
        let bytes;
        let place = match self.boxes.source.in_memory() {
            Some(all) => {
                let each = source.iter().product::<u64>() as usize * size;
                bytes = &all[volume as usize * each..][..each];
                source.map(|n| 0..n)
            }
            None => {
                bytes = kept.read(&self.boxes, volume, &place)?;
                place
            }
        };
        let from = self.sampled(part, &place, bytes);
        let [nx, ny, nz] = part.size.map(|n| n as usize);
        let fair = 3 * rayon::current_num_threads();
        let deep = nz.div_ceil(fair).clamp(1, 32);
        let high = if nz >= fair { ny } else { ny.div_ceil(fair) };
        out.par_chunks_mut(nx * ny * deep * size).enumerate().for_each(|(i, slices)| {
            let z = (i * deep) as u64;
            if high == ny {
                let depth = slices.len() / (nx * ny * size);
                return cpu(&from.from([0, 0, z]), self.boxes.sampling, self.fill, [nx, ny, depth], slices);
            }
            slices.par_chunks_mut(nx * ny * size).enumerate().for_each(|(k, slice)| {
                slice.par_chunks_mut(nx * high * size).enumerate().for_each(|(j, rows)| {
                    let own = from.from([0, (j * high) as u64, z + k as u64]);
                    cpu(&own, self.boxes.sampling, self.fill, [nx, rows.len() / (nx * size), 1], rows);
                });
            });
        });
        Ok(())
    }

    /// A box that was read, as kernels take it.
    fn sampled<'b>(&self, part: &TargetPart, place: &boxes::Place, bytes: &'b [u8]) -> Sampled<'b> {
        let source = self.boxes.source.header().grid.shape.xyz();
        Sampled {
            dtype: self.dtype,
            bytes,
            shape: place.each_ref().map(|r| (r.end - r.start) as usize),
            inside: [0, 1, 2].map(|a| -(place[a].start as i64)..(source[a] - place[a].start) as i64),
            positions: self.boxes.positions.from(part.at, place.each_ref().map(|r| r.start)),
        }
    }

    /// Writes a slab, and says how many voxels these are.
    fn write(&self, slab: &Tile, bytes: &[u8]) -> Result<u64> {
        let target = self.boxes.target;
        let voxels = slab.voxels(target);
        if let Some((at, _)) = slab.runs(target).next() {
            // Whole slices, or rows of one: one run.
            self.sink.write(at, bytes)?;
        }
        self.outside.fetch_add(voxels - self.inside(slab), Ordering::Relaxed);
        self.boxes.run.advance(bytes.len() as u64);
        Ok(voxels)
    }

    /// How many voxels of a slab lie in the source.
    fn inside(&self, slab: &Tile) -> u64 {
        let [nx, rows, slices] = slab.size(self.boxes.target);
        let inside = self.boxes.source.header().grid.shape.xyz().map(|n| 0..n as i64);
        let of_row = |i: u64| {
            let start = self.boxes.positions.at([0, slab.y.start + i % rows, slab.z.start + i / rows]);
            self.boxes.positions.covered(start, nx as usize, &inside).len() as u64
        };
        (0..(rows * slices) as usize).into_par_iter().with_min_len(1 << 12).map(|i| of_row(i as u64)).sum()
    }
}
