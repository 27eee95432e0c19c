//! The bits of a scan (A.1): most significant first. A byte 0xFF is followed by seven bits, before which the encoder put a zero, so that no
//! data looks like a marker.

/// Bits up to the next marker or the end of the data. Reading beyond gives none.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not in the cache.
    at: usize,
    /// The next bits, from the top; zeros below them.
    cache: u64,
    /// How many bits of the cache are of the data, at most 63.
    left: u32,
    /// The last byte taken was 0xFF.
    stuffed: bool,
}

/// The longest code is one of Golomb and Rice with this many zeros before its one, then the value itself in so many bits (A.5.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Escape {
    pub(super) zeros: u32,
    pub(super) bits: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, cache: 0, left: 0, stuffed: false }
    }

    /// The mapped error behind the next code (A.5.3): `k` bits behind a unary number, or the escape.
    #[inline(always)]
    pub(super) fn golomb(&mut self, k: u32, escape: Escape) -> Option<u32> {
        if self.left < 32 {
            self.fill();
        }
        let zeros = self.cache.leading_zeros();
        let length = zeros + 1 + k;
        if length > self.left || zeros >= escape.zeros {
            return self.long_golomb(k, escape);
        }
        let rest = self.cache << zeros << 1;
        self.cache = rest << k;
        self.left -= length;
        // In two steps, since there may be none.
        Some(zeros << k | (rest >> 1 >> (63 - k)) as u32)
    }

    /// The same where the code is the escape or is longer than what the cache had.
    #[cold]
    fn long_golomb(&mut self, k: u32, escape: Escape) -> Option<u32> {
        let mut zeros = 0;
        loop {
            self.fill();
            let here = self.cache.leading_zeros().min(self.left);
            zeros += here;
            if zeros > escape.zeros || self.left == 0 {
                return None;
            }
            let ends = here < self.left;
            self.skip(here + u32::from(ends));
            if ends {
                break;
            }
        }
        if zeros < escape.zeros { Some(zeros << k | self.take(k)?) } else { Some(self.take(escape.bits)? + 1) }
    }

    /// The next `count` bits, at most 32, as a number.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        if self.left < count {
            self.fill();
            if self.left < count {
                return None;
            }
        }
        let value = (self.cache >> 1 >> (63 - count)) as u32;
        self.skip(count);
        Some(value)
    }

    /// Where the marker behind the scan begins, if nothing is left but the zeros that fill the last byte.
    pub(super) fn end(&mut self) -> Option<usize> {
        self.fill();
        (self.left < 8 && self.cache == 0).then_some(self.at)
    }

    /// Up to 63 bits, of which the cache has as many.
    fn skip(&mut self, count: u32) {
        self.cache <<= count;
        self.left -= count;
    }

    /// At least 56 bits, if there are as many.
    #[inline]
    fn fill(&mut self) {
        let next = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>());
        if let Some(&next) = next
            && !self.stuffed
        {
            let word = u64::from_be_bytes(next);
            if !has_ff(word) {
                let bytes = (63 - self.left) / 8;
                let filled = self.left + 8 * bytes;
                // A byte that is not whole stays away.
                self.cache |= word >> self.left >> (64 - filled) << (64 - filled);
                self.left = filled;
                self.at += bytes as usize;
                return;
            }
        }
        self.fill_by_bytes();
    }

    fn fill_by_bytes(&mut self) {
        while self.left <= 55 {
            let Some(&byte) = self.data.get(self.at) else { return };
            if byte == 0xFF && self.data.get(self.at + 1).is_none_or(|&next| next >= 0x80) {
                return;
            }
            let width = if self.stuffed { 7 } else { 8 };
            self.left += width;
            self.cache |= u64::from(byte) << (64 - self.left);
            self.stuffed = byte == 0xFF;
            self.at += 1;
        }
    }
}

/// Whether a byte of the word has all bits set.
fn has_ff(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let inverse = !word;
    inverse.wrapping_sub(ONES) & word & (ONES << 7) != 0
}
