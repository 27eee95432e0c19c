//! Windows of 3 x 3 and 3 x 3 x 3 voxels, sorted by networks of minima and maxima, as many windows at once as a vector has keys.
//!
//! What windows have in common is sorted once: the three voxels above each other for three windows beside each other, the nine of a slice for three
//! windows behind each other, and two slices, 18 voxels, for two. The value of a rank among these and the nine of one more slice takes no further sorting: it is the least
//! of the greater ones of each way to take so many from both. That is about 90 minima and maxima for a vector of windows of 27.
//! The networks are R. W. Floyd's of 9 (Knuth, The Art of Computer Programming 3, section 5.3.4) and K. E. Batcher's merge by odd and even places.

use std::ops::Range;

use super::super::Footprint;
use super::codes::SortKey;
use super::lanes::KeyLanes;

/// Results beside each other that are worked on at a time, and rows of them.
const WIDE: usize = 256;
const HIGH: usize = 8;

/// A row of them with its halo, and what the last vector reads and writes beyond.
const ROOM: usize = WIDE + 64;

/// A row of keys of each rank, from the least on.
type Nine<K> = [[K; ROOM]; 9];

/// What lies between voxels and results.
struct Room<K> {
    /// Voxels of a slice with their halo.
    rows: [[K; ROOM]; HIGH + 2],
    /// Three rows, sorted.
    threes: [[K; ROOM]; 3],
    /// The nine of a slice around each place; four slices take turns.
    nines: Vec<[Nine<K>; HIGH]>,
    results: [[K; ROOM]; 2],
}

/// Writes the value of number `rank` of each window.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn ranks<K: SortKey, const BYTES: usize>(
    voxels: &[[u8; BYTES]],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    (window, rank): (&Footprint, usize),
    load: impl Fn([u8; BYTES]) -> K,
    mut put: impl FnMut(usize, &[K]),
) {
    let flat = window.reach()[2] == 0;
    let [across, rows, _] = inner.each_ref().map(ExactSizeIterator::len);
    let row = [K::default(); ROOM];
    let mut room = Room { rows: [row; HIGH + 2], threes: [row; 3], nines: vec![[[row; 9]; HIGH]; 4], results: [row; 2] };
    for top in inner[1].clone().step_by(HIGH) {
        let high = HIGH.min(inner[1].end - top);
        for left in inner[0].clone().step_by(WIDE) {
            let wide = WIDE.min(inner[0].end - left);
            let nine = |room: &mut Room<K>, z: usize, slot: usize| {
                let slice = &voxels[z * shape[0] * shape[1]..][..shape[0] * shape[1]];
                gather(slice, shape, [left, top], [wide, high], &load, &mut room.rows);
                for y in 0..high {
                    let three = room.rows[y..].first_chunk().expect("two rows of halo");
                    // SAFETY: the CPU has AVX2, as the caller says.
                    unsafe { sort_nine::<K>(three, wide, &mut room.threes, &mut room.nines[slot][y]) };
                }
            };
            let at =
                |y: usize, z: usize| ((z - inner[2].start) * rows + top + y - inner[1].start) * across + left - inner[0].start;
            if flat {
                for z in inner[2].clone() {
                    nine(&mut room, z, 0);
                    (0..high).for_each(|y| put(at(y, z), &room.nines[0][y][rank][..wide]));
                }
                continue;
            }
            // Slot 0 is the slice before the first.
            let near = |i: usize| (inner[2].start + i).saturating_sub(1).min(shape[2] - 1);
            nine(&mut room, near(0), 0);
            nine(&mut room, near(1), 1);
            for z in inner[2].clone().step_by(2) {
                let i = z - inner[2].start;
                (i + 2..i + 4).for_each(|i| nine(&mut room, near(i), i % 4));
                for y in 0..high {
                    let Room { nines, results, .. } = &mut room;
                    let [before, a, b, after] = [i, i + 1, i + 2, i + 3].map(|i| &nines[i % 4][y]);
                    // SAFETY: the CPU has AVX2, as the caller says.
                    unsafe { pick_two::<K>([before, a, b, after], rank, wide, results) };
                    (z..inner[2].end).zip(&*results).for_each(|(z, row)| put(at(y, z), &row[..wide]));
                }
            }
        }
    }
}

