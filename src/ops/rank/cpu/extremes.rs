//! Minima of windows; maxima are those of the keys turned over.

use std::ops::Range;

use super::super::Footprint;

/// Results above and behind each other that are worked on at a time, and bytes of those beside each other: what lies between the axes stays in the second cache.
const SIZE: [usize; 3] = [256, 32, 32];

/// The room that a filter needs.
struct MinimaRoom<T> {
    /// A slice with its halo.
    rows: Vec<T>,
    /// The same with the minima of runs; for balls, of each length.
    runs: Vec<T>,
    /// Minima along x and y of all slices, or what was found so far.
    slices: Vec<T>,
}

/// Hands the least key of each window to `put`, row by row with its place in the output: `load` gives the key of a voxel. `portable` leaves AVX2 out, though
/// there may be some.
pub fn minima<T: Copy + Ord + Default, const BYTES: usize>(
    portable: bool,
    voxels: &[[u8; BYTES]],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    window: &Footprint,
    load: impl Fn([u8; BYTES]) -> T,
    put: impl FnMut(usize, &[T]),
) {
    #[cfg(target_arch = "x86_64")]
    if !portable && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
        return unsafe { minima_avx2(voxels, shape, inner, window, load, put) };
    }
    minima_portable(voxels, shape, inner, window, load, put);
}

/// The same code; with AVX2 vectors are twice as wide and know minima of all types but those of 64 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn minima_avx2<T: Copy + Ord + Default, const BYTES: usize>(
    voxels: &[[u8; BYTES]],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    window: &Footprint,
    load: impl Fn([u8; BYTES]) -> T,
    put: impl FnMut(usize, &[T]),
) {
    minima_portable(voxels, shape, inner, window, load, put);
}

#[inline(always)]
fn minima_portable<T: Copy + Ord + Default, const BYTES: usize>(
    voxels: &[[u8; BYTES]],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    window: &Footprint,
    load: impl Fn([u8; BYTES]) -> T,
    mut put: impl FnMut(usize, &[T]),
) {
    let mut room = MinimaRoom { rows: Vec::new(), runs: Vec::new(), slices: Vec::new() };
    let [_, rows, _] = inner.each_ref().map(ExactSizeIterator::len);
    let across = inner[0].len();
    let part = |range: &Range<usize>, at: usize, size: usize| at..(at + size).min(range.end);
    for z in inner[2].clone().step_by(SIZE[2]) {
        for y in inner[1].clone().step_by(SIZE[1]) {
            for x in inner[0].clone().step_by(SIZE[0] / size_of::<T>()) {
                let block =
                    [part(&inner[0], x, SIZE[0] / size_of::<T>()), part(&inner[1], y, SIZE[1]), part(&inner[2], z, SIZE[2])];
                let [wide, high, deep] = block.each_ref().map(ExactSizeIterator::len);
                if window.is_box() {
                    room.boxes(voxels, shape, &block, window, &load);
                } else {
                    room.balls(voxels, shape, &block, window, &load);
                }
                for (i, row) in room.slices.chunks_exact(wide).take(high * deep).enumerate() {
                    let [y, z] = [y + i % high - inner[1].start, z + i / high - inner[2].start];
                    put((z * rows + y) * across + x - inner[0].start, row);
                }
            }
        }
    }
}

impl<T: Copy + Ord + Default> MinimaRoom<T> {
    /// Reads a slice of the block with its halo along x and y, `slice` counted from the first of the halo.
    #[inline(always)]
    fn read<const BYTES: usize>(
        &mut self,
        voxels: &[[u8; BYTES]],
        shape: [usize; 3],
        block: &[Range<usize>; 3],
        reach: [usize; 3],
        slice: usize,
        load: &impl Fn([u8; BYTES]) -> T,
    ) {
        let near = |axis: usize, at: usize| (block[axis].start + at).saturating_sub(reach[axis]).min(shape[axis] - 1);
        let [width, high] = [0, 1].map(|a| block[a].len() + 2 * reach[a]);
        self.rows.resize(width * high, T::default());
        let before = reach[0].saturating_sub(block[0].start);
        let first = near(0, 0);
        let count = (width - before).min(shape[0] - first);
        for (y, row) in self.rows.chunks_exact_mut(width).enumerate() {
            let from = &voxels[(near(2, slice) * shape[1] + near(1, y)) * shape[0]..][first..first + count];
            row[before..before + count].iter_mut().zip(from).for_each(|(value, bytes)| *value = load(*bytes));
            let (left, right) = (row[before], row[before + count - 1]);
            row[..before].fill(left);
            row[before + count..].fill(right);
        }
    }

