//! How many voxels of each window have a code of at least so much: sums of bytes over rows, which the compiler turns into vectors.

use std::ops::{AddAssign, SubAssign};

use super::super::Footprint;
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
use super::piece::{Piece, STRIDE, WIDTH};
use super::room::{Asked, CountRoom, Discs};

/// WindowCounts for one window, with the room that it needs.
pub struct WindowCounts {
    /// How many voxels of a window must reach a code for its result to do so.
    need: u16,
    count: u32,
    discs: Option<Discs>,
    room: CountRoom,
    #[cfg(target_arch = "x86_64")]
    avx2: Option<Avx2>,
}

/// A number that holds some counts.
trait Sum: Copy + Default + AddAssign + SubAssign + Ord + From<u8> + TryFrom<u16> + Into<u16> {}
impl Sum for u8 {}
impl Sum for u16 {}

impl WindowCounts {
    /// `portable` leaves AVX2 out, though there may be some.
    pub fn new(window: &Footprint, rank: u32, portable: bool) -> Self {
        let slice =
            |k: u32| window.rows().iter().filter(|row| row.dz == k as i32).map(|row| (row.dy, row.half as usize)).collect();
        let slices: Vec<Vec<(i32, usize)>> = (0..=window.reach()[2]).map(slice).collect();
        let most = slices.iter().map(|s| s.iter().map(|(_, half)| 2 * half + 1).sum()).max().unwrap_or(0);
        Self {
            // At most 21³ voxels.
            need: (window.count() - rank) as u16,
            count: window.count(),
            discs: (!window.is_box()).then_some(Discs { slices, most }),
            room: CountRoom::default(),
            #[cfg(target_arch = "x86_64")]
            avx2: if portable { None } else { Avx2::detect() },
        }
    }

    /// From now on says of so many rows how many voxels reach what their results were raised to.
    pub fn keep(&mut self, rows: usize) {
        self.room.reached.resize(rows, [0; WIDTH]);
    }

    /// The number of voxels that reach what a result was raised to.
    pub fn reached(&self, row: usize, x: usize) -> u32 {
        self.room.reached[row][x].into()
    }

    pub fn is_box(&self) -> bool {
        self.discs.is_none()
    }

    /// Raises to `code` what of `low` is less and has results of at least `code`, row by row. Gives how many there are of the latter, all lanes counted.
    pub fn raise(&mut self, block: &Piece, codes: &[[u16; STRIDE]], code: u16, low: &mut [[u16; WIDTH]]) -> u32 {
        let codes = &codes[..block.rows().iter().product()];
        let target = Asked { need: self.need, code };
        let room = &mut self.room;
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = self.avx2 {
            return match &self.discs {
                None => avx2.boxes(block, codes, target, room, low),
                Some(discs) => avx2.balls(block, codes, target, discs, room, low),
            };
        }
        let CountRoom { masks, runs, bytes, words, reached } = room;
        let low = &mut Raised { low, reached };
        let side = |axis: usize| 2 * block.reach[axis] + 1;
        match &self.discs {
            None => match (side(0) * side(1), self.count) {
                (_, ..256) => boxes::<u8, u8>(block, codes, &target, masks, runs, bytes, low),
                (..256, _) => boxes::<u8, u16>(block, codes, &target, masks, runs, bytes, low),
                _ => boxes::<u16, u16>(block, codes, &target, masks, runs, words, low),
            },
            Some(discs) => match discs.most {
                ..256 => balls::<u8>(block, codes, &target, discs, masks, runs, bytes, low),
                _ => balls::<u16>(block, codes, &target, discs, masks, runs, words, low),
            },
        }
    }
}

impl Asked {
    /// Which voxels of the rows of one slice have it: 1, else 0.
    #[inline(always)]
    fn masks(&self, codes: &[[u16; STRIDE]], masks: &mut [[u8; STRIDE]]) {
        for (mask, row) in masks.iter_mut().zip(codes) {
            for (m, code) in mask.iter_mut().zip(row) {
                *m = u8::from(*code >= self.code);
            }
        }
    }

    /// Takes the counts of a row of windows.
    #[inline(always)]
    fn take<Z: Sum>(&self, sums: &[Z; WIDTH], results: &mut Raised<'_>, row: usize, hits: &mut [u16; WIDTH]) {
        // A count that needs more than Z holds never gets there; there is none, as `need` is at most the count of the window.
        let Ok(need) = Z::try_from(self.need) else { return };
        let (low, reached) = (&mut results.low[row], results.reached.get_mut(row));
        if let Some(reached) = reached {
            for i in 0..WIDTH {
                reached[i] = if sums[i] >= need && low[i] < self.code { sums[i].into() } else { reached[i] };
            }
        }
        for i in 0..WIDTH {
            let hit = sums[i] >= need;
            hits[i] += u16::from(hit);
            low[i] = low[i].max(if hit { self.code } else { 0 });
        }
    }
}

/// What counts are for.
struct Raised<'a> {
    low: &'a mut [[u16; WIDTH]],
    reached: &'a mut [[u16; WIDTH]],
}

#[inline(always)]
fn total(hits: &[u16; WIDTH]) -> u32 {
    hits.iter().map(|h| u32::from(*h)).sum()
}

