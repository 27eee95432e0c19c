//! Rows of voxels as bits, 64 in a word, from the lowest on.

/// A stored type that masks and labels come in.
pub trait LabelType: Copy + Default + Eq + Send + Sync + Into<u32> + 'static {
    /// The number as this type, which has room for it.
    fn narrow(label: u32) -> Self;

    /// The voxels of a row that are not 0; bits beyond the row are 0.
    fn pack(row: &[Self], words: &mut [u64]) {
        pack_any(row, words);
    }
}

impl LabelType for u16 {
    #[inline(always)]
    fn narrow(label: u32) -> Self {
        label as Self
    }
}

impl LabelType for u32 {
    #[inline(always)]
    fn narrow(label: u32) -> Self {
        label
    }
}

impl LabelType for u8 {
    #[inline(always)]
    fn narrow(label: u32) -> Self {
        label as Self
    }

    fn pack(row: &[Self], words: &mut [u64]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as was asked one line above; the function is safe in every other way.
            return unsafe { pack_bytes(row, words) };
        }
        pack_any(row, words);
    }
}

fn pack_any<T: LabelType>(row: &[T], words: &mut [u64]) {
    for (values, word) in row.chunks(64).zip(words) {
        *word = 0;
        for (i, value) in values.iter().enumerate() {
            *word |= u64::from(*value != T::default()) << i;
        }
    }
}

/// The same by the instruction that takes the top bits of bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn pack_bytes(row: &[u8], words: &mut [u64]) {
    use std::arch::x86_64::*;
    let (blocks, rest) = row.as_chunks::<64>();
    for (block, word) in blocks.iter().zip(&mut *words) {
        let eights: &[[u8; 8]] = block.as_chunks().0;
        let eight = |i: usize| i64::from_le_bytes(eights[i]);
        // Becomes one load.
        let half = |i: usize| _mm256_set_epi64x(eight(i + 3), eight(i + 2), eight(i + 1), eight(i));
        let zeros = |bytes| u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())) as u32);
        *word = !(zeros(half(0)) | zeros(half(4)) << 32);
    }
    pack_any(rest, &mut words[blocks.len()..]);
}

/// The places of the ones of a word.
pub struct SetBits(pub u64);

impl Iterator for SetBits {
    type Item = usize;

    // Iterators instead of closures: a closure does not take part in the instructions of the function around it.
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros() as usize;
        let some = self.0 != 0;
        self.0 &= self.0.wrapping_sub(1);
        some.then_some(place)
    }
}

/// The places of the ones of a row.
pub struct Ones<'a> {
    words: &'a [u64],
    bits: SetBits,
    /// Place of the first bit of the word behind this one.
    end: usize,
}

impl<'a> Ones<'a> {
    #[inline(always)]
    pub fn of(words: &'a [u64]) -> Self {
        Self { words, bits: SetBits(0), end: 0 }
    }
}

impl Iterator for Ones<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        loop {
            if let Some(place) = self.bits.next() {
                return Some(self.end - 64 + place);
            }
            let (word, rest) = self.words.split_first()?;
            (self.words, self.bits, self.end) = (rest, SetBits(*word), self.end + 64);
        }
    }
}

/// Start and end of the runs of ones of a row.
pub struct Spans<'a> {
    words: &'a [u64],
    /// Where ones begin or end in the word before `words`.
    edges: SetBits,
    last: u64,
    end: usize,
    len: usize,
}

impl<'a> Spans<'a> {
    /// Of a row of `len` voxels.
    #[inline(always)]
    pub fn of(words: &'a [u64], len: usize) -> Self {
        Self { words, edges: SetBits(0), last: 0, end: 0, len }
    }

    #[inline(always)]
    fn edge(&mut self) -> Option<usize> {
        loop {
            if let Some(place) = self.edges.next() {
                return Some(self.end - 64 + place);
            }
            let (word, rest) = self.words.split_first()?;
            self.edges = SetBits(word ^ (word << 1 | self.last >> 63));
            (self.words, self.last, self.end) = (rest, *word, self.end + 64);
        }
    }
}

impl Iterator for Spans<'_> {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        let start = self.edge()?;
        Some((start, self.edge().unwrap_or(self.len)))
    }
}
