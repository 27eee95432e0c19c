//! One volume after the other: rows as the mask is read, columns, millimetres.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::plan::DistancePlan;
use super::store::{ColumnBlock, VoxelSlots, VoxelStore};
use super::{DistanceMap, DistanceOf, DistanceOutput, Measured};
use crate::ops::bits::LabelType;
use crate::ops::distance::{self as op, RowPass, Searched};
use crate::pipelines::device::with_fallback;
use crate::pipelines::ways::blocks::take_turns;
use crate::pipelines::ways::tiles::Tiles;
use crate::pipelines::{Input, Run};
use crate::volume::{Dtype, Tile};
use crate::{Error, Hint, Result};

/// Columns that one thread searches at a time.
const LANES: usize = 256;

/// Passes over a volume that its progress is told in: reading with rows, columns, writing.
const PASSES: u64 = 3;

/// What is measured of a mask, with the numbers of its voxels between the passes.
struct Measuring<'a, T> {
    input: &'a Input<'a>,
    map: &'a DistanceMap,
    to: &'a DistanceOutput<'a>,
    run: &'a Run<'a>,
    plan: DistancePlan,
    rows: RowPass<T>,
    shape: [usize; 3],
}

/// The numbers of one volume.
struct VolumeSquares<'a, T> {
    /// Of voxels inside, of voxels outside; without those that are not measured.
    squares: [Option<VoxelStore<'a, T>>; 2],
    carried: Option<VoxelStore<'a, u16>>,
}

/// The side that is foreground: its voxels are measured.
const SIDES: [DistanceOf; 2] = [DistanceOf::Inside, DistanceOf::Outside];

/// Measures all volumes.
pub fn all<T: Searched>(input: &Input<'_>, map: &DistanceMap, to: &DistanceOutput<'_>, run: &Run<'_>) -> Result<Measured> {
    let run = &run.one_of(PASSES);
    let plan = DistancePlan::new(input, map, (to, size_of::<T>() as u64), run)?;
    let shape = input.header().grid.shape.xyz().map(|n| n as usize);
    let rows = RowPass::new(shape[0], map.units.weights[0]);
    let own: Measuring<'_, T> = Measuring { input, map, to, run, plan, rows, shape };
    let mut numbers = own.numbers()?;
    let mut total = Measured { scratch_bytes: own.plan.scratch_bytes, ..Measured::default() };
    for volume in 0..input.header().grid.shape.volumes() {
        let inside = if own.plan.on_device { own.on_device(volume, &mut numbers)? } else { own.on_cpu(volume, &mut numbers)? };
        let [deepest, farthest] = own.write(volume, &numbers)?;
        total.inside += inside;
        total.outside += own.voxels() as u64 - inside;
        (total.deepest, total.farthest) = (total.deepest.max(deepest), total.farthest.max(farthest));
    }
    Ok(total)
}

