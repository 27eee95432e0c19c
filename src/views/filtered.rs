//! A volume as steps make it that look at neighbours: computed when it is read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Result;
use crate::io::Source;
use crate::ops::stages::{Scratch, Stages};
use crate::volume::{Header, Tile};

/// The results of steps as a source. Slices are computed together as many as half of a memory holds for all threads; a single row at the least.
pub struct Filtered {
    inner: Arc<dyn Source>,
    stages: Arc<Stages>,
    header: Header,
    /// Slices that are computed together; 0 where one is too large.
    slab: u64,
    /// Where jumping about is dear: slices that were read, in order.
    ahead: Option<Mutex<Ahead>>,
}

#[derive(Default)]
struct Ahead {
    /// The first slice that is kept, counted through all volumes.
    first: u64,
    slices: VecDeque<Arc<[u8]>>,
}

impl Filtered {
    /// `inner` after `stages`, which make what `header` says; in so much memory.
    pub fn new(inner: Arc<dyn Source>, stages: Arc<Stages>, header: Header, memory_bytes: u64) -> Self {
        let own = inner.header();
        let threads = rayon::current_num_threads() as u64;
        let slice = own.grid.shape.slice_voxels() * stages.widest(own.meaning.dtype) as u64;
        // Read, between steps twice, and what is made of it.
        let fits = memory_bytes / (2 * 4 * threads * slice);
        let slices = own.grid.shape.axis(2);
        let slab = fits.saturating_sub(2 * stages.halo()[2]).min(slices.div_ceil(2 * threads));
        let ahead = (own.grid.shape.axis(2) > 0 && inner.sequential()).then(Mutex::default);
        Self { inner, stages, header, slab, ahead }
    }

    /// Computes a tile.
    fn tile(&self, tile: &Tile, scratch: &mut (Vec<u8>, Scratch), out: &mut [u8]) -> Result<()> {
        let own = self.inner.header();
        let (shape, dtype) = (&own.grid.shape, own.meaning.dtype);
        let outer = tile.grown(self.stages.halo(), shape);
        let (bytes, between) = scratch;
        bytes.resize(outer.voxels(shape) as usize * dtype.bytes(), 0);
        match &self.ahead {
            Some(ahead) => self.read_in_order(ahead, &outer, bytes)?,
            None => self.inner.read_tile(&outer, bytes)?,
        }
        self.stages.cpu(dtype, shape, (&outer, bytes), tile, between, out);
        Ok(())
    }

    /// Reads a tile of slices that come one after another; those that other threads will ask for are kept.
    fn read_in_order(&self, ahead: &Mutex<Ahead>, tile: &Tile, into: &mut [u8]) -> Result<()> {
        let own = self.inner.header();
        let [_, _, depth] = own.grid.shape.xyz();
        let (voxels, size) = (own.grid.shape.slice_voxels(), own.meaning.dtype.bytes());
        let (first, end) = (tile.volume * depth + tile.z.start, tile.volume * depth + tile.z.end);
        let halo = 2 * self.stages.halo()[2];
        let most = (self.slab.max(1) + halo) * (rayon::current_num_threads() as u64 + 1);
        let mut kept = ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if first < kept.first {
            // Too far back: from there on again.
            *kept = Ahead { first, slices: VecDeque::new() };
        }
        while kept.first + (kept.slices.len() as u64) < end {
            let next = kept.first + kept.slices.len() as u64;
            let mut slice = vec![0; voxels as usize * size];
            self.inner.read(next * voxels, &mut slice)?;
            kept.slices.push_back(slice.into());
            if kept.slices.len() as u64 > most {
                kept.slices.pop_front();
                kept.first += 1;
            }
        }
        let slices: Vec<Arc<[u8]>> = (first..end).map(|z| kept.slices[(z - kept.first) as usize].clone()).collect();
        drop(kept);
        let row = own.grid.shape.axis(0) as usize * size;
        let (from, to) = (tile.y.start as usize * row, tile.y.end as usize * row);
        for (slice, part) in slices.iter().zip(into.chunks_exact_mut(to - from)) {
            part.copy_from_slice(&slice[from..to]);
        }
        Ok(())
    }
}

