//! Eight voxels of a row at a time: pairs of neighbours along x are gathered as one 32-bit word and weighed by one multiply-add.

use std::arch::x86_64::*;

use super::Sampled;
use crate::volume::Dtype;

/// Whether positions of 2⁻¹⁶ voxels and indices fit 32 bits with a sign, and each row holds a pair.
pub(super) fn fits(from: &Sampled<'_>) -> bool {
    from.shape[0] >= 2 && from.shape.iter().all(|n| *n < 1 << 15) && from.shape.iter().product::<usize>() < 1 << 30
}

/// Computes whole groups of eight voxels from the beginning of a row, whose voxels all lie inside, and says how many voxels these are.
///
/// # Safety
/// The machine has AVX2, and [`fits`] holds.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn row(from: &Sampled<'_>, first: [i64; 3], row: &mut [u8]) -> usize {
    match from.dtype {
        Dtype::U8 | Dtype::I8 => bytes(from, first, row),
        _ => words(from, first, row),
    }
}

/// Where eight neighbouring voxels lie: index of the lower corner, and the weights of the upper ones.
struct Corners {
    index: __m256i,
    x: Halves,
    wy: __m256i,
    wz: __m256i,
}

/// Positions of eight voxels along one axis, in the order in which [`_mm256_shuffle_ps`] brings their halves together.
struct Lanes {
    even: __m256i,
    odd: __m256i,
    step: __m256i,
    last: __m256i,
    last_pair: __m256i,
}

impl Lanes {
    #[target_feature(enable = "avx2")]
    fn new(start: i64, step: i64, count: usize) -> Self {
        // Rounding to 2⁻¹⁶ voxels is added once.
        let start = start + (1 << 15);
        let at = |i: i64| start + step * i;
        Self {
            even: _mm256_set_epi64x(at(5), at(4), at(1), at(0)),
            odd: _mm256_set_epi64x(at(7), at(6), at(3), at(2)),
            step: _mm256_set1_epi64x(step * 8),
            last: _mm256_set1_epi32((count as i32 - 1) << 16),
            last_pair: _mm256_set1_epi32((count as i32 - 2).max(0)),
        }
    }

    /// The first voxel of each pair, and the weight of the second. A position beyond the ends is that of the end: its outermost voxel goes on.
    #[target_feature(enable = "avx2")]
    fn next(&mut self) -> (__m256i, __m256i) {
        let (a, b) = (_mm256_srli_epi64::<16>(self.even), _mm256_srli_epi64::<16>(self.odd));
        let low = _mm256_shuffle_ps::<0b10_00_10_00>(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
        let position = _mm256_min_epi32(_mm256_max_epi32(_mm256_castps_si256(low), _mm256_setzero_si256()), self.last);
        let whole = _mm256_min_epi32(_mm256_srli_epi32::<16>(position), self.last_pair);
        let weight = _mm256_sub_epi32(position, _mm256_slli_epi32::<16>(whole));
        self.even = _mm256_add_epi64(self.even, self.step);
        self.odd = _mm256_add_epi64(self.odd, self.step);
        (whole, weight)
    }
}

/// Where all groups of a row lie.
struct Walk {
    lanes: [Lanes; 3],
    row: __m256i,
    slice: __m256i,
}

impl Walk {
    #[target_feature(enable = "avx2")]
    fn new(from: &Sampled<'_>, first: [i64; 3]) -> Self {
        let [nx, ny, _] = from.shape;
        let step = from.positions.step[0];
        let lanes = |along: usize| Lanes::new(first[along], step[along], from.shape[along]);
        Self {
            lanes: [lanes(0), lanes(1), lanes(2)],
            row: _mm256_set1_epi32(nx as i32),
            slice: _mm256_set1_epi32((nx * ny) as i32),
        }
    }