#[inline(always)]
fn add<A: Sum + From<B>, B: Sum>(to: &mut [A; WIDTH], from: &[B; WIDTH]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a += A::from(*b));
}

#[inline(always)]
fn subtract<A: Sum + From<B>, B: Sum>(to: &mut [A; WIDTH], from: &[B; WIDTH]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a -= A::from(*b));
}

#[inline(always)]
fn lanes(row: &[u8; STRIDE], from: usize) -> &[u8; WIDTH] {
    row[from..].first_chunk().expect("a row with its halo is no longer than the stride")
}

/// Sums along x of each row, then running sums along y and along z.
fn boxes<Y, Z>(
    block: &Piece,
    codes: &[[u16; STRIDE]],
    target: &Asked,
    masks: &mut Vec<[u8; STRIDE]>,
    runs: &mut Vec<[u8; WIDTH]>,
    sums: &mut Vec<[Y; WIDTH]>,
    low: &mut Raised<'_>,
) -> u32
where
    Y: Sum,
    Z: Sum + From<Y>,
{
    let ([high, deep], [_, rows, slices]) = (block.rows(), block.size);
    let [wide, tall, thick] = block.reach.map(|r| 2 * r + 1);
    masks.resize(high, [0; STRIDE]);
    runs.resize(high, [0; WIDTH]);
    sums.resize(deep * rows, [Y::default(); WIDTH]);
    for (slice, sums) in codes.chunks_exact(high).zip(sums.chunks_exact_mut(rows)) {
        target.masks(slice, masks);
        for (run, mask) in runs.iter_mut().zip(masks.iter()) {
            let mut sum = *lanes(mask, 0);
            (1..wide).for_each(|dx| add(&mut sum, lanes(mask, dx)));
            *run = sum;
        }
        let mut sum = [Y::default(); WIDTH];
        runs[..tall].iter().for_each(|run| add(&mut sum, run));
        sums[0] = sum;
        for y in 1..rows {
            subtract(&mut sum, &runs[y - 1]);
            add(&mut sum, &runs[y - 1 + tall]);
            sums[y] = sum;
        }
    }
    let mut hits = [0; WIDTH];
    for y in 0..rows {
        let mut sum = [Z::default(); WIDTH];
        (0..thick).for_each(|z| add(&mut sum, &sums[z * rows + y]));
        target.take(&sum, low, y, &mut hits);
        for z in 1..slices {
            subtract(&mut sum, &sums[(z - 1) * rows + y]);
            add(&mut sum, &sums[(z - 1 + thick) * rows + y]);
            target.take(&sum, low, z * rows + y, &mut hits);
        }
    }
    total(&hits)
}

/// For each slice the sums of all discs that the window has, then of a disc from each of its slices.
#[expect(clippy::too_many_arguments, reason = "the room is borrowed part by part")]
fn balls<Y>(
    block: &Piece,
    codes: &[[u16; STRIDE]],
    target: &Asked,
    discs: &Discs,
    masks: &mut Vec<[u8; STRIDE]>,
    runs: &mut Vec<[u8; WIDTH]>,
    sums: &mut Vec<[Y; WIDTH]>,
    low: &mut Raised<'_>,
) -> u32
where
    Y: Sum,
    u16: From<Y>,
{
    let ([high, deep], [_, rows, slices]) = (block.rows(), block.size);
    let [across, up, kinds] = [block.reach[0], block.reach[1], discs.slices.len()];
    masks.resize(high, [0; STRIDE]);
    runs.resize(high * (across + 1), [0; WIDTH]);
    sums.resize(deep * kinds * rows, [Y::default(); WIDTH]);
    for (slice, sums) in codes.chunks_exact(high).zip(sums.chunks_exact_mut(kinds * rows)) {
        target.masks(slice, masks);
        // Number `half` of each row goes so far to both sides.
        for (run, mask) in runs.chunks_exact_mut(across + 1).zip(masks.iter()) {
            let mut sum = *lanes(mask, across);
            run[0] = sum;
            for (half, run) in run.iter_mut().enumerate().skip(1) {
                add(&mut sum, lanes(mask, across - half));
                add(&mut sum, lanes(mask, across + half));
                *run = sum;
            }
        }
        for (disc, sums) in discs.slices.iter().zip(sums.chunks_exact_mut(rows)) {
            for (y, to) in sums.iter_mut().enumerate() {
                let mut sum = [Y::default(); WIDTH];
                for (dy, half) in disc {
                    add(&mut sum, &runs[(y + up).wrapping_add_signed(*dy as isize) * (across + 1) + half]);
                }
                *to = sum;
            }
        }
    }
    let mut hits = [0; WIDTH];
    for z in 0..slices {
        for y in 0..rows {
            let mut sum = [0u16; WIDTH];
            let middle = z + kinds - 1;
            for kind in 0..kinds {
                add(&mut sum, &sums[((middle - kind) * kinds + kind) * rows + y]);
                if kind > 0 {
                    add(&mut sum, &sums[((middle + kind) * kinds + kind) * rows + y]);
                }
            }
            target.take(&sum, low, z * rows + y, &mut hits);
        }
    }
    total(&hits)
}