/// Rows with one voxel more on all sides; beyond the ends of the slice its outermost voxels go on.
#[inline(always)]
fn gather<K: SortKey, const BYTES: usize>(
    slice: &[[u8; BYTES]],
    shape: [usize; 3],
    [left, top]: [usize; 2],
    [wide, high]: [usize; 2],
    load: impl Fn([u8; BYTES]) -> K,
    rows: &mut [[K; ROOM]],
) {
    for (i, row) in rows[..high + 2].iter_mut().enumerate() {
        let from = &slice[(top + i).saturating_sub(1).min(shape[1] - 1) * shape[0]..][..shape[0]];
        row[0] = load(from[left.saturating_sub(1)]);
        row[1..=wide].iter_mut().zip(&from[left..]).for_each(|(to, bytes)| *to = load(*bytes));
        row[wide + 1] = load(from[(left + wide).min(shape[0] - 1)]);
    }
}

/// Puts the lesser of each pair of places into the first.
macro_rules! network {
    ($v:ident: $($a:literal $b:literal),*) => {$( ($v[$a], $v[$b]) = $v[$a].sorted($v[$b]); )*};
}

/// Sorts the nine voxels around each place of the middle row.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn sort_nine<K: SortKey>(rows: &[[K; ROOM]; 3], wide: usize, threes: &mut [[K; ROOM]; 3], nine: &mut Nine<K>) {
    let lanes = size_of::<K::Vector>() / size_of::<K>();
    for x in (0..wide + 2).step_by(lanes) {
        // SAFETY: x is less than WIDE + 2, and a row has more than a vector of room after these; AVX2 is the caller's.
        unsafe {
            let mut v = rows.each_ref().map(|row| K::Vector::load(row.as_ptr().add(x)));
            network!(v: 0 1, 1 2, 0 1);
            v.iter().zip(&mut *threes).for_each(|(v, to)| v.store(to.as_mut_ptr().add(x)));
        }
    }
    for x in (0..wide).step_by(lanes) {
        // SAFETY: as above, two places further on.
        unsafe {
            let three = |dx: usize| threes.each_ref().map(|row| K::Vector::load(row.as_ptr().add(x + dx)));
            let [[a, b, c], [d, e, f], [g, h, i]] = [three(0), three(1), three(2)];
            let mut v = [a, b, c, d, e, f, g, h, i];
            network!(v: 2 5, 0 3, 1 4, 5 8, 3 6, 4 7, 2 5, 0 3, 1 4, 5 7, 2 6, 1 3, 4 6, 2 4, 5 6, 2 3);
            v.iter().zip(&mut *nine).for_each(|(v, to)| v.store(to.as_mut_ptr().add(x)));
        }
    }
}

/// The value of number `rank` of slices 0 to 2 and of slices 1 to 3.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn pick_two<K: SortKey>(slices: [&Nine<K>; 4], rank: usize, wide: usize, results: &mut [[K; ROOM]; 2]) {
    let lanes = size_of::<K::Vector>() / size_of::<K>();
    let [before, first, second, after] = slices;
    let [one, other] = results;
    // So many are taken from both together, at most nine from the nine and 18 from the two slices.
    let taken = rank + 1;
    let nines = taken.saturating_sub(18)..=taken.min(9);
    for x in (0..wide).step_by(lanes) {
        // SAFETY: x is less than WIDE, and a row has more than a vector of room after these; AVX2 is the caller's.
        unsafe {
            let load = |slice: &Nine<K>| slice.each_ref().map(|row| K::Vector::load(row.as_ptr().add(x)));
            let [[a, b, c, d, e, f, g, h, i], [j, k, l, m, n, o, p, q, r]] = [load(first), load(second)];
            let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r];
            network!(v: 0 9, 8 17, 8 9, 4 13, 4 8, 13 9, 2 11, 6 15, 6 11, 2 4, 6 8, 11 13, 15 9, 1 10, 5 14, 5 10, 3 12, 7 16, 7 12,
                3 5, 7 10, 12 14, 1 2, 3 4, 5 6, 7 8, 10 11, 12 13, 14 15, 16 9);
            let two = [
                v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[10], v[11], v[12], v[13], v[14], v[15], v[16], v[9],
                v[17],
            ];
            for (nine, to) in [(before, &mut *one), (after, &mut *other)] {
                let third = |i: usize| K::Vector::load(nine[i].as_ptr().add(x));
                let greatest = |from_nine: usize| match (from_nine, taken - from_nine) {
                    (0, from_two) => two[from_two - 1],
                    (from_nine, 0) => third(from_nine - 1),
                    (from_nine, from_two) => third(from_nine - 1).sorted(two[from_two - 1]).1,
                };
                let mut least = greatest(*nines.start());
                (nines.start() + 1..=*nines.end()).for_each(|i| least = least.sorted(greatest(i)).0);
                least.store(to.as_mut_ptr().add(x));
            }
        }
    }
}
