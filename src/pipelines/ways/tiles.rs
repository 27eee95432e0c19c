//! The way over a volume where neighbours count: tiles with a halo, of which every voxel is written once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::blocks::take_turns;
use crate::pipelines::input::room;
use crate::pipelines::{Input, Run};
use crate::volume::{Shape, Tile};
use crate::{Error, Hint, Result};

/// Bytes that a thread reads at a time. Of smaller tiles the halo is a larger part; larger ones serve nothing.
const TILE_BYTES: u64 = 32 << 20;

/// Voxels that are worth a thread's turn.
const LEAST_VOXELS: u64 = 1 << 14;

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

    /// A volume in tiles that have at most so many voxels with their halo: whole slices, unless these are too large or far less of the halo is read again with parts of
    /// them.
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
        // How often a voxel is read.
        let times = |rows: u64, slices: u64| {
            (around(rows, beside, ny) * around(slices, above, nz)) as f64 / (rows * slices).max(1) as f64
        };
        let whole = inner(nx * ny, above, nz);
        let parts = (1..=nz).map(|slices| (inner(nx * around(slices, above, nz), beside, ny), slices));
        let parts = parts.take_while(|(rows, _)| *rows > 0);
        let best = parts.min_by(|a, b| times(a.0, a.1).total_cmp(&times(b.0, b.1)));
        // Slices are read in one go; of a stream, all else is read again and again.
        let (rows, slices) = match best {
            _ if whole > 0 && (self.input.sequential() || whole == nz) => (ny, whole),
            Some((rows, slices)) if whole == 0 || 2.0 * times(rows, slices) < times(ny, whole) => (rows, slices),
            _ => (ny, whole),
        };
        if rows * slices == 0 {
            let needs = nx * around(1, beside, ny) * around(1, above, nz) * self.input.header().meaning.dtype.bytes() as u64;
            let what = format!("a row of {nx} voxels with its neighbours takes {needs} bytes, several times over");
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        Ok(self.pieces(rows, slices))
    }

    /// Tiles of so many rows of so many slices.
    fn pieces(&self, rows: u64, slices: u64) -> VecDeque<Tile> {
        let [_, ny, nz] = self.shape().xyz();
        let steps = |n: u64, step: u64| (0..n).step_by(step as usize).map(move |at| at..(at + step).min(n));
        let volumes = 0..self.shape().volumes();
        volumes
            .flat_map(|volume| {
                steps(ny, rows).flat_map(move |y| steps(nz, slices).map(move |z| Tile { volume, y: y.clone(), z }))
            })
            .collect()
    }

    /// Most voxels of a tile with its halo for each thread of the CPU: voxels, results of the steps, and what a sink makes of them.
    pub fn most_on_cpu(&self) -> u64 {
        let fits = self.run.memory_bytes / (4 * rayon::current_num_threads() as u64) / self.widest;
        let [nx, ny, _] = self.shape().xyz();
        // Halos are at most half of it.
        fits.min((TILE_BYTES / self.widest).max(nx * ny * 6 * self.halo[2]))
    }

    /// Tiles for the threads of the CPU: as many as make all threads end soonest, halos counted. Where there are few slices, these are cut into rows.
    ///
    /// # Errors
    /// As [`Tiles::cut`].
    pub fn for_threads(&self) -> Result<VecDeque<Tile>> {
        let (most, threads) = (self.most_on_cpu(), rayon::current_num_threads() as u64);
        let [nx, ny, nz] = self.shape().xyz();
        let [_, beside, above] = self.halo;
        // Voxels that a thread computes one after another, and some of a tile more, for threads are not alike.
        let cost = |rows: u64, slices: u64| {
            let tiles = self.shape().volumes() * ny.div_ceil(rows) * nz.div_ceil(slices);
            let outer = nx * (rows + 2 * beside).min(ny) * (slices + 2 * above).min(nz);
            let all = rows == ny && slices == nz;
            let fair = outer <= most && (all || nx * rows * slices >= LEAST_VOXELS);
            fair.then(|| (tiles.div_ceil(threads) * outer + nx * rows * slices / 4, tiles))
        };
        let by_slices = (1..=nz).map(|slices| (ny, slices));
        // All slices of each, so that rows of several are cut alike.
        let by_rows = (1..ny).filter(|_| !self.input.sequential() && nz <= 4 * (threads + above)).map(|rows| (rows, nz));
        let costs = by_slices.chain(by_rows).filter_map(|(rows, slices)| Some((cost(rows, slices)?, (rows, slices))));
        match costs.min_by_key(|((cost, tiles), _)| (*cost, u64::MAX - tiles)) {
            Some((_, (rows, slices))) => Ok(self.pieces(rows, slices)),
            None => self.cut(most),
        }
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
            let outer = tile.grown(self.halo, self.shape());
            if let Some(bytes) = self.input.in_memory(&outer) {
                drop(turn);
                work(state, &tile, bytes)?;
                self.run.advance(tile.voxels(self.shape()) * size);
                return Ok(true);
            }
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

    #[test]
    fn every_thread_has_tiles_of_pictures_and_of_volumes() {
        let device = Device::cpu();
        let run = Run::silent(&device).with_memory(1 << 30);
        for (axes, halo, sequential) in [
            (vec![1000, 700], [3, 3, 0], false),
            (vec![300, 300, 5], [1, 1, 1], false),
            (vec![64, 64, 64], [10, 10, 10], false),
            (vec![64, 64, 64], [40, 40, 40], true),
            (vec![100, 100, 3, 20], [2, 2, 2], false),
        ] {
            let shape = Shape::new(&axes).unwrap();
            let volume = Volume::new(Header::new(shape.clone(), Dtype::U8), vec![0; shape.voxels() as usize]).unwrap();
            let input = Input::of(Arc::new(File { volume, unit: 1, sequential }));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
            let tiles = pool.install(|| Tiles::of(&input, halo, 1, &run).for_threads().unwrap());
            assert!(tiles.len() >= 4, "{axes:?}: {}", tiles.len());
            assert_eq!(tiles.iter().map(|t| t.voxels(&shape)).sum::<u64>(), shape.voxels());
            assert!(!sequential || tiles.iter().all(|t| t.y == (0..shape.axis(1))), "{axes:?}");
        }
        // Too small to be shared out.
        let shape = Shape::new(&[90, 90]).unwrap();
        let volume = Volume::new(Header::new(shape, Dtype::U8), vec![0; 8100]).unwrap();
        let input = Input::of(Arc::new(File { volume, unit: 1, sequential: false }));
        assert_eq!(Tiles::of(&input, [1; 3], 1, &run).for_threads().unwrap().len(), 1);
    }
}
