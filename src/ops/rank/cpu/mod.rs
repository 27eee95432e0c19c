//! Ranks on one thread of the CPU.
//!
//! A result is at least `v` if enough voxels of its window are. For one `v` that is a count of ones in a box, which running sums give for 32 windows
//! at once whatever their size; so a block of results is found by asking for the values that can be results, and only for these. Results of a block are much
//! alike: that of a homogeneous place takes a handful of values. Where they are not, those that are few between two values are looked up one by one.
//! The smallest boxes are sorted instead, in vectors.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod codes;
mod counts;
mod extremes;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod look;
#[cfg(target_arch = "x86_64")]
mod network;
mod pick;
mod piece;
mod room;
mod search;
#[cfg(target_arch = "x86_64")]
mod vector;

use std::ops::Range;

use self::codes::{Dense, SortKey};
use self::piece::{Piece, STRIDE};
use self::search::Search;
use super::Footprint;
use crate::volume::{Dtype, keys};

/// Writes the value of number `rank`, counted from 0, of the ascending window around each voxel of `inner`, ranges of x, y and z, to `out`, little-endian.
/// `tile` holds the voxels of `shape`, x fastest.
///
/// # Panics
/// If `inner` is not inside of `shape`, `tile` or `out` has another length, or the window has no such rank.
pub fn cpu(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    window: &Footprint,
    rank: u32,
    out: &mut [u8],
) {
    Ranking { tile, shape, inner, window, rank, portable: false }.dispatch(dtype, out);
}

/// The same without AVX2.
#[cfg(test)]
pub(super) fn cpu_portable(
    dtype: Dtype,
    tile: &[u8],
    shape: [usize; 3],
    inner: &[Range<usize>; 3],
    window: &Footprint,
    rank: u32,
    out: &mut [u8],
) {
    Ranking { tile, shape, inner, window, rank, portable: true }.dispatch(dtype, out);
}

/// Codes that are further apart than this are found by their places: in boxes that cut many rows earlier, never those of 8 bits.
const SPARSE: u16 = 1 << 13;
const LESS_SPARSE: u16 = 1 << 9;
const MANY_ROWS: usize = 300;

fn ends(codes: &[[u16; STRIDE]]) -> (u16, u16) {
    codes.as_flattened().iter().fold((u16::MAX, 0), |(a, b), code| (a.min(*code), b.max(*code)))
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Ranking<'a> {
    tile: &'a [u8],
    shape: [usize; 3],
    inner: &'a [Range<usize>; 3],
    window: &'a Footprint,
    rank: u32,
    portable: bool,
}

