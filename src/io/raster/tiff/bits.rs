//! From the bytes of unpacked strips and tiles to samples: byte order, predictors (TIFF 6.0, section 14, and technical note 3), packed bits.

/// What was done to each row before it was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// Differences of neighbours.
    Horizontal,
    /// Bytes of floats sorted by significance, then differences.
    Float,
}

/// How the rows of a strip or tile lie in its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowLayout {
    /// Samples in a row, of all pixels.
    pub(super) samples: usize,
    /// Samples from one to the next of the same kind.
    pub(super) step: usize,
    pub(super) bits: usize,
    pub(super) little: bool,
    pub(super) predictor: Predictor,
}

impl RowLayout {
    /// Bytes of a row.
    pub(super) fn bytes(&self) -> usize {
        (self.samples * self.bits).div_ceil(8)
    }

    /// Samples of one, two, four or eight bytes, little-endian, from whole rows.
    pub(super) fn samples(&self, mut rows: Vec<u8>) -> Vec<u8> {
        let size = self.bytes().max(1);
        if !self.bits.is_multiple_of(8) {
            return rows.chunks_exact(size).flat_map(|row| unpack(row, self.bits, self.samples)).collect();
        }
        let width = self.bits / 8;
        let mut sorted = Vec::new();
        for row in rows.chunks_exact_mut(size) {
            // Sorted bytes begin with the most significant ones in files of either order.
            if self.predictor == Predictor::Float {
                accumulate::<1>(row, self.step);
                sorted.clear();
                sorted.extend_from_slice(row);
                for (i, sample) in row.chunks_exact_mut(width).enumerate() {
                    for (b, byte) in sample.iter_mut().rev().enumerate() {
                        *byte = sorted[b * self.samples + i];
                    }
                }
                continue;
            }
            if !self.little && width > 1 {
                row.chunks_exact_mut(width).for_each(<[u8]>::reverse);
            }
            if self.predictor == Predictor::Horizontal {
                match width {
                    1 => accumulate::<1>(row, self.step),
                    2 => accumulate::<2>(row, self.step),
                    4 => accumulate::<4>(row, self.step),
                    _ => accumulate::<8>(row, self.step),
                }
            }
        }
        rows
    }
}

/// Adds to each little-endian number of `N` bytes the one `step` numbers before it, wrapping.
fn accumulate<const N: usize>(row: &mut [u8], step: usize) {
    let numbers = row.as_chunks_mut::<N>().0;
    for i in step..numbers.len() {
        let mut carry = 0;
        let before = numbers[i - step];
        for (byte, add) in numbers[i].iter_mut().zip(before) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
    }
}

/// Numbers of fewer than 16 bits that lie bit behind bit, the most significant one first: as bytes up to 8 bits, else as words.
fn unpack(row: &[u8], bits: usize, samples: usize) -> impl Iterator<Item = u8> {
    let wide = if bits > 8 { 2 } else { 1 };
    (0..samples).flat_map(move |i| {
        let begin = i * bits;
        // At most 15 bits from at most three bytes.
        let window = (0..3).fold(0u32, |window, b| window << 8 | u32::from(row.get(begin / 8 + b).copied().unwrap_or(0)));
        let value = window >> (24 - begin % 8 - bits) & ((1 << bits) - 1);
        value.to_le_bytes().into_iter().take(wide)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: RowLayout = RowLayout { samples: 3, step: 1, bits: 16, little: true, predictor: Predictor::None };

    #[test]
    fn bits_lie_behind_each_other_and_rows_begin_on_a_byte() {
        let of = |bits, samples, bytes: &[u8]| RowLayout { samples, bits, ..PLAIN }.samples(bytes.to_vec());
        assert_eq!(of(1, 9, &[0b1010_0000, 0b1000_0000, 0, 0b1000_0000]), [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(of(2, 3, &[0b1101_1000, 0b0001_1000]), [3, 1, 2, 0, 1, 2]);
        assert_eq!(of(4, 3, &[0x5A, 0xF0]), [5, 10, 15]);
        assert_eq!(of(12, 2, &[0xAB, 0xCD, 0xEF]), [0xBC, 0x0A, 0xEF, 0x0D]);
        assert_eq!(of(14, 1, &[0xFF, 0xFC]), [0xFF, 0x3F]);
    }

    #[test]
    fn predictors_are_undone_in_both_byte_orders() {
        let horizontal = RowLayout { predictor: Predictor::Horizontal, ..PLAIN };
        // 255, 255 + 2, 257 - 1.
        assert_eq!(horizontal.samples(vec![255, 0, 2, 0, 255, 255]), [255, 0, 1, 1, 0, 1]);
        let big = RowLayout { little: false, ..horizontal };
        assert_eq!(big.samples(vec![0, 255, 0, 2, 255, 255]), [255, 0, 1, 1, 0, 1]);
        // Three samples to a pixel: each from the same one of the pixel before.
        let colour = RowLayout { samples: 6, step: 3, bits: 8, ..horizontal };
        assert_eq!(colour.samples(vec![1, 2, 3, 10, 10, 10]), [1, 2, 3, 11, 12, 13]);
        // 1.0 and -2.0: 3F 80 00 00 and C0 00 00 00, sorted 3F C0 80 00 00 00 00 00, then differences.
        let float = RowLayout { samples: 2, bits: 32, predictor: Predictor::Float, ..PLAIN };
        let packed = vec![0x3F, 0x81, 0xC0, 0x80, 0, 0, 0, 0];
        assert_eq!(float.samples(packed), [1f32.to_le_bytes(), (-2f32).to_le_bytes()].concat());
    }
}