    /// Along x, y and z one after another, by doubling: minima of 2, 4, 8... voxels, and of two such runs that cover the window.
    #[inline(always)]
    fn boxes<const BYTES: usize>(
        &mut self,
        voxels: &[[u8; BYTES]],
        shape: [usize; 3],
        block: &[Range<usize>; 3],
        window: &Footprint,
        load: &impl Fn([u8; BYTES]) -> T,
    ) {
        let reach = window.reach().map(|r| r as usize);
        let [wide, high, deep] = block.each_ref().map(ExactSizeIterator::len);
        let width = wide + 2 * reach[0];
        let rows = high + 2 * reach[1];
        self.runs.resize(wide * rows, T::default());
        self.slices.resize(wide * high * (deep + 2 * reach[2]), T::default());
        let mut spare = vec![T::default(); width];
        for slice in 0..deep + 2 * reach[2] {
            self.read(voxels, shape, block, reach, slice, load);
            for (row, run) in self.rows.chunks_exact_mut(width).zip(self.runs.chunks_exact_mut(wide)) {
                run.copy_from_slice(&along_x(row, &mut spare, 2 * reach[0] + 1)[..wide]);
            }
            double(&mut self.runs, wide, 2 * reach[1] + 1);
            self.slices[slice * wide * high..][..wide * high].copy_from_slice(&self.runs[..wide * high]);
        }
        double(&mut self.slices, wide * high, 2 * reach[2] + 1);
    }

    /// Minima of the runs of each row, of the discs that these make up, and of a disc from each slice.
    #[inline(always)]
    fn balls<const BYTES: usize>(
        &mut self,
        voxels: &[[u8; BYTES]],
        shape: [usize; 3],
        block: &[Range<usize>; 3],
        window: &Footprint,
        load: &impl Fn([u8; BYTES]) -> T,
    ) {
        let reach = window.reach().map(|r| r as usize);
        let [wide, high, deep] = block.each_ref().map(ExactSizeIterator::len);
        let width = wide + 2 * reach[0];
        let rows = high + 2 * reach[1];
        let size = wide * high;
        self.slices.resize(size * deep, T::default());
        let mut disc = vec![T::default(); wide];
        for slice in 0..deep + 2 * reach[2] {
            self.read(voxels, shape, block, reach, slice, load);
            // Runs of all lengths lie behind each other, each for the whole slice.
            self.runs.resize(wide * rows * (reach[0] + 1), T::default());
            for (y, row) in self.rows.chunks_exact(width).enumerate() {
                self.runs[y * wide..][..wide].copy_from_slice(&row[reach[0]..][..wide]);
                for half in 1..=reach[0] {
                    let (before, run) = self.runs[((half - 1) * rows + y) * wide..].split_at_mut(rows * wide);
                    let (left, right) = (&row[reach[0] - half..], &row[reach[0] + half..]);
                    for (((run, before), left), right) in run[..wide].iter_mut().zip(&before[..wide]).zip(left).zip(right) {
                        *run = (*before).min(*left).min(*right);
                    }
                }
            }
            for kind in 0..=reach[2] {
                // The results that see this slice so far from their own, on either side.
                let after = (slice + kind).checked_sub(reach[2]).filter(|_| kind > 0);
                let seen = [slice.checked_sub(reach[2] + kind), after].map(|z| z.filter(|z| *z < deep));
                if seen == [None; 2] {
                    continue;
                }
                for y in 0..high {
                    let mut first = true;
                    for row in window.rows().iter().filter(|row| row.dz == kind as i32) {
                        let run = &self.runs
                            [(row.half as usize * rows + (y + reach[1]).wrapping_add_signed(row.dy as isize)) * wide..][..wide];
                        if first {
                            disc.copy_from_slice(run);
                        } else {
                            lower(&mut disc, run);
                        }
                        first = false;
                    }
                    for z in seen.into_iter().flatten() {
                        let to = &mut self.slices[z * size + y * wide..][..wide];
                        if slice == z {
                            // The first slice that this result sees.
                            to.copy_from_slice(&disc);
                        } else {
                            lower(to, &disc);
                        }
                    }
                }
            }
        }
    }
}

/// By how much runs are shifted against themselves, one time after another, to make minima of runs of `length`.
fn shifts(length: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |covered| Some(covered * 2))
        .take_while(move |covered| *covered < length)
        .map(move |covered| covered.min(length - covered))
}

/// Makes each of the values, `step` apart, the least of itself and of those behind it that make a run of `length`. Those at the end are of no use then.
#[inline(always)]
fn double<T: Copy + Ord>(values: &mut [T], step: usize, length: usize) {
    for distance in shifts(length).map(|shift| shift * step) {
        // Ascending: what lies ahead is not yet changed.
        for start in (0..values.len().saturating_sub(distance)).step_by(distance) {
            let (to, from) = values[start..].split_at_mut(distance);
            lower(to, from);
        }
    }
}

/// The same for a row, whose runs are too short for vectors if it is changed in place.
#[inline(always)]
fn along_x<'a, T: Copy + Ord>(mut row: &'a mut [T], mut spare: &'a mut [T], length: usize) -> &'a [T] {
    for shift in shifts(length) {
        spare.iter_mut().zip(row.iter().zip(&row[shift..])).for_each(|(to, (a, b))| *to = (*a).min(*b));
        std::mem::swap(&mut row, &mut spare);
    }
    row
}

#[inline(always)]
fn lower<T: Copy + Ord>(to: &mut [T], from: &[T]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a = (*a).min(*b));
}
