//! The way over a volume where neighbours count: tiles with a halo, of which every voxel is written once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::blocks::take_turns;
use crate::pipelines::input::room;
use crate::pipelines::{Input, Run};
use crate::volume::{Shape, Tile};
use crate::{Error, Hint, Result};

/// Bytes that a thread reads at a time. Of smaller tiles the halo is a larger part; larger ones serve nothing.
const TILE_BYTES: u64 = 16 << 20;

/// Tiles in the order in which they cost least to read, ascending along z within the same rows.
pub struct Tiles<'a> {
    input: &'a Input<'a>,
    run: &'a Run<'a>,
    halo: [u64; 3],
    /// The most bytes that a voxel has on its way.
    widest: u64,
}

impl<'a> Tiles<'a> {
    /// Tiles of an input whose results take `halo` more voxels on each side and have at most so many bytes on their way.
    pub fn of(input: &'a Input<'a>, halo: [u64; 3], widest: usize, run: &'a Run<'a>) -> Self {
        Self { input, run, halo, widest: widest as u64 }
    }

    fn shape(&self) -> &Shape {
        &self.input.header().grid.shape
    }

    /// A volume in tiles that have at most so many voxels with their halo: whole slices, or rows of single slices where these are too large.
    ///
    /// # Errors
    /// [`Error::Usage`] with the bytes, if not even a row fits.
    pub fn cut(&self, most_voxels: u64) -> Result<VecDeque<Tile>> {
        let [nx, ny, nz] = self.shape().xyz();
        let [_, beside, above] = self.halo;
        let around = |n: u64, halo: u64, all: u64| n.saturating_add(2 * halo).min(all);
        // How many of `all` fit, each with so many voxels, beside their halo.
        let inner = |each: u64, halo: u64, all: u64| match most_voxels / each {
            fit if fit >= all => all,
            fit => fit.saturating_sub(2 * halo),
        };
        let (rows, slices) = match inner(nx * ny, above, nz) {
            0 => (inner(nx * around(1, above, nz), beside, ny), 1),
            slices => (ny, slices),
        };
        if rows == 0 {
            let needs = nx * around(1, beside, ny) * around(1, above, nz) * self.input.header().meaning.dtype.bytes() as u64;
            let what = format!("a row of {nx} voxels with its neighbours takes {needs} bytes, several times over");
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        let steps = |n: u64, step: u64| (0..n).step_by(step as usize).map(move |at| at..(at + step).min(n));
        let volumes = 0..self.shape().volumes();
        Ok(volumes
            .flat_map(|volume| {
                steps(ny, rows).flat_map(move |y| steps(nz, slices).map(move |z| Tile { volume, y: y.clone(), z }))
            })
            .collect())
    }

    /// The same tiles, each of at most so many voxels with its halo.
    pub fn recut(&self, tiles: VecDeque<Tile>, most_voxels: u64) -> VecDeque<Tile> {
        let mut done = VecDeque::new();
        let mut rest = tiles;
        while let Some(tile) = rest.pop_front() {
            let large = tile.grown(self.halo, self.shape()).voxels(self.shape()) > most_voxels;
            match if large { tile.halves() } else { None } {
                Some([a, b]) => {
                    rest.push_front(b);
                    rest.push_front(a);
                }
                None => done.push_back(tile),
            }
        }
        done
    }

    /// Most voxels of a tile with its halo for each thread of the CPU: voxels, results of the steps, and what a sink makes of them. Every thread gets several of
    /// them, so that all end at about the same time, unless there were hardly more than halos to read.
    pub fn most_on_cpu(&self) -> u64 {
        let threads = rayon::current_num_threads() as u64;
        let share = self.run.memory_bytes / (4 * threads);
        let [nx, ny, nz] = self.shape().xyz();
        let all = nz * self.shape().volumes();
        let slices = all.div_ceil(4 * threads).max(4 * self.halo[2]).max(1) + 2 * self.halo[2];
        (share.min(TILE_BYTES) / self.widest).min(nx * ny * slices)
    }

    /// Hands every tile, and what was read of it with its halo, on to `work` on some thread, with that thread's state. The first error stops all threads.
    pub fn each<S: Send>(
        &self,
        tiles: VecDeque<Tile>,
        init: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, &Tile, &[u8]) -> Result<()> + Sync,
    ) -> Result<()> {
        let reader = Mutex::new(TileReader { tiles, carried: None });
        let size = self.input.header().meaning.dtype.bytes() as u64;
        take_turns(init, |state, buffer: &mut Vec<u8>| {
            self.run.stop()?;
            let mut turn = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(tile) = turn.tiles.pop_front() else { return Ok(false) };
            if self.input.sequential() {
                turn.read(self, &tile, buffer)?;
            } else {
                drop(turn);
                self.read(&tile, buffer)?;
            }
            work(state, &tile, buffer)?;
            self.run.advance(tile.voxels(self.shape()) * size);
            Ok(true)
        })
        .map(|_| ())
    }