impl<T: Searched> Measuring<'_, T> {
    fn voxels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Which sides are measured.
    fn measured(&self) -> [bool; 2] {
        SIDES.map(|side| self.map.of == side || self.map.of == DistanceOf::Signed)
    }

    /// Room for the numbers of one volume.
    fn numbers(&self) -> Result<VolumeSquares<'_, T>> {
        let mut start = 0;
        let mut squares = [None, None];
        for (room, _) in squares.iter_mut().zip(self.measured()).filter(|(_, measured)| *measured) {
            *room = Some(match &self.plan.scratch {
                Some(scratch) => VoxelStore::Disk(scratch, start, self.plan.layout),
                None => VoxelStore::in_memory(self.voxels())?,
            });
            start += (self.voxels() * size_of::<T>()) as u64;
        }
        let carried = match (&self.plan.scratch, self.to.nearest) {
            (_, None) => None,
            (Some(scratch), _) => Some(VoxelStore::Disk(scratch, start, self.plan.layout)),
            (None, _) => Some(VoxelStore::in_memory(self.voxels())?),
        };
        Ok(VolumeSquares { squares, carried })
    }

    /// Hands every piece of a volume on, as it is read, and says how many voxels are inside.
    fn read(&self, volume: u64, work: impl Fn(&mut Portion<T>, usize, &MaskPart<'_>) -> Result<u64> + Sync) -> Result<u64> {
        let (shape, dtype) = (&self.input.header().grid.shape, self.input.header().meaning.dtype);
        let tiles = Tiles::of(self.input, [0; 3], dtype.bytes(), self.run);
        let mut mine = tiles.cut(self.plan.piece_voxels)?;
        mine.retain(|tile| tile.volume == volume);
        let inside = AtomicU64::new(0);
        let [nx, ny, _] = self.shape;
        tiles.each(mine, Portion::default, |portion, tile: &Tile, bytes| {
            let piece = MaskPart { dtype, shape: tile.size(shape).map(|n| n as usize), bytes };
            let first = (tile.z.start as usize * ny + tile.y.start as usize) * nx;
            inside.fetch_add(work(portion, first, &piece)?, Ordering::Relaxed);
            Ok(())
        })?;
        self.two_sides(volume, inside.into_inner())
    }

    /// A mask without an inside or an outside has no distances.
    fn two_sides(&self, volume: u64, inside: u64) -> Result<u64> {
        let which = if self.input.header().grid.shape.volumes() > 1 { format!(" at time {volume}") } else { String::new() };
        if inside == 0 {
            let what = format!("the mask is empty{which}: no voxel lies inside");
            return Err(Error::usage(what, "check that it is the mask that was meant"));
        }
        if inside == self.voxels() as u64 {
            let what = format!("the mask is full{which}: no voxel lies outside, and beyond the ends nothing is known");
            return Err(Error::usage(what, Hint::OneLabel));
        }
        Ok(inside)
    }

    /// All but the writing.
    fn on_cpu(&self, volume: u64, numbers: &mut VolumeSquares<'_, T>) -> Result<u64> {
        let [nx, ny, _] = self.shape;
        let inside = {
            let [a, b] = &mut numbers.squares;
            let squares = [a, b].map(|store| store.as_mut().map(|store| store.slots(nx * ny)));
            let carried = numbers.carried.as_mut().map(|store| store.slots(nx * ny));
            self.read(volume, |portion, first, piece| self.start(portion, (first, piece), (&squares, carried.as_ref())))?
        };
        if !self.plan.whole_slices && ny > 1 {
            let slices = (0..self.shape[2]).map(|z| ColumnBlock { start: z * nx * ny, stride: nx, rows: ny, width: nx });
            let mut slices = slices;
            slices.try_for_each(|columns| self.columns(columns, 1, numbers))?;
        }
        self.through_slices(numbers)?;
        Ok(inside)
    }

    /// Searches columns through the slices, and tells the pass.
    fn through_slices(&self, numbers: &mut VolumeSquares<'_, T>) -> Result<()> {
        let [nx, ny, nz] = self.shape;
        if nz > 1 {
            self.columns(ColumnBlock { start: 0, stride: nx * ny, rows: nz, width: nx * ny }, 2, numbers)?;
        }
        self.run.advance((self.voxels() * self.input.header().meaning.dtype.bytes()) as u64);
        Ok(())
    }

    /// Rows of a piece, and columns in y of whole slices; returns the voxels inside.
    fn start(
        &self,
        portion: &mut Portion<T>,
        (first, piece): (usize, &MaskPart<'_>),
        (squares, carried): (&[Option<VoxelSlots<'_, T>>; 2], Option<&VoxelSlots<'_, u16>>),
    ) -> Result<u64> {
        let [nx, ny, _] = self.shape;
        let inside = portion.pack(piece, nx, carried.is_some());
        let voxels = piece.shape.iter().product();
        for (side, slots) in squares.iter().enumerate().filter_map(|(side, slots)| Some((side, slots.as_ref()?))) {
            // The other side is foreground: what was 1 is 0.
            if SIDES[side] == DistanceOf::Outside {
                portion.complement(nx);
            }
            portion.squares.resize(voxels, T::default());
            let carries = carried.filter(|_| SIDES[side] == DistanceOf::Outside);
            let words = portion.words.chunks_exact(nx.div_ceil(64));
            let mut lines: Vec<&mut [T]> = portion.squares.chunks_exact_mut(nx).collect();
            let mut labels: Vec<&mut [u16]> = portion.labels.chunks_exact_mut(nx).collect();
            for (row, (words, squares)) in words.zip(&mut lines).enumerate() {
                match carries {
                    Some(_) => self.rows.nearest(words, squares, labels[row]),
                    None => self.rows.squares(words, squares),
                }
            }
            if self.plan.whole_slices && ny > 1 {
                let weight = self.map.units.weights[1];
                for slice in 0..piece.shape[2] {
                    let rows = slice * ny..(slice + 1) * ny;
                    match carries {
                        Some(_) => op::search_nearest(&mut lines[rows.clone()], &mut labels[rows], weight),
                        None => T::search(&mut lines[rows], weight),
                    }
                }
            }
            slots.put(first, &portion.squares)?;
            if let Some(slots) = carries {
                slots.put(first, &portion.labels)?;
            }
        }
        Ok(inside)
    }

    /// Searches columns along an axis, in memory or strip by strip from the file.
    fn columns(&self, columns: ColumnBlock, axis: usize, numbers: &mut VolumeSquares<'_, T>) -> Result<()> {
        let weight = self.map.units.weights[axis];
        for (side, squares) in SIDES.into_iter().zip(&mut numbers.squares) {
            let Some(squares) = squares else { continue };
            let carried = numbers.carried.as_mut().filter(|_| side == DistanceOf::Outside);
            let whole = columns.start..columns.start + columns.stride * columns.rows;
            match (squares, carried) {
                (VoxelStore::Memory(squares), None) => {
                    self.search(op::strips(&mut squares[whole], columns.stride, LANES), weight)?;
                }
                (VoxelStore::Memory(squares), Some(VoxelStore::Memory(carried))) => {
                    let carried = op::strips(&mut carried[whole.clone()], columns.stride, LANES);
                    self.search_nearest(op::strips(&mut squares[whole], columns.stride, LANES), carried, weight)?;
                }
                (squares, carried) => self.by_strips(columns, weight, (squares, carried))?,
            }
        }
        Ok(())
    }

    fn search(&self, strips: Vec<Vec<&mut [T]>>, weight: u64) -> Result<()> {
        strips.into_par_iter().try_for_each(|mut rows| {
            self.run.stop()?;
            T::search(&mut rows, weight);
            Ok(())
        })
    }

    fn search_nearest(&self, strips: Vec<Vec<&mut [T]>>, carried: Vec<Vec<&mut [u16]>>, weight: u64) -> Result<()> {
        strips.into_par_iter().zip(carried).try_for_each(|(mut rows, mut carried)| {
            self.run.stop()?;
            op::search_nearest(&mut rows, &mut carried, weight);
            Ok(())
        })
    }

    /// The same from the file and back.
    fn by_strips(
        &self,
        columns: ColumnBlock,
        weight: u64,
        (squares, carried): (&VoxelStore<'_, T>, Option<&mut VoxelStore<'_, u16>>),
    ) -> Result<()> {
        let carried = carried.as_deref();
        let layout = self.plan.layout;
        // What is searched is there once more, and so is what it carries.
        let each = 2 * (size_of::<T>() + carried.map_or(0, |_| 8)) as u64 * columns.rows as u64;
        let fits = (self.plan.strip_bytes / each).max(1) as usize;
        let width = if layout.width < layout.slice { layout.width } else { fits.min(columns.width) };
        let (mut buffer, mut labels) = (Vec::new(), Vec::new());
        for at in (0..columns.width).step_by(width) {
            self.run.stop()?;
            let slab = ColumnBlock { start: columns.start + at, width: width.min(columns.width - at), ..columns };
            squares.fetch(slab, &mut buffer)?;
            let lanes = LANES.min(slab.width.div_ceil(rayon::current_num_threads()));
            let strips = op::strips(&mut buffer, slab.width, lanes);
            match carried {
                Some(carried) => {
                    carried.fetch(slab, &mut labels)?;
                    self.search_nearest(strips, op::strips(&mut labels, slab.width, lanes), weight)?;
                    carried.put_back(slab, &labels)?;
                }
                None => self.search(strips, weight)?,
            }
            squares.put_back(slab, &buffer)?;
        }
        Ok(())
    }

    /// All but the writing, by kernels; by the CPU from the bits of the mask if these fail.
    fn on_device(&self, volume: u64, numbers: &mut VolumeSquares<'_, T>) -> Result<u64> {
        let [nx, ny, nz] = self.shape;
        let row = nx.div_ceil(64);
        let bits = Mutex::new(vec![0u64; row * ny * nz]);
        let inside = self.read(volume, |portion, first, piece| {
            let inside = portion.pack(piece, nx, false);
            let mut bits = bits.lock().unwrap_or_else(PoisonError::into_inner);
            bits[first / nx * row..][..portion.words.len()].copy_from_slice(&portion.words);
            Ok(inside)
        })?;
        let mut bits = bits.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (side, squares) in SIDES.into_iter().zip(&mut numbers.squares) {
            let Some(VoxelStore::Memory(squares)) = squares else { continue };
            if side == DistanceOf::Outside {
                complement(&mut bits, nx);
            }
            let squares = Mutex::new(squares);
            // A volume is one unit of work: there is nothing smaller to fall back on than the CPU.
            with_fallback(
                self.run,
                1,
                |attempt| {
                    self.run.stop()?;
                    let squares = &mut **squares.lock().unwrap_or_else(PoisonError::into_inner);
                    let run = op::run(attempt.gpu, &bits, self.shape.map(|n| n as u32), self.map.units.weights, squares);
                    attempt.gpu.clear_pool();
                    Ok(run?)
                },
                |_| {
                    let squares = &mut **squares.lock().unwrap_or_else(PoisonError::into_inner);
                    self.of_bits(&bits, squares)
                },
            )?;
        }
        self.run.advance((self.voxels() * self.input.header().meaning.dtype.bytes()) as u64);
        Ok(inside)
    }

    /// The squared distances of a volume in memory.
    fn of_bits(&self, bits: &[u64], squares: &mut [T]) -> Result<()> {
        let [nx, ny, nz] = self.shape;
        let [_, wy, wz] = self.map.units.weights;
        let row = nx.div_ceil(64);
        squares.par_chunks_mut(nx * ny).zip(bits.par_chunks(row * ny)).try_for_each(|(squares, bits)| {
            self.run.stop()?;
            let mut lines: Vec<&mut [T]> = squares.chunks_exact_mut(nx).collect();
            bits.chunks_exact(row).zip(&mut lines).for_each(|(words, line)| self.rows.squares(words, line));
            T::search(&mut lines, wy);
            Ok::<_, Error>(())
        })?;
        if nz > 1 { self.search(op::strips(squares, nx * ny, LANES), wz) } else { Ok(()) }
    }

    /// Writes the distances of a volume and what is nearest, in order; returns the largest squares inside and outside.
    fn write(&self, volume: u64, numbers: &VolumeSquares<'_, T>) -> Result<[u64; 2]> {
        let voxels = self.voxels();
        let (next, first) = (Mutex::new(0), volume * voxels as u64);
        let size = self.input.header().meaning.dtype.bytes() as u64;
        let states = take_turns(
            || [0u64; 2],
            |most, buffers: &mut WriteBuffers<T>| {
                let here = {
                    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                    let here = *next..(*next + self.plan.block_voxels).min(voxels);
                    *next = here.end;
                    here
                };
                if here.is_empty() {
                    return Ok(false);
                }
                self.run.stop()?;
                self.write_block(first, here.clone(), (numbers, buffers), most)?;
                self.run.advance(here.len() as u64 * size);
                Ok(true)
            },
        )?;
        Ok(states.into_iter().fold([0; 2], |a, b| [a[0].max(b[0]), a[1].max(b[1])]))
    }

    fn write_block(
        &self,
        first: u64,
        here: Range<usize>,
        (numbers, buffers): (&VolumeSquares<'_, T>, &mut WriteBuffers<T>),
        most: &mut [u64; 2],
    ) -> Result<()> {
        let WriteBuffers { squares: [a, b], labels, bytes } = buffers;
        let read = |side: usize, buffer| numbers.squares[side].as_ref().map(|store| store.read(here.clone(), buffer)).transpose();
        let sides = [read(0, a)?, read(1, b)?];
        bytes.clear();
        let real = |square: T| self.map.real(square.square());
        match sides {
            [Some(inside), Some(outside)] => {
                let signed = |(inside, outside): (&T, &T)| if *inside > T::default() { -real(*inside) } else { real(*outside) };
                inside.iter().zip(outside).for_each(|both| bytes.extend(signed(both).to_le_bytes()));
            }
            [one, other] => {
                let one = one.or(other).unwrap_or_default();
                one.iter().for_each(|square| bytes.extend(real(*square).to_le_bytes()));
            }
        }
        for (most, squares) in most.iter_mut().zip(sides) {
            let own = squares.unwrap_or_default().iter().max();
            *most = own.map_or(*most, |own| own.square().max(*most));
        }
        self.to.distances.write(first + here.start as u64, bytes)?;
        if let (Some(sink), Some(carried)) = (self.to.nearest, &numbers.carried) {
            let labels = carried.read(here.clone(), labels)?;
            bytes.clear();
            match self.input.header().meaning.dtype {
                Dtype::U8 => bytes.extend(labels.iter().map(|label| *label as u8)),
                _ => bytes.extend_from_slice(bytemuck::cast_slice(labels)),
            }
            sink.write(first + here.start as u64, bytes)?;
        }
        Ok(())
    }
}

/// What a thread writes from.
struct WriteBuffers<T> {
    squares: [Vec<T>; 2],
    labels: Vec<u16>,
    bytes: Vec<u8>,
}

impl<T> Default for WriteBuffers<T> {
    fn default() -> Self {
        Self { squares: [Vec::new(), Vec::new()], labels: Vec::new(), bytes: Vec::new() }
    }
}

/// What a thread makes of a piece.
struct Portion<T> {
    /// Its rows as bits.
    words: Vec<u64>,
    squares: Vec<T>,
    labels: Vec<u16>,
}

/// Rows of the mask, as they were read.
struct MaskPart<'a> {
    dtype: Dtype,
    /// Voxels along x, y and z.
    shape: [usize; 3],
    bytes: &'a [u8],
}

impl<T> Default for Portion<T> {
    fn default() -> Self {
        Self { words: Vec::new(), squares: Vec::new(), labels: Vec::new() }
    }
}

impl<T> Portion<T> {
    /// Takes the rows of a piece as bits, and as labels if wanted; returns how many voxels are inside.
    fn pack(&mut self, piece: &MaskPart<'_>, nx: usize, labelled: bool) -> u64 {
        let voxels: usize = piece.shape.iter().product();
        self.words.resize(voxels / nx * nx.div_ceil(64), 0);
        let rows = self.words.chunks_exact_mut(nx.div_ceil(64));
        self.labels.clear();
        if piece.dtype == Dtype::U8 {
            piece.bytes.chunks_exact(nx).zip(rows).for_each(|(row, words)| u8::pack(row, words));
            if labelled {
                self.labels.extend(piece.bytes.iter().map(|label| u16::from(*label)));
            }
        } else {
            self.labels.extend(piece.bytes.as_chunks().0.iter().map(|label| u16::from_le_bytes(*label)));
            self.labels.chunks_exact(nx).zip(rows).for_each(|(row, words)| u16::pack(row, words));
        }
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn complement(&mut self, nx: usize) {
        complement(&mut self.words, nx);
    }
}

/// Ones become zeros and zeros ones, but for bits beyond the rows.
fn complement(words: &mut [u64], nx: usize) {
    for row in words.chunks_exact_mut(nx.div_ceil(64)) {
        row.iter_mut().for_each(|word| *word = !*word);
        if let (Some(last), rest @ 1..) = (row.last_mut(), nx % 64) {
            *last &= (1 << rest) - 1;
        }
    }
}
