//! The voxels of a block as codes of 16 bits in the order of their keys.

use super::counts::WindowCounts;
use super::piece::{Piece, STRIDE, WIDTH};

/// Keys of the types in which voxels are stored.
pub trait SortKey: Copy + Ord + Default + Into<u64> + std::ops::Not<Output = Self> {
    /// Whether keys can be codes.
    const SHORT: bool;

    /// Keys beside each other.
    #[cfg(target_arch = "x86_64")]
    type Vector: super::lanes::KeyLanes<Key = Self>;

    fn from_u64(key: u64) -> Self;

    /// Keys as codes, if they are short; `room` is for those of 8 bits.
    fn short<'a>(keys: &'a [[Self; STRIDE]], room: &'a mut Vec<[u16; STRIDE]>) -> &'a [[u16; STRIDE]];
}

macro_rules! key {
    ($type:ty, $vector:ident, $short:literal, $keys:ident, $room:ident => $codes:expr) => {
        impl SortKey for $type {
            const SHORT: bool = $short;

            #[cfg(target_arch = "x86_64")]
            type Vector = super::lanes::$vector;

            #[inline(always)]
            fn from_u64(key: u64) -> Self {
                key as Self
            }

            #[inline(always)]
            fn short<'a>($keys: &'a [[Self; STRIDE]], $room: &'a mut Vec<[u16; STRIDE]>) -> &'a [[u16; STRIDE]] {
                $codes
            }
        }
    };
}

key!(u8, Bytes, true, keys, room => {
    room.resize(keys.len(), [0; STRIDE]);
    room.iter_mut().zip(keys).for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(to, from)| *to = u16::from(*from)));
    room
});
key!(u16, Shorts, true, keys, _room => keys);
key!(u32, Ints, false, _keys, room => room);
key!(u64, Longs, false, _keys, room => room);

/// Where few enough keys are sorted at once.
const FEW: usize = 3 << 10;

/// Codes of long keys: 0 is less than all results and the last code greater; between them each different key has its own.
pub struct Dense<K> {
    /// The key of each code, from code 1 on.
    pub table: Vec<K>,
    /// For each code the number of its first place, code 0 left out; one more for the end.
    pub starts: Vec<u32>,
    /// Places in the order of their codes: x, y and z with the halo, in bytes from the lowest on; then some that are nowhere.
    pub places: Vec<u32>,
    pairs: Vec<(K, u32)>,
    /// Least and greatest result of the block before.
    guess: Option<(u64, u64)>,
}

impl<K: SortKey> Dense<K> {
    pub fn new() -> Self {
        Self { table: Vec::new(), starts: Vec::new(), places: Vec::new(), pairs: Vec::new(), guess: None }
    }

    /// Says which results the last block had, so that the next can begin near them.
    pub fn found(&mut self, least: K, most: K) {
        self.guess = Some((least.into(), most.into()));
    }

    /// Finds codes for the keys of a block. `low` is room for as many rows as it has results.
    pub fn encode(
        &mut self,
        block: &Piece,
        keys: &[[K; STRIDE]],
        counts: &mut WindowCounts,
        low: &mut [[u16; WIDTH]],
        codes: &mut Vec<[u16; STRIDE]>,
    ) {
        codes.resize(keys.len(), [0; STRIDE]);
        counts.keep(0);
        let (least, most) = self.narrow(block, keys, counts, low, codes);
        let (least, most) = (K::from_u64(least), K::from_u64(most));
        // The keys that can be results, in order: each different one is a code.
        self.pairs.clear();
        let (width, [high, _]) = (block.width(), block.rows());
        for (i, row) in keys[..keys.len() - 1].iter().enumerate() {
            let first = ((i / high) << 16 | (i % high) << 8) as u32;
            let inside = row[..width].iter().zip(first..).filter(|(key, _)| (least..=most).contains(*key));
            self.pairs.extend(inside.map(|(key, place)| (*key, place)));
        }
        self.pairs.sort_unstable_by_key(|pair| pair.0);
        for (row, key) in codes.iter_mut().zip(keys) {
            row.iter_mut().zip(key).for_each(|(code, key)| *code = if *key > most { u16::MAX } else { 0 });
        }
        let flat = codes.as_flattened_mut();
        self.table.clear();
        self.starts.clear();
        self.places.clear();
        for (i, (key, place)) in self.pairs.iter().enumerate() {
            if self.table.last() != Some(key) {
                self.table.push(*key);
                self.starts.push(i as u32);
            }
            let [x, y, z, _] = place.to_le_bytes().map(usize::from);
            flat[(z * high + y) * STRIDE + x] = self.table.len() as u16;
            self.places.push(*place);
        }
        self.starts.push(self.places.len() as u32);
        self.places.extend([u32::MAX; 8]);
        // What fills up a row is as its last voxel.
        for row in codes.iter_mut() {
            let last = row[width - 1];
            row[width..].fill(last);
        }
    }