impl Source for Filtered {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let [nx, ny, nz] = self.header.grid.shape.xyz();
        let size = self.header.meaning.dtype.bytes();
        let mut scratch = Default::default();
        let mut computed = Vec::new();
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let voxels = (rest.len() / size) as u64;
            let (slice, within) = (at / (nx * ny), at % (nx * ny));
            let (volume, z) = (slice / nz, slice % nz);
            let whole = (voxels / (nx * ny)).min(self.slab).min(nz - z);
            let tile = if within == 0 && whole > 0 {
                Tile { volume, y: 0..ny, z: z..z + whole }
            } else {
                let y = within / nx;
                Tile { volume, y: y..(within + voxels).div_ceil(nx).min(ny), z: z..z + 1 }
            };
            let skipped = within - tile.y.start * nx;
            let made = tile.voxels(&self.header.grid.shape);
            let taken = (made - skipped).min(voxels);
            let (part, later) = rest.split_at_mut(taken as usize * size);
            if taken == made {
                self.tile(&tile, &mut scratch, part)?;
            } else {
                computed.resize(made as usize * size, 0);
                self.tile(&tile, &mut scratch, &mut computed)?;
                part.copy_from_slice(&computed[skipped as usize * size..][..part.len()]);
            }
            (at, rest) = (at + taken, later);
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        match self.slab {
            0 => self.header.grid.shape.axis(0),
            slices => slices * self.header.grid.shape.slice_voxels(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::rank::{Footprint, FootprintShape};
    use crate::ops::stages::Stage;
    use crate::ops::testing::noise;
    use crate::volume::{Dtype, Shape, Volume};

    /// A source that says that it dislikes jumps, and notes how often it was made to.
    struct Stream(Volume, Mutex<(u64, u64)>);

    impl Source for Stream {
        fn header(&self) -> &Header {
            self.0.header()
        }

        fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
            let mut seen = self.1.lock().unwrap();
            seen.1 += u64::from(at < seen.0);
            seen.0 = at;
            self.0.read(at, into)
        }

        fn sequential(&self) -> bool {
            true
        }
    }

    #[test]
    fn any_run_of_voxels_is_what_the_whole_has_there() {
        let shape = Shape::new(&[7, 5, 9, 2]).unwrap();
        let header = Header::new(shape.clone(), Dtype::I16);
        let bytes: Vec<u8> = (0..shape.voxels()).flat_map(|i| (noise(i) as i16).to_le_bytes()).collect();
        let volume = Volume::new(header.clone(), bytes).unwrap();
        let (footprint, rank) = (Footprint::new([1; 3], FootprintShape::Box).unwrap(), 13);
        let stages = Arc::new(Stages(vec![Stage::Rank(footprint.clone(), rank), Stage::Rank(footprint, 26)]));
        let mut want = Vec::new();
        for t in 0..2 {
            let tile = Tile::whole(&shape, t);
            let mut out = vec![0; tile.voxels(&shape) as usize * 2];
            let read = &volume.bytes()[t as usize * out.len()..][..out.len()];
            stages.cpu(Dtype::I16, &shape, (&tile, read), &tile, &mut Scratch::default(), &mut out);
            want.extend(out);
        }
        for memory in [1 << 30, 4000, 1] {
            for inner in [Arc::new(volume.clone()) as Arc<dyn Source>, Arc::new(Stream(volume.clone(), Mutex::default()))] {
                let view = Filtered::new(inner, stages.clone(), header.clone(), memory);
                for (first, step) in [(0, 630), (3, 1), (11, 35), (0, 70), (35, 100)] {
                    for at in (first..630).step_by(step) {
                        let mut got = vec![0; step.min(630 - at) * 2];
                        view.read(at as u64, &mut got).unwrap();
                        assert_eq!(got, want[at * 2..][..got.len()], "{memory} {at} {step}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_stream_is_read_once() {
        let shape = Shape::new(&[4, 4, 40]).unwrap();
        let header = Header::new(shape.clone(), Dtype::U8);
        let volume = Volume::new(header.clone(), (0..640).map(|i| noise(i) as u8).collect()).unwrap();
        let stream = Arc::new(Stream(volume, Mutex::default()));
        let stages = Arc::new(Stages(vec![Stage::Rank(Footprint::new([1; 3], FootprintShape::Box).unwrap(), 13)]));
        let view = Filtered::new(stream.clone(), stages, header, 3000);
        let unit = view.unit();
        // Neighbours come in any order.
        for at in (0..640).step_by(2 * unit as usize) {
            for at in [at + unit, at].into_iter().filter(|at| *at < 640) {
                view.read(at, &mut vec![0; unit.min(640 - at) as usize]).unwrap();
            }
        }
        assert_eq!(stream.1.lock().unwrap().1, 0);
    }
}
