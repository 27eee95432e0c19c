//! Steps over tiles, one after another: what they need around each voxel, and what they make of it.
//!
//! A chain is computed tile by tile: the tile is read with the halo of all steps together, and each step leaves what the later ones still need. Where a
//! tile ends with the volume, so does what each step sees, whose border rule then holds; everywhere else the halo hides the end. So the bits do not
//! depend on how a volume is cut.

use std::ops::Range;

use super::ball::MaskBall;
use super::derivative::Derivative;
use super::extend::Border;
use super::gaussian::Smoothing;
use super::mean::MeanBox;
use super::rank::{Footprint, cpu as rank_cpu};
use super::whole::has_sums;
use super::{ball, derivative, difference, extend, gaussian, lut, mean};
use crate::volume::{Block, Dtype, Shape, Table, Tile};

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// The value of a rank, from 0, among the voxels of a footprint around each ([`rank`](super::rank)).
    Rank(Footprint, u32),
    /// What a ball of any radius makes of a mask ([`ball`]).
    Ball(MaskBall),
    /// What a table says of each voxel, of one of the types of 8 and 16 bits ([`lut`]).
    Table(Table),
    /// What the first steps give less what the second ones give of the same voxels ([`difference`]); neither changes the type.
    Difference(Stages, Stages),
    /// A Gaussian of integers of 8 and 16 bits or of levels, or what is sharpened by it ([`gaussian`]).
    Gaussian(Smoothing),
    /// The mean of a box, of the same types ([`mean`]).
    Mean(MeanBox),
    /// A derivative of the same types, as levels ([`derivative`]).
    Derivative(Derivative),
    /// One of the above with one input, which sees another border than the outermost voxels going on ([`extend`]).
    Extended(Border, Box<Stage>),
}

impl Stage {
    /// Voxels needed on each side, along x, y and z.
    pub fn halo(&self) -> [u64; 3] {
        match self {
            Self::Rank(footprint, _) => footprint.reach().map(u64::from),
            Self::Ball(ball) => ball.reach(),
            Self::Table(_) => [0; 3],
            Self::Difference(upper, lower) => [0, 1, 2].map(|a| upper.halo()[a].max(lower.halo()[a])),
            Self::Gaussian(gaussian) => gaussian.reach().map(u64::from),
            Self::Mean(mean) => mean.reach().map(u64::from),
            Self::Derivative(_) => [1; 3],
            Self::Extended(_, stage) => stage.halo(),
        }
    }

    /// The type of its results.
    pub fn result(&self, dtype: Dtype) -> Dtype {
        match self {
            Self::Rank(..) | Self::Ball(_) => dtype,
            Self::Table(table) => table.to(),
            Self::Difference(..) => difference::result(dtype),
            // What has no sums has become levels before.
            Self::Gaussian(_) | Self::Mean(_) if dtype.is_small_integer() => dtype,
            Self::Gaussian(_) | Self::Mean(_) | Self::Derivative(_) => Dtype::F32,
            Self::Extended(_, stage) => stage.result(dtype),
        }
    }

    /// Neighbours that the kernel reads for each voxel, some of them again: what a step costs on a device.
    fn looks(&self, dtype: Dtype) -> u64 {
        match self {
            // Once for the ends, and for each bit that is searched for: not all of them are.
            Self::Rank(footprint, rank) => {
                let searched = if footprint.is_end(*rank) { 0 } else { 6 * dtype.bytes() as u64 };
                u64::from(footprint.count()) * (1 + searched)
            }
            // Outwards along three axes, as far as the nearest that counts: half of the way at the most.
            Self::Ball(_) => self.windows() + 6,
            Self::Table(_) => 2,
            Self::Difference(upper, lower) => upper.looks(dtype) + lower.looks(dtype) + 3,
            Self::Gaussian(_) | Self::Mean(_) => self.windows() + 3,
            Self::Derivative(_) => 8,
            Self::Extended(_, stage) => stage.looks(dtype) + 2,
        }
    }

    /// Nanoseconds for each voxel on one thread of the CPU on which `benches/rivals_neighbours.py` was written: what a step costs there.
    fn nanoseconds(&self, dtype: Dtype) -> f64 {
        let wide = dtype.bytes().max(2) as f64 / 2.0;
        match self {
            Self::Rank(footprint, rank) if footprint.is_sorted() && !footprint.is_end(*rank) => 2.0 * wide,
            Self::Rank(footprint, rank) if footprint.is_end(*rank) => {
                wide * if footprint.is_box() { 3.0 } else { 2.0 + 0.2 * footprint.rows().len() as f64 }
            }
            // Sums that run along cost little; what grows with the window is looking up what is left.
            Self::Rank(footprint, _) => wide * (25.0 + 0.75 * footprint.rows().len() as f64),
            Self::Ball(_) => 12.0,
            Self::Table(_) => 0.5,
            Self::Difference(upper, lower) => upper.nanoseconds(dtype) + lower.nanoseconds(dtype) + 1.0,
            Self::Gaussian(_) => 2.0 + 0.12 * self.windows() as f64,
            Self::Mean(_) | Self::Derivative(_) => 2.5 * wide,
            Self::Extended(_, stage) => stage.nanoseconds(dtype) + 1.0,
        }
    }

