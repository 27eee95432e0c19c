//! What [`pick`](super::pick) does, in vectors.

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::piece::LOOK;
use super::vector::Words;

impl Avx2 {
    /// The code of number `rank` of the runs, given by first place and length. `found` has room for all and a look more.
    pub fn pick(
        self,
        codes: &[u16],
        runs: impl Iterator<Item = (usize, usize)>,
        span: (u16, u16),
        rank: usize,
        found: &mut [u16],
    ) -> u16 {
        // SAFETY: the CPU has both features, or `self` would not be.
        unsafe { pick(codes, runs, span, rank, found) }
    }

    /// Which of eight places are no less than `first` and no further from it than `reach`, in each of their bytes: one bit each.
    pub fn near(self, places: &[u32; 8], first: u32, reach: u32) -> u32 {
        // SAFETY: the CPU has both features, or `self` would not be.
        unsafe { near(places, first, reach) }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn near(places: &[u32; 8], first: u32, reach: u32) -> u32 {
    // SAFETY: an unaligned load of the 32 bytes.
    let places = unsafe { _mm256_loadu_si256(places.as_ptr().cast()) };
    // What is less wraps around, beyond any reach.
    let from = _mm256_sub_epi8(places, _mm256_set1_epi32(first as i32));
    let near = _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi32(reach as i32)), from);
    let all = _mm256_cmpeq_epi32(near, _mm256_set1_epi32(-1));
    _mm256_movemask_ps(_mm256_castsi256_ps(all)) as u32
}

/// For each set of eight numbers of 16 bits, the order of bytes that puts those of the set in front.
static IN_FRONT: [[u8; 16]; 256] = {
    let mut table = [[0; 16]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut to) = (0, 0);
        while lane < 8 {
            if set >> lane & 1 == 1 {
                (table[set][to], table[set][to + 1]) = (2 * lane, 2 * lane + 1);
                to += 2;
            }
            lane += 1;
        }
        set += 1;
    }
    table
};

#[target_feature(enable = "avx2,popcnt")]
fn pick(
    codes: &[u16],
    runs: impl Iterator<Item = (usize, usize)>,
    (first, last): (u16, u16),
    rank: usize,
    found: &mut [u16],
) -> u16 {
    let (low, span) = (_mm256_set1_epi16(first as i16), _mm256_set1_epi16((last - first) as i16));
    let bits =
        |mask| _mm_movemask_epi8(_mm_packs_epi16(_mm256_castsi256_si128(mask), _mm256_extracti128_si256::<1>(mask))) as u32;
    let (mut below, mut count) = (0, 0);
    for (start, length) in runs {
        let part: &[u16; LOOK] = codes[start..].first_chunk().expect("one row more than the block has");
        let Words(a, b) = Words::load(part);
        for (codes, length) in [(a, length), (b, length.saturating_sub(16))] {
            if length == 0 {
                break;
            }
            let counted = 0xffff >> 16usize.saturating_sub(length);
            // What is less wraps around, beyond the end of the span.
            let over = _mm256_sub_epi16(codes, low);
            let reach = bits(_mm256_cmpeq_epi16(_mm256_max_epu16(codes, low), codes));
            let among = bits(_mm256_cmpeq_epi16(_mm256_min_epu16(over, span), over)) & counted;
            below += (!reach & counted).count_ones();
            for (half, set) in [(_mm256_castsi256_si128(over), among & 0xff), (_mm256_extracti128_si256::<1>(over), among >> 8)] {
                let order = &IN_FRONT[set as usize];
                let to: &mut [u16; 8] = found[count..].first_chunk_mut().expect("room for a look more");
                // SAFETY: an unaligned load and an unaligned store of 16 bytes each.
                unsafe {
                    let order = _mm_loadu_si128(order.as_ptr().cast());
                    _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_shuffle_epi8(half, order));
                }
                count += set.count_ones() as usize;
            }
        }
    }
    // Bit by bit from the top: the greatest number with no more than so many below it. What fills up the last vector is below none.
    found[count..count + LOOK].fill(u16::MAX);
    let found = &found.as_chunks::<LOOK>().0[..count.div_ceil(LOOK)];
    let more = rank as u32 - below;
    let mut result = 0;
    for bit in (0..u16::BITS - (last - first).leading_zeros()).rev() {
        let middle = _mm256_set1_epi16((result | 1 << bit) as i16);
        let reach = |codes| _mm256_cmpeq_epi16(_mm256_max_epu16(codes, middle), codes);
        let reached = |codes| {
            let Words(a, b) = Words::load(codes);
            (_mm256_movemask_epi8(_mm256_packs_epi16(reach(a), reach(b))) as u32).count_ones()
        };
        let less = (found.len() * LOOK) as u32 - found.iter().map(reached).sum::<u32>();
        if less <= more {
            result |= 1 << bit;
        }
    }
    first + result
}
