//! What [`counts`](super::counts) does, in vectors of 32 bytes: the compiler's own took ten times as long.

use std::arch::x86_64::*;

use super::piece::{Piece, STRIDE, WIDTH};
use super::room::{Asked, CountRoom, Discs};
use super::vector::{Words, load, part, store};

/// That the CPU has what this file needs: there is none otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        (std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt")).then_some(Self(()))
    }

    pub fn boxes(
        self,
        block: &Piece,
        codes: &[[u16; STRIDE]],
        target: Asked,
        room: &mut CountRoom,
        low: &mut [[u16; WIDTH]],
    ) -> u32 {
        // SAFETY: the CPU has both features, or `self` would not be.
        unsafe { boxes(block, codes, target, room, low) }
    }

    pub fn balls(
        self,
        block: &Piece,
        codes: &[[u16; STRIDE]],
        target: Asked,
        discs: &Discs,
        room: &mut CountRoom,
        low: &mut [[u16; WIDTH]],
    ) -> u32 {
        // SAFETY: the CPU has both features, or `self` would not be.
        unsafe { balls(block, codes, target, discs, room, low) }
    }
}

#[target_feature(enable = "avx2,popcnt")]
fn boxes(block: &Piece, codes: &[[u16; STRIDE]], target: Asked, room: &mut CountRoom, low: &mut [[u16; WIDTH]]) -> u32 {
    let ([high, deep], [_, rows, slices]) = (block.rows(), block.size);
    let [wide, tall, thick] = block.reach.map(|r| 2 * r + 1);
    let CountRoom { masks, runs, bytes, words, reached } = room;
    masks.resize(high, [0; STRIDE]);
    runs.resize(high, [0; WIDTH]);
    let short = wide * tall < 256;
    bytes.resize(if short { deep * rows } else { 0 }, [0; WIDTH]);
    words.resize(if short { 0 } else { deep * rows }, [0; WIDTH]);
    for (z, slice) in codes.chunks_exact(high).enumerate() {
        masks_of(slice, target.code, masks);
        sums_along_x(masks, runs, wide);
        if short {
            let sums = &mut bytes[z * rows..][..rows];
            let mut sum = runs[..tall].iter().fold(_mm256_setzero_si256(), |sum, run| _mm256_add_epi8(sum, load(run)));
            store(&mut sums[0], sum);
            for ((to, last), next) in sums[1..].iter_mut().zip(&*runs).zip(&runs[tall..]) {
                sum = _mm256_add_epi8(sum, _mm256_sub_epi8(load(next), load(last)));
                store(to, sum);
            }
        } else {
            let sums = &mut words[z * rows..][..rows];
            let mut sum = runs[..tall].iter().fold(Words::zero(), |sum, run| sum.add(Words::of(run)));
            sum.store(&mut sums[0]);
            for ((to, last), next) in sums[1..].iter_mut().zip(&*runs).zip(&runs[tall..]) {
                sum = sum.add(Words::of(next)).sub(Words::of(last));
                sum.store(to);
            }
        }
    }
    let mut hits = 0;
    let all = wide * tall * thick;
    for y in 0..rows {
        if all < 256 {
            let at = |z: usize| load(&bytes[z * rows + y]);
            let mut sum = (0..thick).fold(_mm256_setzero_si256(), |sum, z| _mm256_add_epi8(sum, at(z)));
            hits += take_bytes(target, sum, &mut low[y], reached.get_mut(y));
            for z in 1..slices {
                sum = _mm256_add_epi8(sum, _mm256_sub_epi8(at(z - 1 + thick), at(z - 1)));
                hits += take_bytes(target, sum, &mut low[z * rows + y], reached.get_mut(z * rows + y));
            }
        } else {
            let at = |z: usize| if short { Words::of(&bytes[z * rows + y]) } else { Words::load(&words[z * rows + y]) };
            let mut sum = (0..thick).fold(Words::zero(), |sum, z| sum.add(at(z)));
            hits += take_words(target, sum, &mut low[y], reached.get_mut(y));
            for z in 1..slices {
                sum = sum.add(at(z - 1 + thick)).sub(at(z - 1));
                hits += take_words(target, sum, &mut low[z * rows + y], reached.get_mut(z * rows + y));
            }
        }
    }
    hits
}