    /// Keys between which all results lie: those of the block before if they will do, then less and less by coarse codes.
    fn narrow(
        &self,
        block: &Piece,
        keys: &[[K; STRIDE]],
        counts: &mut WindowCounts,
        low: &mut [[u16; WIDTH]],
        codes: &mut [[u16; STRIDE]],
    ) -> (u64, u64) {
        let keys = &keys[..keys.len() - 1];
        let all = (low.len() * WIDTH) as u32;
        let ends = keys.as_flattened().iter().fold((u64::MAX, 0), |(a, b), key| (a.min((*key).into()), b.max((*key).into())));
        let mut span = ends;
        if let Some((least, most)) = self.guess {
            let margin = (most - least) / 4;
            let guess = (least.saturating_sub(margin).max(ends.0), most.saturating_add(margin).min(ends.1));
            if guess.0 <= guess.1 {
                coarse(keys, guess, codes);
                if counts.raise(block, codes, 1, low) == all && counts.raise(block, codes, u16::MAX, low) == 0 {
                    span = guess;
                }
            }
        }
        let inside = |(least, most): (u64, u64)| {
            let (least, most) = (K::from_u64(least), K::from_u64(most));
            keys.iter().map(|row| row.iter().filter(|key| (least..=most).contains(key)).count()).sum::<usize>()
        };
        let mut count = inside(span);
        // Codes of floats that lie on both sides of 0 have few bits for each power of two: the second round has more.
        for _ in 0..4 {
            if count <= FEW {
                break;
            }
            let shift = coarse(keys, span, codes);
            let (first, last) = results(block, codes, counts, all, low);
            let (from, to) = ((u64::from(first) - 1) << shift, ((u64::from(last) - 1) << shift) + ((1 << shift) - 1));
            span = (span.0 + from, span.1.min(span.0.saturating_add(to)));
            let less = inside(span);
            if shift == 0 || less * 4 > count * 3 {
                break;
            }
            count = less;
        }
        span
    }
}

/// Codes from 1 on for keys from the least to the most, each for as many keys as it must be; 0 below, the last code above. Gives the bits that a code leaves out.
fn coarse<K: SortKey>(keys: &[[K; STRIDE]], (least, most): (u64, u64), codes: &mut [[u16; STRIDE]]) -> u32 {
    // One bit less than there are, so that codes for below and above are left.
    let shift = (u64::BITS - (most - least).leading_zeros()).saturating_sub(15);
    for (row, keys) in codes.iter_mut().zip(keys) {
        for (code, key) in row.iter_mut().zip(keys) {
            let key: u64 = (*key).into();
            let inside = ((key.wrapping_sub(least) >> shift) as u16).wrapping_add(1);
            *code = if key < least {
                0
            } else if key > most {
                u16::MAX
            } else {
                inside
            };
        }
    }
    shift
}

/// The first and the last code that are results.
fn results(block: &Piece, codes: &[[u16; STRIDE]], counts: &mut WindowCounts, all: u32, low: &mut [[u16; WIDTH]]) -> (u16, u16) {
    // Codes that all results reach, that some do and that none does.
    let (mut all_reach, mut not_all, mut some_reach, mut none) = (1u32, 1 << 16, 1u32, (1 << 15) + 1u32);
    while not_all - all_reach > 1 || none - some_reach > 1 {
        let middle = if not_all - all_reach > 1 && not_all.min(none) > all_reach + 1 {
            all_reach.midpoint(not_all.min(none))
        } else {
            some_reach.midpoint(none)
        };
        let reach = counts.raise(block, codes, middle as u16, low);
        if reach == all {
            all_reach = all_reach.max(middle);
        } else {
            not_all = not_all.min(middle);
        }
        if reach > 0 {
            some_reach = some_reach.max(middle);
        } else {
            none = none.min(middle);
        }
        if not_all > none {
            not_all = none;
        }
    }
    (all_reach as u16, some_reach as u16)
}