    /// Voxels of the windows along all three axes.
    fn windows(&self) -> u64 {
        self.halo().iter().map(|reach| 2 * reach + 1).sum()
    }

    /// Whether it is the median of 3 x 3 x 3 voxels, which has a kernel of its own.
    pub fn is_median_of_27(&self) -> bool {
        matches!(self, Self::Rank(footprint, 13) if footprint.reach() == [1; 3] && footprint.is_box())
    }

    /// The most bytes that a voxel takes while it is computed, beside what is read and written.
    fn room(&self, dtype: Dtype) -> usize {
        match self {
            Self::Rank(..) | Self::Table(_) => self.result(dtype).bytes(),
            Self::Difference(upper, lower) => 2 * dtype.bytes() + upper.widest(dtype).max(lower.widest(dtype)),
            // Which side, and a square; on devices bits, and two.
            Self::Ball(_) => 18,
            // On devices, what is between the axes.
            Self::Gaussian(_) | Self::Derivative(_) => 4,
            Self::Mean(_) => 8,
            Self::Extended(_, stage) => dtype.bytes() + stage.room(dtype),
        }
    }

    /// Whether devices compute it of voxels of this type with the same bits.
    fn has_kernel(&self, dtype: Dtype) -> bool {
        match self {
            Self::Rank(..) | Self::Ball(_) | Self::Table(_) => dtype.bytes() <= 4,
            Self::Difference(upper, lower) => {
                dtype != Dtype::F32 && dtype.bytes() <= 4 && upper.has_kernels(dtype) && lower.has_kernels(dtype)
            }
            Self::Gaussian(_) | Self::Mean(_) | Self::Derivative(_) => has_sums(dtype),
            Self::Extended(_, stage) => stage.has_kernel(dtype),
        }
    }

    /// Voxels that are to be added before and behind along each axis, so that `inner` has its halo in a box of `size`: where that one ends with the volume.
    pub fn margins(&self, size: [usize; 3], inner: &[Range<usize>; 3]) -> [[usize; 2]; 3] {
        let halo = self.halo().map(|n| n as usize);
        [0, 1, 2].map(|a| [halo[a].saturating_sub(inner[a].start), halo[a].saturating_sub(size[a] - inner[a].end)])
    }

    /// Computes `to` of what `from` holds.
    fn cpu(&self, dtype: Dtype, shape: &Shape, (from, bytes): (&Tile, &[u8]), to: &Tile, out: &mut [u8]) {
        let size = from.size(shape).map(|n| n as usize);
        let (place, inner) = (to.place_in(from), to.size(shape));
        let inner = std::array::from_fn(|a| place[a] as usize..(place[a] + inner[a]) as usize);
        match self {
            Self::Difference(upper, lower) => {
                let [upper, lower] = [upper, lower].map(|stages| {
                    let mut made = vec![0; to.voxels(shape) as usize * dtype.bytes()];
                    stages.cpu(dtype, shape, (from, bytes), to, &mut Scratch::default(), &mut made);
                    made
                });
                difference::cpu(dtype, &upper, &lower, out);
            }
            _ => self.of_box(dtype, bytes, size, &inner, out),
        }
    }

    /// Computes a box of another one, of which nothing is known but its voxels.
    fn of_box(&self, dtype: Dtype, bytes: &[u8], size: [usize; 3], inner: &[Range<usize>; 3], out: &mut [u8]) {
        match self {
            Self::Rank(footprint, rank) => rank_cpu(dtype, bytes, size, inner, footprint, *rank, out),
            Self::Ball(ball) => ball::cpu(dtype, bytes, size, inner, ball, out),
            Self::Table(table) => lut::cpu(Block { dtype, bytes }, table, out),
            Self::Gaussian(gaussian) => gaussian::cpu(dtype, bytes, size, inner, gaussian, out),
            Self::Mean(mean) => mean::cpu(dtype, bytes, size, inner, *mean, out),
            Self::Derivative(derivative) => derivative::cpu(dtype, bytes, size, inner, derivative, out),
            Self::Extended(border, stage) => {
                let margins = stage.margins(size, inner);
                let larger: [usize; 3] = std::array::from_fn(|a| margins[a][0] + size[a] + margins[a][1]);
                let mut extended = vec![0; larger.iter().product::<usize>() * dtype.bytes()];
                extend::cpu(dtype, bytes, size, margins, *border, &mut extended);
                let inner = std::array::from_fn(|a| margins[a][0] + inner[a].start..margins[a][0] + inner[a].end);
                stage.of_box(dtype, &extended, larger, &inner, out);
            }
            Self::Difference(..) => unreachable!("differences need the tiles of their steps"),
        }
    }
}