#[target_feature(enable = "avx2,popcnt")]
fn balls(
    block: &Piece,
    codes: &[[u16; STRIDE]],
    target: Asked,
    discs: &Discs,
    room: &mut CountRoom,
    low: &mut [[u16; WIDTH]],
) -> u32 {
    let ([high, deep], [_, rows, slices]) = (block.rows(), block.size);
    let [across, up, kinds] = [block.reach[0], block.reach[1], discs.slices.len()];
    let CountRoom { masks, runs, bytes, words, reached } = room;
    masks.resize(high, [0; STRIDE]);
    runs.resize(high * (across + 1), [0; WIDTH]);
    let short = discs.most < 256;
    bytes.resize(if short { deep * kinds * rows } else { 0 }, [0; WIDTH]);
    words.resize(if short { 0 } else { deep * kinds * rows }, [0; WIDTH]);
    for (z, slice) in codes.chunks_exact(high).enumerate() {
        masks_of(slice, target.code, masks);
        // Runs of one length lie together, so that rows above each other do.
        for (y, mask) in masks.iter().enumerate() {
            let mut sum = _mm256_sub_epi8(_mm256_setzero_si256(), part(mask, across));
            store(&mut runs[y], sum);
            for half in 1..=across {
                sum = _mm256_sub_epi8(sum, _mm256_add_epi8(part(mask, across - half), part(mask, across + half)));
                store(&mut runs[half * high + y], sum);
            }
        }
        for (kind, disc) in discs.slices.iter().enumerate() {
            let at = (z * kinds + kind) * rows;
            let run = |y: usize, (dy, half): (i32, usize)| &runs[half * high + (y + up).wrapping_add_signed(dy as isize)..];
            if short {
                let (fours, ones) = bytes[at..][..rows].as_chunks_mut::<4>();
                for (i, to) in fours.iter_mut().enumerate() {
                    let mut sums = [_mm256_setzero_si256(); 4];
                    for row in disc {
                        let from: &[_; 4] = run(4 * i, *row).first_chunk().expect("rows of the halo");
                        (0..4).for_each(|k| sums[k] = _mm256_add_epi8(sums[k], load(&from[k])));
                    }
                    (0..4).for_each(|k| store(&mut to[k], sums[k]));
                }
                let done = rows / 4 * 4;
                for (y, to) in ones.iter_mut().enumerate() {
                    let add = |sum, row: &(i32, usize)| _mm256_add_epi8(sum, load(&run(done + y, *row)[0]));
                    store(to, disc.iter().fold(_mm256_setzero_si256(), add));
                }
            } else {
                for (y, to) in words[at..][..rows].iter_mut().enumerate() {
                    let add = |sum, row: &(i32, usize)| _mm256_add_epi8(sum, load(&run(y, *row)[0]));
                    // Twelve runs of at most 21 are a byte.
                    let part = |rows: &[(i32, usize)]| Words::widen(rows.iter().fold(_mm256_setzero_si256(), add));
                    disc.chunks(12).fold(Words::zero(), |sum, rows| sum.add(part(rows))).store(to);
                }
            }
        }
    }
    let mut hits = 0;
    for z in 0..slices {
        for y in 0..rows {
            let middle = z + kinds - 1;
            let at = |slice: usize, kind: usize| (slice * kinds + kind) * rows + y;
            let mut sum = Words::zero();
            for kind in 0..kinds {
                let [before, after] = [at(middle - kind, kind), at(middle + kind, kind)];
                let pair = match (short, kind) {
                    (true, 0) => Words::of(&bytes[before]),
                    (true, _) if discs.most < 128 => Words::widen(_mm256_add_epi8(load(&bytes[before]), load(&bytes[after]))),
                    (true, _) => Words::of(&bytes[before]).add(Words::of(&bytes[after])),
                    (false, 0) => Words::load(&words[before]),
                    (false, _) => Words::load(&words[before]).add(Words::load(&words[after])),
                };
                sum = sum.add(pair);
            }
            hits += take_words(target, sum, &mut low[z * rows + y], reached.get_mut(z * rows + y));
        }
    }
    hits
}

