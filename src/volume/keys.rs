//! Stored values as unsigned integers that sort as the values do.
//!
//! A key has as many bits as its type, and every key is that of one stored value: nothing is lost, neither the sign of a zero nor the payload of a NaN. -0 sorts just
//! below +0; NaN sort beyond the infinities on both sides, by their sign. So order, medians and extremes of any type are those of integers, on
//! devices too, where comparisons of floats may drop NaN and flush denormals.

use super::Dtype;

/// The key of a stored value, both right-aligned: a u16 is in the low 16 bits.
#[inline]
pub const fn key(dtype: Dtype, stored: u64) -> u64 {
    let sign = sign_bit(dtype);
    if dtype.is_integer() {
        stored ^ sign
    } else if stored & sign == 0 {
        stored | sign
    } else {
        !stored & all_bits(dtype)
    }
}

/// The stored value of a key.
#[inline]
pub const fn stored(dtype: Dtype, key: u64) -> u64 {
    let sign = sign_bit(dtype);
    if dtype.is_integer() {
        key ^ sign
    } else if key & sign == 0 {
        !key & all_bits(dtype)
    } else {
        key ^ sign
    }
}

/// The bit that tells negative values from others; 0 for types that have none.
pub const fn sign_bit(dtype: Dtype) -> u64 {
    match dtype {
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => 0,
        _ => 1 << (8 * dtype.bytes() - 1),
    }
}

/// Keys of numbers, the infinities among them, from the first to the last: what lies below or above is NaN. All keys, for integers.
pub const fn numbers(dtype: Dtype) -> (u64, u64) {
    match dtype {
        Dtype::F32 => (key(dtype, f32::NEG_INFINITY.to_bits() as u64), key(dtype, f32::INFINITY.to_bits() as u64)),
        Dtype::F64 => (key(dtype, f64::NEG_INFINITY.to_bits()), key(dtype, f64::INFINITY.to_bits())),
        _ => (0, all_bits(dtype)),
    }
}

const fn all_bits(dtype: Dtype) -> u64 {
    u64::MAX >> (64 - 8 * dtype.bytes())
}

/// The bits of an f32 that is not NaN as an integer that sorts alike; unlike with [`key`], -0 and +0 are one, as in comparisons of numbers.
#[inline]
pub(crate) fn order_key(bits: u32) -> u32 {
    let bits = if bits & 0x7fff_ffff == 0 { 0 } else { bits };
    // All bits of a negative number turn over, of others the sign.
    bits ^ ((bits as i32 >> 31) as u32 | 0x8000_0000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dtype; 10] =
        [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32, Dtype::U32, Dtype::I32, Dtype::U64, Dtype::I64, Dtype::F64];

    fn bits_of_f32(values: &[f32]) -> Vec<u64> {
        values.iter().map(|v| u64::from(v.to_bits())).collect()
    }

    #[test]
    fn keys_by_hand() {
        assert_eq!(key(Dtype::U16, 0xfffe), 0xfffe);
        assert_eq!([0x80, 0xff, 0, 0x7f].map(|b| key(Dtype::I8, b)), [0, 0x7f, 0x80, 0xff]);
        assert_eq!(key(Dtype::F32, 0), 0x8000_0000);
        assert_eq!(key(Dtype::F32, 0x8000_0000), 0x7fff_ffff, "-0 is just below +0");
        assert_eq!(key(Dtype::F64, f64::NEG_INFINITY.to_bits()), 0x000f_ffff_ffff_ffff);
    }

    #[test]
    fn keys_ascend_with_the_values() {
        let (inf, tiny) = (f32::INFINITY, f32::from_bits(1));
        let ascending = bits_of_f32(&[-f32::NAN, -inf, f32::MIN, -1.0, -tiny, -0.0, 0.0, tiny, 1.0, f32::MAX, inf, f32::NAN]);
        assert!(ascending.windows(2).all(|w| key(Dtype::F32, w[0]) < key(Dtype::F32, w[1])));
        let ascending = [i64::MIN, -1, 0, 1, i64::MAX].map(|v| v as u64);
        assert!(ascending.windows(2).all(|w| key(Dtype::I64, w[0]) < key(Dtype::I64, w[1])));
    }

    #[test]
    fn every_key_is_that_of_one_stored_value() {
        for dtype in ALL {
            let width = 8 * dtype.bytes() as u32;
            let places =
                (0..=u64::from(u16::MAX)).flat_map(|i| [i, i << (width.max(16) - 16), i.wrapping_mul(0x9e37_79b9_7f4a_7c15)]);
            for bits in places.map(|b| b & all_bits(dtype)) {
                let key = key(dtype, bits);
                assert!(key <= all_bits(dtype) && stored(dtype, key) == bits, "{dtype}: {bits:#x} has key {key:#x}");
            }
        }
    }

    #[test]
    fn only_nan_lies_outside_of_the_numbers() {
        let (first, last) = numbers(Dtype::F32);
        let inside = |bits: u64| (first..=last).contains(&key(Dtype::F32, bits));
        assert!(bits_of_f32(&[f32::NEG_INFINITY, f32::INFINITY, -0.0, f32::MAX]).into_iter().all(inside));
        assert!([0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff, 0x7fc0_0000].into_iter().all(|bits| !inside(bits)));
        assert_eq!(numbers(Dtype::I16), (0, 0xffff));
        assert_eq!(numbers(Dtype::U64), (0, u64::MAX));
    }
}
