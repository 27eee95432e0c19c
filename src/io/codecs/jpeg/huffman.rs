//! Huffman codes (T.81 annex C, F.2.2.3) with the value that follows each: run and size in one byte, then as many bits as the size.

use super::bits::BitReader;
use super::fault::JpegFault;

/// Codes of up to this length, or codes and their values where both fit, are found by one look.
const LOOK: u32 = 10;

/// What a prefix of [`LOOK`] bits begins with.
#[derive(Debug, Clone, Copy, Default)]
struct Prefix {
    value: i16,
    symbol: u8,
    /// Bits of the code, or of code and value; 0 where the code is longer or undefined.
    bits: u8,
    /// The value's bits are in the prefix too.
    whole: bool,
}

/// One table, ready for decoding.
#[derive(Debug, Clone)]
pub(super) struct HuffmanTable {
    prefixes: Box<[Prefix; 1 << LOOK]>,
    /// By length: the first code that is too large for it, and what leads from a code to the place of its symbol.
    ends: [i32; 17],
    offsets: [i32; 17],
    symbols: Box<[u8; 256]>,
    /// The largest symbol.
    pub(super) largest: u8,
}

impl HuffmanTable {
    /// `lengths[l]` codes of `l` + 1 bits for the symbols in order.
    pub(super) fn new(lengths: &[u8; 16], symbols: &[u8]) -> Result<Self, JpegFault> {
        let damaged = || JpegFault::damaged("a Huffman table is damaged");
        let mut all = Box::new([0; 256]);
        all.get_mut(..symbols.len()).ok_or_else(damaged)?.copy_from_slice(symbols);
        let largest = symbols.iter().copied().max().unwrap_or(0);
        let mut table =
            Self { prefixes: Box::new([Prefix::default(); 1 << LOOK]), ends: [0; 17], offsets: [0; 17], symbols: all, largest };
        let (mut code, mut place) = (0i32, 0usize);
        for length in 1..=16u32 {
            let count = usize::from(lengths[length as usize - 1]);
            table.offsets[length as usize] = place as i32 - code;
            for &symbol in symbols.get(place..place + count).ok_or_else(damaged)? {
                if code >> length != 0 {
                    return Err(damaged());
                }
                if length <= LOOK {
                    let first = (code as usize) << (LOOK - length);
                    for low in 0..1usize << (LOOK - length) {
                        table.prefixes[first + low] = Prefix::new(length, symbol, low as u32);
                    }
                }
                code += 1;
            }
            place += count;
            table.ends[length as usize] = code;
            code <<= 1;
        }
        Ok(table)
    }

    /// Run and value of the next symbol; none if the bits are no code. A size of 0 has the value 0.
    #[inline]
    pub(super) fn next(&self, reader: &mut BitReader) -> Option<(u8, i32)> {
        reader.refill();
        let prefix = self.prefixes[reader.peek(LOOK)];
        reader.skip(u32::from(prefix.bits));
        if prefix.whole {
            return Some((prefix.symbol >> 4, i32::from(prefix.value)));
        }
        let symbol = if prefix.bits > 0 { prefix.symbol } else { self.long(reader)? };
        let size = u32::from(symbol & 15);
        Some((symbol >> 4, extend(reader.take(size), size)))
    }

    /// The symbol of a code longer than [`LOOK`].
    fn long(&self, reader: &mut BitReader) -> Option<u8> {
        for length in LOOK + 1..=16 {
            let code = reader.peek(length) as i32;
            if code < self.ends[length as usize] {
                reader.skip(length);
                return self.symbols.get((code + self.offsets[length as usize]) as usize).copied();
            }
        }
        None
    }
}

impl Prefix {
    /// A code of `length` bits before the bits `low`.
    fn new(length: u32, symbol: u8, low: u32) -> Self {
        let size = u32::from(symbol & 15);
        let rest = LOOK - length;
        if size > rest {
            return Self { value: 0, symbol, bits: length as u8, whole: false };
        }
        let value = extend((low >> (rest - size)) as i32, size) as i16;
        Self { value, symbol, bits: (length + size) as u8, whole: true }
    }
}

/// The signed value of `size` bits (F.2.2.1): what begins with 0 is negative.
#[inline]
fn extend(bits: i32, size: u32) -> i32 {
    if bits << 1 >> size == 0 { bits - (1 << size) + 1 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_size() {
        assert_eq!([extend(0, 0), extend(0, 1), extend(1, 1), extend(0, 3), extend(3, 3), extend(4, 3)], [0, -1, 1, -7, -4, 4]);
        assert_eq!([extend(0, 15), extend(0x7FFF, 15)], [-32767, 32767]);
    }

    /// Codes 0, 10, 110 and one of 12 bits: 1110 0000 0000.
    fn table() -> HuffmanTable {
        let mut lengths = [0; 16];
        (lengths[0], lengths[1], lengths[2], lengths[11]) = (1, 1, 1, 1);
        HuffmanTable::new(&lengths, &[0x00, 0x12, 0x0F, 0x21]).unwrap()
    }

    #[test]
    fn short_long_and_undefined_codes() {
        // 0; 10 with value 01; 110 with 15 bits of ones; the long one with 1; then no code.
        let bits = "0 1001 110111111111111111 1110000000001 11111111111111111111111111";
        let bits: Vec<u8> = bits.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
        let bytes = bits.chunks(8).map(|c| c.iter().enumerate().map(|(i, b)| b << (7 - i)).sum::<u8>());
        let data: Vec<u8> = bytes.flat_map(|b| if b == 0xFF { vec![b, 0] } else { vec![b] }).collect();
        let mut reader = BitReader::new(&data, 0);
        let table = table();
        let all: Vec<_> = (0..5).map(|_| table.next(&mut reader)).collect();
        assert_eq!(all, [Some((0, 0)), Some((1, -2)), Some((0, 32767)), Some((2, 1)), None]);
    }

    #[test]
    fn impossible_tables_are_refused() {
        let mut lengths = [0; 16];
        lengths[0] = 3;
        assert!(HuffmanTable::new(&lengths, &[1, 2, 3]).is_err());
        lengths[0] = 2;
        assert!(HuffmanTable::new(&lengths, &[1]).is_err());
        assert!(HuffmanTable::new(&lengths, &[1, 2]).is_ok());
    }
}
