//! The passes: slices in batches, each counted and written at once where tiles lie within slices, else all counted first.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::AdaptiveMapping;
use super::device::{DeviceTiles, SliceBatch};
use crate::engine::CHUNK_VOXELS;
use crate::io::Sink;
use crate::ops::clahe::{self, Between, TileLevels};
use crate::pipelines::Run;
use crate::pipelines::device::{Attempt, with_fallback};
use crate::pipelines::input::room;
use crate::pipelines::ways::ordered::Ordered;
use crate::volume::{Block, Tile};
use crate::{Error, Hint, Result};

/// Voxels of a batch: enough that all threads have something to do.
const BATCH_VOXELS: u64 = 1 << 21;

pub(super) fn write(mapping: &AdaptiveMapping, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
    let slice = mapping.input().grid.shape.slice_voxels();
    // What the kernel does not hold: weights of 32 bits and slices beyond a buffer.
    let run = &if mapping.lattice.weight() >= 1 << 31 || slice > CHUNK_VOXELS { run.on_cpu() } else { *run };
    let shape = &mapping.input().grid.shape;
    for volume in 0..shape.volumes() {
        let work = Volumes { mapping, sink, run: &run.one_of(mapping.passes()), volume, rooms: Mutex::default() };
        if mapping.by_slice {
            work.pass(|batch, tile, on| work.at_once(batch, tile, on))?;
        } else {
            let layers = mapping.lattice.tiles()[2] as usize;
            let counts = Mutex::new(vec![0u32; layers * mapping.lattice.in_layer() * mapping.slots.len()]);
            work.pass(|batch, tile, on| work.count(batch, tile, on, &mut counts.lock().unwrap_or_else(|e| e.into_inner())))?;
            let tables = work.decide(&counts.into_inner().unwrap_or_else(|e| e.into_inner()));
            let depth = mapping.lattice.between(2);
            work.pass(|batch, tile, on| {
                let depth = &depth[tile.z.start as usize..tile.z.end as usize];
                work.put(batch, tile, on, (&tables, depth))
            })?;
        }
    }
    Ok(())
}

/// One volume, whose slices are done in batches.
struct Volumes<'a> {
    mapping: &'a AdaptiveMapping,
    sink: &'a dyn Sink,
    run: &'a Run<'a>,
    volume: u64,
    /// What threads computed slices in, to be used again.
    rooms: Mutex<Vec<SliceRoom>>,
}

/// What a slice takes on its way: slots of its voxels, counts and tables of its tiles.
#[derive(Default)]
struct SliceRoom {
    found: Vec<u32>,
    counts: Vec<u32>,
    tables: TileLevels,
}

/// On what a batch is done.
type On<'a> = Option<&'a DeviceTiles<'a>>;