/// Which voxels have the code or a greater one: all bits of a byte, else none.
#[target_feature(enable = "avx2")]
#[inline]
fn masks_of(codes: &[[u16; STRIDE]], code: u16, masks: &mut [[u8; STRIDE]]) {
    let code = _mm256_set1_epi16(code as i16);
    for (row, mask) in codes.iter().zip(masks) {
        for (from, to) in row.as_chunks::<WIDTH>().0.iter().zip(mask.as_chunks_mut().0) {
            let Words(a, b) = Words::load(from);
            let reach = |codes| _mm256_cmpeq_epi16(_mm256_max_epu16(codes, code), codes);
            // Packing takes turns between the halves of both: they are put in order.
            store(to, _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(reach(a), reach(b))));
        }
    }
}

/// How many of the masks from each place on are set, of as many as the window is wide.
#[target_feature(enable = "avx2")]
fn sums_along_x(masks: &[[u8; STRIDE]], runs: &mut [[u8; WIDTH]], wide: usize) {
    macro_rules! widths {
        ($($width:literal)*) => { match wide { $($width => sums_of::<$width>(masks, runs),)* _ => unreachable!("no window is wider") } };
    }
    widths!(1 3 5 7 9 11 13 15 17 19 21);
}

#[target_feature(enable = "avx2")]
#[inline]
fn sums_of<const WIDE: usize>(masks: &[[u8; STRIDE]], runs: &mut [[u8; WIDTH]]) {
    for (mask, run) in masks.iter().zip(runs) {
        let mut sums = [_mm256_setzero_si256(); 2];
        for dx in 0..WIDE {
            // A set mask is -1.
            sums[dx % 2] = _mm256_sub_epi8(sums[dx % 2], part(mask, dx));
        }
        store(run, _mm256_add_epi8(sums[0], sums[1]));
    }
}

/// Takes the counts of a row of windows that have less than 256 voxels; gives how many do.
#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn take_bytes(target: Asked, sums: __m256i, low: &mut [u16; WIDTH], reached: Option<&mut [u16; WIDTH]>) -> u32 {
    let need = _mm256_set1_epi8(target.need as i8);
    take(target, _mm256_cmpeq_epi8(_mm256_max_epu8(sums, need), sums), low, reached.map(|to| (to, Words::widen(sums))))
}

#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn take_words(target: Asked, sums: Words, low: &mut [u16; WIDTH], reached: Option<&mut [u16; WIDTH]>) -> u32 {
    let need = _mm256_set1_epi16(target.need as i16);
    let reach = |sums| _mm256_cmpeq_epi16(_mm256_max_epu16(sums, need), sums);
    let masks = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(reach(sums.0), reach(sums.1)));
    take(target, masks, low, reached.map(|to| (to, sums)))
}

#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn take(target: Asked, reach: __m256i, low: &mut [u16; WIDTH], reached: Option<(&mut [u16; WIDTH], Words)>) -> u32 {
    let bits = _mm256_movemask_epi8(reach);
    if bits != 0 {
        let code = _mm256_set1_epi16(target.code as i16);
        let raised = |low, mask| _mm256_max_epu16(low, _mm256_and_si256(_mm256_cvtepi8_epi16(mask), code));
        let before = Words::load(low);
        let after =
            Words(raised(before.0, _mm256_castsi256_si128(reach)), raised(before.1, _mm256_extracti128_si256::<1>(reach)));
        after.store(low);
        if let Some((reached, sums)) = reached {
            let old = Words::load(reached);
            let part = |sums, old, before, after| _mm256_blendv_epi8(sums, old, _mm256_cmpeq_epi16(before, after));
            Words(part(sums.0, old.0, before.0, after.0), part(sums.1, old.1, before.1, after.1)).store(reached);
        }
    }
    bits.count_ones()
}