    /// Reads a tile with its halo.
    pub fn read(&self, tile: &Tile, buffer: &mut Vec<u8>) -> Result<()> {
        let outer = tile.grown(self.halo, self.shape());
        room(buffer, outer.voxels(self.shape()) * self.input.header().meaning.dtype.bytes() as u64)?;
        self.input.source().read_tile(&outer, buffer)
    }
}

/// Reads tile after tile of a source that dislikes jumps: slices that two tiles share are read once.
struct TileReader {
    tiles: VecDeque<Tile>,
    /// The last slices of the last tile with its halo.
    carried: Option<(Tile, Vec<u8>)>,
}

impl TileReader {
    fn read(&mut self, tiles: &Tiles<'_>, tile: &Tile, buffer: &mut Vec<u8>) -> Result<()> {
        let (shape, source) = (tiles.shape(), tiles.input.source());
        let outer = tile.grown(tiles.halo, shape);
        let [nx, rows, _] = outer.size(shape);
        let slice = (nx * rows) as usize * source.header().meaning.dtype.bytes();
        room(buffer, slice as u64 * (outer.z.end - outer.z.start))?;
        let mut fresh = outer.clone();
        if let Some((old, bytes)) = &self.carried
            && (old.volume, &old.y) == (outer.volume, &outer.y)
            && (old.z.start..=old.z.end).contains(&outer.z.start)
        {
            let shared = &bytes[(outer.z.start - old.z.start) as usize * slice..];
            buffer[..shared.len()].copy_from_slice(shared);
            fresh.z.start = old.z.end;
        }
        let at = (fresh.z.start - outer.z.start) as usize * slice;
        source.read_tile(&fresh, &mut buffer[at..])?;
        let kept = outer.z.end.saturating_sub(2 * tiles.halo[2]).max(outer.z.start)..outer.z.end;
        let bytes = buffer[(kept.start - outer.z.start) as usize * slice..].to_vec();
        self.carried = Some((Tile { z: kept, ..outer }, bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipelines::Device;
    use crate::pipelines::tests::File;
    use crate::volume::{Dtype, Header, Volume};

    #[test]
    fn tiles_cover_every_voxel_once_and_bring_their_halo() {
        let axes = [5u64, 7, 6, 2];
        let shape = Shape::new(&axes).unwrap();
        let bytes: Vec<u8> = (0..shape.voxels()).map(|i| (i * 31 % 251) as u8).collect();
        let volume = Volume::new(Header::new(shape.clone(), Dtype::U8), bytes).unwrap();
        let device = Device::cpu();
        for sequential in [false, true] {
            let input = Input::of(Arc::new(File { volume: volume.clone(), unit: 1, sequential }));
            let run = Run::silent(&device);
            for halo in [[0; 3], [1; 3], [2; 3], [0, 1, 3]] {
                let tiles = Tiles::of(&input, halo, 1, &run);
                for most in [5 * 7 * 6, 5 * 7 * 5, 5 * 5 * 5, 1000] {
                    let cut = tiles.cut(most).unwrap();
                    assert!(cut.iter().all(|t| t.grown(halo, &shape).voxels(&shape) <= most), "{halo:?} {most}");
                    for cut in [cut.clone(), tiles.recut(cut, 40)] {
                        let seen = Mutex::new(vec![0; shape.voxels() as usize]);
                        let check = |(): &mut (), tile: &Tile, read: &[u8]| {
                            let outer = tile.grown(halo, &shape);
                            let want: Vec<u8> = outer
                                .runs(&shape)
                                .flat_map(|(at, n)| volume.bytes()[at as usize..(at + n) as usize].to_vec())
                                .collect();
                            assert_eq!(read, want);
                            let mut seen = seen.lock().unwrap();
                            tile.runs(&shape).flat_map(|(at, n)| at..at + n).for_each(|i| seen[i as usize] += 1);
                            Ok(())
                        };
                        tiles.each(cut, || (), check).unwrap();
                        assert!(seen.into_inner().unwrap().iter().all(|n| *n == 1), "{halo:?} {most}");
                    }
                }
                let too_few = tiles.cut(4).map(|_| ());
                assert!(matches!(too_few, Err(Error::Usage { hint: Hint::MoreMemory, .. })));
            }
        }
    }
}