impl Ranking<'_> {
    fn dispatch(&self, dtype: Dtype, out: &mut [u8]) {
        let Self { tile, shape, inner, window, rank, .. } = self;
        let size: usize = inner.iter().map(ExactSizeIterator::len).product();
        assert!((0..3).all(|a| inner[a].end <= shape[a]), "{inner:?} of {shape:?}");
        assert_eq!(tile.len(), shape.iter().product::<usize>() * dtype.bytes(), "a tile of another length");
        assert_eq!(out.len(), size * dtype.bytes(), "an output of another length");
        assert!(*rank < window.count(), "rank {rank} of {} voxels", window.count());
        if size == 0 {
            return;
        }
        // Signed and unsigned go alike: their keys only differ in a bit.
        let sign = keys::sign_bit(dtype);
        match dtype.bytes() {
            1 => self.run(out, |b: [u8; 1]| b[0] ^ sign as u8, |k| [k ^ sign as u8], None),
            2 => self.run(out, |b| u16::from_le_bytes(b) ^ sign as u16, |k| (k ^ sign as u16).to_le_bytes(), None),
            4 => {
                let (first, last) = keys::numbers(dtype);
                let load = |bytes| keys::key(dtype, u64::from(u32::from_le_bytes(bytes))) as u32;
                let store = |key: u32| (keys::stored(dtype, u64::from(key)) as u32).to_le_bytes();
                self.run(out, load, store, Some((first as u32, last as u32)));
            }
            _ => {
                let load = |bytes| keys::key(dtype, u64::from_le_bytes(bytes));
                let store = |key: u64| keys::stored(dtype, key).to_le_bytes();
                self.run(out, load, store, Some(keys::numbers(dtype)));
            }
        }
    }

    /// `numbers` are the first and the last key that is not NaN, where a type may have one.
    fn run<K: SortKey, const BYTES: usize>(
        &self,
        out: &mut [u8],
        load: impl Fn([u8; BYTES]) -> K + Copy,
        store: impl Fn(K) -> [u8; BYTES] + Copy,
        numbers: Option<(K, K)>,
    ) {
        let voxels: &[[u8; BYTES]] = self.tile.as_chunks().0;
        let out: &mut [[u8; BYTES]] = out.as_chunks_mut().0;
        if self.rank == 0 {
            self.extremes(voxels, out, load, |key, to| *to = store(key));
        } else if self.rank + 1 == self.window.count() {
            self.extremes(voxels, out, |bytes| !load(bytes), |key, to| *to = store(!key));
        } else if !self.network(voxels, out, load, store) {
            self.search(voxels, out, load, store);
        }
        // Windows that hold a NaN get it: the greatest key if it is one, else the least.
        let Some((first, last)) = numbers else { return };
        let (least, most) = voxels.iter().map(|bytes| load(*bytes)).fold((last, first), |(a, b), key| (a.min(key), b.max(key)));
        if least < first {
            self.extremes(voxels, out, load, |key, to| *to = if key < first { store(key) } else { *to });
        }
        if most > last {
            self.extremes(voxels, out, |bytes| !load(bytes), |key, to| *to = if !key > last { store(!key) } else { *to });
        }
    }

    /// Hands the least key of each window to `put`.
    fn extremes<K: SortKey, const BYTES: usize>(
        &self,
        voxels: &[[u8; BYTES]],
        out: &mut [[u8; BYTES]],
        load: impl Fn([u8; BYTES]) -> K,
        put: impl Fn(K, &mut [u8; BYTES]),
    ) {
        let store = |at: usize, row: &[K]| out[at..].iter_mut().zip(row).for_each(|(to, key)| put(*key, to));
        extremes::minima(self.portable, voxels, self.shape, self.inner, self.window, load, store);
    }

    /// Sorts windows that are small enough for it, if the CPU can; gives whether it did.
    fn network<K: SortKey, const BYTES: usize>(
        &self,
        voxels: &[[u8; BYTES]],
        out: &mut [[u8; BYTES]],
        load: impl Fn([u8; BYTES]) -> K,
        store: impl Fn(K) -> [u8; BYTES],
    ) -> bool {
        #[cfg(target_arch = "x86_64")]
        if !self.portable && self.window.is_sorted() && std::arch::is_x86_feature_detected!("avx2") {
            let put = |at: usize, row: &[K]| out[at..].iter_mut().zip(row).for_each(|(to, key)| *to = store(*key));
            // SAFETY: the CPU has AVX2, as was asked above.
            unsafe { network::ranks(voxels, self.shape, self.inner, (self.window, self.rank as usize), load, put) };
            return true;
        }
        false
    }

    fn search<K: SortKey, const BYTES: usize>(
        &self,
        voxels: &[[u8; BYTES]],
        out: &mut [[u8; BYTES]],
        load: impl Fn([u8; BYTES]) -> K + Copy,
        store: impl Fn(K) -> [u8; BYTES],
    ) {
        let mut search = Search::new(self.window, self.rank, self.portable);
        let (mut keys, mut room, mut dense) = (Vec::<[K; STRIDE]>::new(), Vec::new(), Dense::new());
        let [across, rows, _] = self.inner.each_ref().map(ExactSizeIterator::len);
        let many_rows = self.window.is_box() && self.window.rows().len() > MANY_ROWS;
        for block in Piece::all(self.inner, self.window) {
            block.gather(voxels, self.shape, load, &mut keys);
            let short = K::SHORT.then(|| K::short(&keys, &mut room)).map(|codes| (codes, ends(&codes[..codes.len() - 1])));
            // Few voxels of a block have the same code, where there are many: looking at these is less work than looking at windows.
            let sparse = short.is_none_or(|(_, (first, last))| last - first > if many_rows { LESS_SPARSE } else { SPARSE });
            let codes = match short {
                Some((codes, ends)) if !sparse => {
                    search.run(&block, codes, ends, None);
                    codes
                }
                _ => {
                    search.room(&block);
                    dense.encode(&block, &keys, &mut search.counts, &mut search.low, &mut room);
                    search.run(&block, &room, (1, dense.table.len() as u16), Some(&dense.starts));
                    &room[..]
                }
            };
            let (mut least, mut most) = (K::from_u64(u64::MAX), K::default());
            for z in 0..block.size[2] {
                for y in 0..block.size[1] {
                    let [row, slice] = [block.origin[1] + y - self.inner[1].start, block.origin[2] + z - self.inner[2].start];
                    let at = (slice * rows + row) * across + block.origin[0] - self.inner[0].start;
                    let low = &search.low[z * block.size[1] + y];
                    for (x, (to, first)) in out[at..][..block.size[0]].iter_mut().zip(low).enumerate() {
                        let last = search.last(*first);
                        let key = if !sparse {
                            let code =
                                if *first == last { last } else { search.pick.at(&block, [x, y, z], codes, (*first, last)) };
                            K::from_u64(code.into())
                        } else if *first == last {
                            dense.table[usize::from(*first) - 1]
                        } else {
                            let [start, end] = [usize::from(*first) - 1, usize::from(last)].map(|i| dense.starts[i] as usize);
                            let below = self.window.count() - search.counts.reached(z * block.size[1] + y, x);
                            let at = start
                                + search.pick.place(&block, [x, y, z], &dense.places[start..], end - start, self.rank - below);
                            let [x, y, z, _] = dense.places[at].to_le_bytes().map(usize::from);
                            keys[z * block.rows()[0] + y][x]
                        };
                        (least, most) = (least.min(key), most.max(key));
                        *to = store(key);
                    }
                }
            }
            if sparse {
                dense.found(least, most);
            }
        }
    }
}
