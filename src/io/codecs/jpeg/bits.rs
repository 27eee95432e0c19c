//! Entropy-coded data as bits (T.81 F.2.2.5): stuffed bytes taken out, stopping before any marker.

use super::fault::ScanStop;

/// Bytes behind the last unit of a segment that are let pass: some cameras flush their coder carelessly.
const LOOSE_BYTES: usize = 2;

/// Bits from the most significant on. Behind the end of the data come made-up zeros, so that reading never fails; who reads asks
/// [`BitReader::overrun`] now and then.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    data: &'a [u8],
    /// The next byte to load.
    at: usize,
    /// Loaded bits, the next one at the top; zeros below.
    bits: u64,
    count: u32,
    /// How many of all loaded bits were made up; they are the last ones.
    made_up: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, bits: 0, count: 0, made_up: 0 }
    }

    /// Loads bits until there are at least 32: a code and the value behind it.
    #[inline]
    pub(super) fn refill(&mut self) {
        if self.count < 32 {
            self.load();
        }
    }

    fn load(&mut self) {
        if let Some(next) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_be_bytes(*next);
            // No byte is FF: no byte of the complement is zero.
            if (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
                let bytes = (64 - self.count) / 8;
                self.bits |= (word & u64::MAX << (64 - 8 * bytes)) >> self.count;
                self.count += 8 * bytes;
                self.at += bytes as usize;
                return;
            }
        }
        while self.count <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF) | None, _) => {
                    self.made_up += 8;
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `n` bits, 1 to 16, without taking them. Needs a [`BitReader::refill`] before.
    #[inline]
    pub(super) fn peek(&self, n: u32) -> usize {
        (self.bits >> (64 - n)) as usize
    }

    #[inline]
    pub(super) fn skip(&mut self, n: u32) {
        self.bits <<= n;
        self.count -= n;
    }

    /// Takes `n` bits, 0 to 16. Needs a [`BitReader::refill`] before, which is enough for 32 bits.
    #[inline]
    pub(super) fn take(&mut self, n: u32) -> i32 {
        let value = (self.bits >> 1 >> (63 - n)) as i32;
        self.skip(n);
        value
    }

    /// One bit, at any time.
    #[inline]
    pub(super) fn bit(&mut self) -> bool {
        self.refill();
        self.take(1) == 1
    }

    /// Whether bits were taken that are not in the data.
    #[inline]
    pub(super) fn overrun(&self) -> bool {
        self.made_up > self.count
    }

    /// Ends a segment: the place of the marker behind it, or of the end of the data.
    pub(super) fn close(&self) -> Result<usize, ScanStop> {
        if self.overrun() {
            return Err(ScanStop::Ends);
        }
        let mut surplus = ((self.count - self.made_up) / 8) as usize;
        let mut at = self.at;
        loop {
            match (self.data.get(at), self.data.get(at + 1)) {
                (Some(0xFF), Some(0)) => at += 2,
                (Some(0xFF) | None, _) => break,
                _ => at += 1,
            }
            surplus += 1;
        }
        if surplus > LOOSE_BYTES { Err(ScanStop::Surplus(surplus)) } else { Ok(at) }
    }

    /// Goes over the restart marker `due`, 0 to 7.
    pub(super) fn restart(&mut self, due: u8) -> Result<(), ScanStop> {
        let mut at = self.close()?;
        // Any number of fill bytes may stand before a marker.
        while self.data.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let found = *self.data.get(at + 1).ok_or(ScanStop::Ends)?;
        if found != 0xD0 + due {
            return Err(if found == 0xD9 { ScanStop::Ends } else { ScanStop::Restart { due, found } });
        }
        *self = Self::new(self.data, at + 2);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_markers_and_the_end() {
        let mut reader = BitReader::new(&[0xAB, 0xFF, 0x00, 0x12, 0xFF, 0xD9], 0);
        let mut take = |n| {
            reader.refill();
            reader.take(n)
        };
        assert_eq!([take(4), take(12), take(0), take(8)], [0xA, 0xBFF, 0, 0x12]);
        assert!(!reader.overrun());
        assert_eq!(reader.close(), Ok(4));
        assert!(!reader.bit() && reader.overrun());
        assert_eq!(reader.close(), Err(ScanStop::Ends));
    }

    #[test]
    fn long_runs_of_plain_bytes() {
        let data: Vec<u8> = (1..=100).collect();
        let mut reader = BitReader::new(&data, 0);
        for want in 1..=100 {
            reader.refill();
            assert_eq!(reader.take(3) << 5 | reader.take(5), want);
        }
        assert!(!reader.overrun() && reader.close() == Ok(100));
    }

    #[test]
    fn restarts_are_counted() {
        let data = [0x80, 0xFF, 0xFF, 0xD3, 0x40];
        let at = |due| {
            let mut reader = BitReader::new(&data, 0);
            reader.bit();
            reader.restart(due).map(|()| reader.bit())
        };
        assert_eq!(at(3), Ok(false));
        assert_eq!(at(4), Err(ScanStop::Restart { due: 4, found: 0xD3 }));
        let mut reader = BitReader::new(&[1, 2, 3, 4, 5, 0xFF, 0xD0], 0);
        reader.bit();
        assert_eq!(reader.restart(0), Err(ScanStop::Surplus(4)));
    }
}