    #[target_feature(enable = "avx2")]
    fn next(&mut self) -> Corners {
        let [(x, wx), (y, wy), (z, wz)] = [self.lanes[0].next(), self.lanes[1].next(), self.lanes[2].next()];
        let lines = _mm256_add_epi32(_mm256_mullo_epi32(y, self.row), _mm256_mullo_epi32(z, self.slice));
        Corners { index: _mm256_add_epi32(x, lines), x: Halves::new(wx), wy, wz }
    }
}

/// Both halves of weights of 65,536ths, each as a pair of 16-bit numbers -w and w: their multiply-add with two neighbours is the difference of these times w.
struct Halves {
    high: __m256i,
    low: __m256i,
}

impl Halves {
    #[target_feature(enable = "avx2")]
    fn new(weight: __m256i) -> Self {
        let pair = |w: __m256i| {
            let negative = _mm256_and_si256(_mm256_sub_epi32(_mm256_setzero_si256(), w), _mm256_set1_epi32(0xffff));
            _mm256_or_si256(_mm256_slli_epi32::<16>(w), negative)
        };
        Self { high: pair(_mm256_srli_epi32::<8>(weight)), low: pair(_mm256_and_si256(weight, _mm256_set1_epi32(255))) }
    }

    /// Sixteenths between two neighbours, which are numbers with a sign of 16 bits each; `bias` is added.
    #[target_feature(enable = "avx2")]
    fn between(&self, pair: __m256i, bias: __m256i) -> __m256i {
        let low = _mm256_srai_epi32::<8>(_mm256_madd_epi16(pair, self.low));
        let change = _mm256_add_epi32(_mm256_madd_epi16(pair, self.high), low);
        let change = _mm256_srai_epi32::<4>(_mm256_add_epi32(change, _mm256_set1_epi32(8)));
        // The first of the two, sixteen times.
        let first = _mm256_srai_epi32::<12>(_mm256_slli_epi32::<16>(pair));
        _mm256_add_epi32(_mm256_add_epi32(first, bias), change)
    }
}

/// Between two vectors by weights of 65,536ths.
#[target_feature(enable = "avx2")]
fn between(a: __m256i, b: __m256i, weight: __m256i) -> __m256i {
    let change = _mm256_sub_epi32(b, a);
    let high = _mm256_mullo_epi32(change, _mm256_srli_epi32::<8>(weight));
    let low = _mm256_mullo_epi32(change, _mm256_and_si256(weight, _mm256_set1_epi32(255)));
    let sum = _mm256_add_epi32(_mm256_add_epi32(high, _mm256_srai_epi32::<8>(low)), _mm256_set1_epi32(128));
    _mm256_add_epi32(a, _mm256_srai_epi32::<8>(sum))
}

/// Keys of what was weighed along x, y and z.
#[target_feature(enable = "avx2")]
fn blended(lines: [__m256i; 4], at: &Corners) -> __m256i {
    let (low, high) = (between(lines[0], lines[1], at.wy), between(lines[2], lines[3], at.wy));
    _mm256_srli_epi32::<4>(_mm256_add_epi32(between(low, high, at.wz), _mm256_set1_epi32(8)))
}

/// How far the next row and the next slice lie; a box of one has none, and its position is 0.
fn strides(from: &Sampled<'_>) -> [usize; 4] {
    let [nx, ny, nz] = from.shape;
    let row = if ny > 1 { nx } else { 0 };
    let slice = if nz > 1 { nx * ny } else { 0 };
    [0, row, slice, row + slice]
}

#[target_feature(enable = "avx2")]
fn words(from: &Sampled<'_>, first: [i64; 3], row: &mut [u8]) -> usize {
    // The multiply-add takes numbers with a sign: keys less 2¹⁵, of which sixteen times as much is missing.
    let flip = _mm256_set1_epi32(if from.dtype == Dtype::U16 { 0x8000_8000u32 as i32 } else { 0 });
    let missing = _mm256_set1_epi32(1 << 19);
    let back = _mm_set1_epi16(if from.dtype == Dtype::I16 { i16::MIN } else { 0 });
    let offsets = strides(from);
    let mut walk = Walk::new(from, first);
    for out in row.as_chunks_mut::<16>().0.iter_mut() {
        let at = walk.next();
        let mut lines = [_mm256_setzero_si256(); 4];
        for (line, offset) in lines.iter_mut().zip(offsets) {
            // SAFETY: the index is that of the lower corner of a pair in the box: with the offset of the next row and slice, and the next voxel, it lies in it.
            let pair = unsafe { _mm256_i32gather_epi32::<2>(from.bytes.as_ptr().add(2 * offset).cast(), at.index) };
            *line = at.x.between(_mm256_xor_si256(pair, flip), missing);
        }
        let keys = blended(lines, &at);
        let packed = _mm_packus_epi32(_mm256_castsi256_si128(keys), _mm256_extracti128_si256::<1>(keys));
        // SAFETY: the chunk has sixteen bytes.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_xor_si128(packed, back)) };
    }
    row.len() / 16 * 8
}

#[target_feature(enable = "avx2")]
fn bytes(from: &Sampled<'_>, first: [i64; 3], row: &mut [u8]) -> usize {
    let flip = _mm256_set1_epi32(if from.dtype == Dtype::I8 { 0x8080_8080u32 as i32 } else { 0 });
    let offsets = strides(from);
    // The first two of the four bytes that are read, each in 16 bits.
    let spread = _mm256_set1_epi32(0x8001_8000u32 as i32);
    let spread = _mm256_add_epi32(
        spread,
        _mm256_set_epi32(0x000c_000c, 0x0008_0008, 0x0004_0004, 0, 0x000c_000c, 0x0008_0008, 0x0004_0004, 0),
    );
    // Beyond this index the four bytes end behind the box.
    let Some(most) = from.bytes.len().checked_sub(offsets[3] + 4) else { return 0 };
    let most = _mm256_set1_epi32(most as i32);
    let mut walk = Walk::new(from, first);
    let mut done = 0;
    for out in row.as_chunks_mut::<8>().0.iter_mut() {
        let at = walk.next();
        if _mm256_movemask_epi8(_mm256_cmpgt_epi32(at.index, most)) != 0 {
            return done;
        }
        let mut lines = [_mm256_setzero_si256(); 4];
        for (line, offset) in lines.iter_mut().zip(offsets) {
            // SAFETY: no index is beyond `most`, so that four bytes from it on, with the largest offset, lie in the box.
            let four = unsafe { _mm256_i32gather_epi32::<1>(from.bytes.as_ptr().add(offset).cast(), at.index) };
            let pair = _mm256_shuffle_epi8(_mm256_xor_si256(four, flip), spread);
            *line = at.x.between(pair, _mm256_setzero_si256());
        }
        let keys = blended(lines, &at);
        let words = _mm_packus_epi32(_mm256_castsi256_si128(keys), _mm256_extracti128_si256::<1>(keys));
        let packed = _mm_xor_si128(_mm_packus_epi16(words, words), _mm256_castsi256_si128(flip));
        // SAFETY: the chunk has eight bytes.
        unsafe { _mm_storel_epi64(out.as_mut_ptr().cast(), packed) };
        done += 8;
    }
    done
}

/// Pairs of a row of 16-bit voxels, weighed, in whole groups of eight: what [`straight`](super::straight) does for each source row. `firsts` are the first voxels of the pairs.
///
/// # Safety
/// The machine has AVX2; each of `firsts` and the voxel behind it lie in `line`, and the three lists have as many entries.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn line_of_words(line: &[u8], dtype: Dtype, firsts: &[i32], weights: &[u32], out: &mut [u32]) {
    let flip = _mm256_set1_epi32(if dtype == Dtype::U16 { 0x8000_8000u32 as i32 } else { 0 });
    let missing = _mm256_set1_epi32(1 << 19);
    let groups = firsts.as_chunks::<8>().0.iter().zip(weights.as_chunks::<8>().0).zip(out.as_chunks_mut::<8>().0);
    for ((firsts, weights), out) in groups {
        // SAFETY: each list has eight entries here, and the caller says that the pairs lie in the line.
        unsafe {
            let index = _mm256_loadu_si256(firsts.as_ptr().cast());
            let pair = _mm256_xor_si256(_mm256_i32gather_epi32::<2>(line.as_ptr().cast(), index), flip);
            let halves = Halves::new(_mm256_loadu_si256(weights.as_ptr().cast()));
            _mm256_storeu_si256(out.as_mut_ptr().cast(), halves.between(pair, missing));
        }
    }
}