/// Steps, one after another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stages(pub Vec<Stage>);

/// What a thread computes in.
#[derive(Debug, Default)]
pub struct Scratch([Vec<u8>; 2]);

impl Stages {
    /// Voxels needed on each side, along x, y and z, of all steps together.
    pub fn halo(&self) -> [u64; 3] {
        self.0.iter().fold([0; 3], |all, stage| std::array::from_fn(|a| all[a] + stage.halo()[a]))
    }

    /// The type of the results.
    pub fn result(&self, dtype: Dtype) -> Dtype {
        self.0.iter().fold(dtype, |dtype, stage| stage.result(dtype))
    }

    /// Each step with the type that it takes.
    pub fn typed(&self, dtype: Dtype) -> impl Iterator<Item = (&Stage, Dtype)> {
        self.0.iter().scan(dtype, |dtype, stage| {
            let taken = *dtype;
            *dtype = stage.result(taken);
            Some((stage, taken))
        })
    }

    /// Neighbours that kernels read for each voxel.
    pub fn looks(&self, dtype: Dtype) -> u64 {
        self.typed(dtype).map(|(stage, dtype)| stage.looks(dtype)).sum()
    }

    /// Nanoseconds for each voxel on one thread of the CPU on which the costs of steps were taken.
    pub fn nanoseconds(&self, dtype: Dtype) -> f64 {
        self.typed(dtype).map(|(stage, dtype)| stage.nanoseconds(dtype)).sum()
    }

    /// The most bytes that a voxel takes before, between and after the steps, and in one.
    pub fn widest(&self, dtype: Dtype) -> usize {
        let rooms = self.typed(dtype).map(|(stage, dtype)| stage.room(dtype));
        rooms.chain([dtype.bytes()]).max().unwrap_or(1)
    }

    /// Whether devices compute all of it of voxels of this type with the same bits.
    pub fn has_kernels(&self, dtype: Dtype) -> bool {
        self.typed(dtype).all(|(stage, dtype)| stage.has_kernel(dtype))
    }

    /// What is read for a tile, and what is left of it after each step; the last one is the tile.
    pub fn tiles(&self, tile: &Tile, shape: &Shape) -> Vec<Tile> {
        let mut tiles = vec![tile.clone()];
        for stage in self.0.iter().rev() {
            let last = &tiles[tiles.len() - 1];
            tiles.push(last.grown(stage.halo(), shape));
        }
        tiles.reverse();
        tiles
    }

    /// Computes a tile on one thread from another one, which has at least its halo.
    ///
    /// # Panics
    /// If the buffers have other lengths.
    pub fn cpu(
        &self,
        dtype: Dtype,
        shape: &Shape,
        (from, bytes): (&Tile, &[u8]),
        tile: &Tile,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) {
        let mut tiles = self.tiles(tile, shape);
        tiles[0] = from.clone();
        let [mut last, mut next] = std::mem::take(&mut scratch.0);
        let mut dtype = dtype;
        for (i, stage) in self.0.iter().enumerate() {
            let read: &[u8] = if i == 0 { bytes } else { &last };
            let result = stage.result(dtype);
            if i + 1 == self.0.len() {
                stage.cpu(dtype, shape, (&tiles[i], read), &tiles[i + 1], out);
            } else {
                next.resize(tiles[i + 1].voxels(shape) as usize * result.bytes(), 0);
                stage.cpu(dtype, shape, (&tiles[i], read), &tiles[i + 1], &mut next);
                std::mem::swap(&mut last, &mut next);
            }
            dtype = result;
        }
        if self.0.is_empty() {
            cut(dtype, shape, (from, bytes), tile, out);
        }
        scratch.0 = [last, next];
    }
}

/// The part of `from` that `to` is.
fn cut(dtype: Dtype, shape: &Shape, (from, bytes): (&Tile, &[u8]), to: &Tile, out: &mut [u8]) {
    let ([nx, rows, _], [_, y, z]) = (from.size(shape), to.place_in(from));
    let row = nx as usize * dtype.bytes();
    let part = row * (to.y.end - to.y.start) as usize;
    let slices = bytes.chunks_exact(row * rows as usize).skip(z as usize);
    out.chunks_exact_mut(part).zip(slices).for_each(|(out, slice)| out.copy_from_slice(&slice[y as usize * row..][..part]));
}