impl Volumes<'_> {
    /// Hands all slices on in batches, on the device as long as that works.
    fn pass(&self, work: impl Fn(&SliceBatch<'_>, &Tile, On<'_>) -> Result<()> + Sync) -> Result<()> {
        let slice = self.mapping.input().grid.shape.slice_voxels();
        // Slices that are done.
        let done = Cell::new(0);
        with_fallback(
            self.run,
            self.most_on_device(),
            |Attempt { gpu, unit, done: voxels }| {
                let device = DeviceTiles::new(gpu, &self.mapping.slots)?;
                let (ordered, mut buffer, mut mask) = (Ordered::of(&self.mapping.input, self.run), Vec::new(), Vec::new());
                for tile in self.batches(done.get(), unit) {
                    self.run.stop()?;
                    let bytes = ordered.voxels(&tile, &mut buffer)?;
                    work(&self.batch(bytes, &tile, &mut mask)?, &tile, Some(&device))?;
                    done.set(tile.z.end);
                    *voxels = done.get() * slice;
                    self.run.advance(ordered.bytes(&tile));
                }
                gpu.clear_pool();
                Ok(())
            },
            |_| {
                let tiles = self.batches(done.get(), self.most_on_cpu()?);
                let mut mask = Vec::new();
                Ordered::of(&self.mapping.input, self.run)
                    .each(&tiles, |i, bytes| work(&self.batch(bytes, &tiles[i], &mut mask)?, &tiles[i], None))
            },
        )
    }

    /// Whole slices from one on, as many together as have so many voxels.
    fn batches(&self, from: u64, voxels: u64) -> Vec<Tile> {
        let shape = &self.mapping.input().grid.shape;
        let (all, step) = (shape.axis(2), (voxels / shape.slice_voxels()).max(1));
        let whole = Tile::whole(shape, self.volume);
        (from..all).step_by(step as usize).map(|z| Tile { z: z..(z + step).min(all), ..whole.clone() }).collect()
    }

    /// Bytes of a slice's tables, where each slice has its own; none where they are kept for all.
    fn own_tables(&self) -> u64 {
        if self.mapping.by_slice { self.mapping.table_bytes() } else { 0 }
    }

    /// Voxels of whole slices that fit the device: read, on their way up, packed, keys of voxels and mask, levels as keys, packed, and on their way back.
    fn most_on_device(&self) -> u64 {
        let (size, to) = (self.mapping.input().meaning.dtype.bytes() as u64, self.mapping.header.meaning.dtype.bytes() as u64);
        let slice = self.mapping.input().grid.shape.slice_voxels();
        let each = slice * (3 * size + 4 + 7 + 4 + 3 * to) + 3 * self.own_tables();
        ((self.run.memory_bytes / 2) / each.max(1)).max(1).saturating_mul(slice).min(CHUNK_VOXELS)
    }

    /// As many as all threads are busy with, of those that fit.
    fn most_on_cpu(&self) -> Result<u64> {
        let (mapping, shape) = (self.mapping, &self.mapping.input().grid.shape);
        let (size, to) = (mapping.input().meaning.dtype.bytes() as u64, mapping.header.meaning.dtype.bytes() as u64);
        let read = if mapping.input.source().in_memory().is_some() { 0 } else { size * shape.axis(2).min(2) };
        let apart = mapping.input.labels().is_some() || mapping.slots.counting != mapping.slots.looking;
        let voxel = read + 4 + if apart { 5 } else { 0 } + to;
        let slice = shape.slice_voxels();
        let each = slice * voxel + self.own_tables();
        match self.run.memory_bytes / each {
            0 => Err(Error::usage(format!("a slice of {slice} voxels and its tables take {each} bytes"), Hint::MoreMemory)),
            fit => Ok(fit.saturating_mul(slice).min(BATCH_VOXELS)),
        }
    }

    fn batch<'b>(&self, bytes: &'b [u8], tile: &Tile, mask: &'b mut Vec<u8>) -> Result<SliceBatch<'b>> {
        let voxels = tile.voxels(&self.mapping.input().grid.shape);
        let mask = match self.mapping.input.labels() {
            Some(labels) => {
                room(mask, voxels)?;
                labels.source().read_tile(tile, mask)?;
                Some(mask.as_slice())
            }
            None => None,
        };
        Ok(SliceBatch { bytes, mask, slices: (tile.z.end - tile.z.start) as u32 })
    }

    /// Slices that have tiles of their own: counted, decided and written.
    fn at_once(&self, batch: &SliceBatch<'_>, tile: &Tile, on: On<'_>) -> Result<()> {
        if on.is_none() {
            return self.each_slice(batch, tile);
        }
        let (lattice, slots) = (&self.mapping.lattice, &self.mapping.slots);
        let visits: Vec<[u32; 2]> = (0..batch.slices).map(|z| [z, z]).collect();
        let mut counts = vec![0; batch.slices as usize * lattice.in_layer() * slots.len()];
        self.add(batch, on, &visits, &mut counts)?;
        let depth: Vec<Between> = (0..batch.slices).map(|z| Between { low: z, high: z, near: 1, far: 0 }).collect();
        self.put(batch, tile, on, (&self.decide(&counts), &depth))
    }

    /// The same on the CPU: a slice goes the whole way on one thread, so that its counts and tables stay in a cache.
    fn each_slice(&self, batch: &SliceBatch<'_>, tile: &Tile) -> Result<()> {
        let (mapping, to) = (self.mapping, self.mapping.header.meaning.dtype);
        let (shape, lattice, slots) = (&mapping.input().grid.shape, &mapping.lattice, &mapping.slots);
        let (slice, dtype) = (shape.slice_voxels() as usize, mapping.input().meaning.dtype);
        let none = slots.len() as u32;
        let depth = Between { low: 0, high: 0, near: 1, far: 0 };
        let mut out = vec![0; tile.voxels(shape) as usize * to.bytes()];
        out.par_chunks_mut(slice * to.bytes()).enumerate().for_each(|(z, out)| {
            let mut room = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let block = Block { dtype, bytes: &batch.bytes[z * slice * dtype.bytes()..][..slice * dtype.bytes()] };
            let mask = batch.mask.map(|mask| (&mask[z * slice..][..slice], none));
            room.found.resize(slice, 0);
            clahe::find(block, &slots.counting, mask, &mut room.found);
            room.counts.clear();
            room.counts.resize(lattice.in_layer() * slots.len(), 0);
            clahe::count(lattice, &room.found, slots.len(), &mut room.counts);
            self.decide_into(&room.counts, &mut room.tables);
            if mask.is_some() || slots.counting != slots.looking {
                clahe::find(block, &slots.looking, None, &mut room.found);
            }
            clahe::blend(lattice, &room.found, (&room.tables, depth), to, out);
            self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        });
        tile.runs(shape).try_for_each(|(at, _)| self.sink.write(at, &out))
    }

    /// Slices of a volume: counted, each for all places of the continued image where it stands.
    fn count(&self, batch: &SliceBatch<'_>, tile: &Tile, on: On<'_>, counts: &mut [u32]) -> Result<()> {
        let (lattice, each) = (&self.mapping.lattice, self.mapping.lattice.in_layer() * self.mapping.slots.len());
        let deep = lattice.size()[2];
        let places = lattice.sources(2).into_iter().zip(0..);
        let visits: Vec<[u32; 2]> = places
            .filter(|(z, _)| tile.z.contains(&u64::from(*z)))
            .map(|(z, at): (u32, u32)| [z - tile.z.start as u32, at / deep])
            .collect();
        let layers = visits.iter().map(|v| v[1]);
        let (Some(first), Some(last)) = (layers.clone().min(), layers.max()) else { return Ok(()) };
        let visits: Vec<[u32; 2]> = visits.iter().map(|[z, layer]| [*z, layer - first]).collect();
        self.add(batch, on, &visits, &mut counts[first as usize * each..(last + 1) as usize * each])
    }

    /// Adds slices of a batch to layers of counts.
    fn add(&self, batch: &SliceBatch<'_>, on: On<'_>, visits: &[[u32; 2]], counts: &mut [u32]) -> Result<()> {
        let (mapping, slots) = (self.mapping, &self.mapping.slots);
        if let Some(device) = on {
            return device.count(mapping, batch, visits, counts);
        }
        let found = self.find(batch, &slots.counting, batch.mask);
        let (slice, each) = (found.len() / batch.slices as usize, mapping.lattice.in_layer() * slots.len());
        counts.par_chunks_mut(each).enumerate().for_each(|(layer, counts)| {
            for [z, _] in visits.iter().filter(|v| v[1] as usize == layer) {
                clahe::count(&mapping.lattice, &found[*z as usize * slice..][..slice], slots.len(), counts);
            }
        });
        Ok(())
    }

    fn find(&self, batch: &SliceBatch<'_>, slots: &[u32], mask: Option<&[u8]>) -> Vec<u32> {
        let dtype = self.mapping.input().meaning.dtype;
        let mut found = vec![0; batch.bytes.len() / dtype.bytes()];
        let none = self.mapping.slots.len() as u32;
        clahe::find(Block { dtype, bytes: batch.bytes }, slots, mask.map(|mask| (mask, none)), &mut found);
        found
    }

    /// The tables of tiles.
    fn decide(&self, counts: &[u32]) -> TileLevels {
        let mut tables = TileLevels::default();
        self.decide_into(counts, &mut tables);
        tables
    }

    fn decide_into(&self, counts: &[u32], tables: &mut TileLevels) {
        let (slots, rule) = (&self.mapping.slots, &self.mapping.rule);
        tables.entries = slots.len() + 2;
        tables.levels.resize(counts.len() / slots.len() * tables.entries, 0);
        let tiles = tables.levels.par_chunks_mut(tables.entries).zip(counts.par_chunks(slots.len()));
        tiles.map(|(levels, counts)| rule.levels(counts, &slots.bins, levels)).collect_into_vec(&mut tables.filled);
    }

    /// Writes the levels of a batch.
    fn put(&self, batch: &SliceBatch<'_>, tile: &Tile, on: On<'_>, tables: (&TileLevels, &[Between])) -> Result<()> {
        let (mapping, to) = (self.mapping, self.mapping.header.meaning.dtype);
        let shape = &mapping.input().grid.shape;
        let mut out = vec![0; tile.voxels(shape) as usize * to.bytes()];
        match on {
            Some(device) => device.blend(mapping, batch, tables, &mut out)?,
            None => {
                let found = self.find(batch, &mapping.slots.looking, None);
                let slice = found.len() / batch.slices as usize;
                let slices = found.par_chunks(slice).zip(out.par_chunks_mut(slice * to.bytes())).zip(tables.1);
                slices.for_each(|((slots, out), depth)| clahe::blend(&mapping.lattice, slots, (tables.0, *depth), to, out));
            }
        }
        tile.runs(shape).try_for_each(|(at, _)| self.sink.write(at, &out))
    }
}
