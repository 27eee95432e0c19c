//! How the numbers of one chunk lie in its bytes, and how they come into those of a volume.

use std::path::Path;

use serde_json::Value;

use super::json::unknown;
use crate::Result;
use crate::io::stored::{broken, reverse_each};
use crate::volume::Dtype;

/// How the numbers of a chunk lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberLayout {
    pub(super) big_endian: bool,
    /// The axes of the array in the order of the file, the slowest first.
    pub(super) order: Vec<usize>,
}

impl NumberLayout {
    /// Little-endian, the last axis the fastest.
    pub(super) fn plain(axes: usize) -> Self {
        Self { big_endian: false, order: (0..axes).collect() }
    }

    /// From a number to the next along each axis of the array, in numbers.
    pub(super) fn strides(&self, chunk: &[u64]) -> Vec<u64> {
        let mut strides = vec![0; chunk.len()];
        let mut step = 1;
        for axis in self.order.iter().rev() {
            strides[*axis] = step;
            step *= chunk[*axis];
        }
        strides
    }

    /// Turns the bytes of each number into little-endian order.
    pub(super) fn straighten(&self, bytes: &mut [u8], size: usize) {
        if self.big_endian {
            reverse_each(bytes, size);
        }
    }
}

/// The names of the types: in version 3, and behind the sign of the byte order in version 2.
const TYPES: [(Dtype, &str, &str); 11] = [
    (Dtype::I8, "int8", "i1"),
    (Dtype::U8, "uint8", "u1"),
    (Dtype::I16, "int16", "i2"),
    (Dtype::U16, "uint16", "u2"),
    (Dtype::I32, "int32", "i4"),
    (Dtype::U32, "uint32", "u4"),
    (Dtype::I64, "int64", "i8"),
    (Dtype::U64, "uint64", "u8"),
    (Dtype::F32, "float32", "f4"),
    (Dtype::F64, "float64", "f8"),
    // Truth values.
    (Dtype::U8, TRUTH, "b1"),
];

/// What version 3 calls truth values.
pub(super) const TRUTH: &str = "bool";

/// The type of a name, and whether it holds truth values.
pub(super) fn number_type(path: &Path, name: &str, version: u8) -> Result<(Dtype, bool)> {
    let found = TYPES.iter().find(|(_, third, second)| name == if version == 3 { *third } else { *second });
    found.map(|(dtype, third, _)| (*dtype, *third == TRUTH)).ok_or_else(|| unknown(path, "the type", name))
}

/// The names of a type in versions 2 and 3.
pub(super) fn type_names(dtype: Dtype) -> (&'static str, &'static str) {
    TYPES.iter().find(|(known, ..)| *known == dtype).map_or(("", ""), |(_, third, second)| (second, third))
}

/// A number that the metadata give, as little-endian bytes. Null is zero.
pub(super) fn fill_value(path: &Path, value: &Value, dtype: Dtype) -> Result<Vec<u8>> {
    let wrong = || broken(path, format!("the fill value is no {dtype}"));
    let float = || match value {
        Value::Null => Some(0.0),
        Value::Number(n) => n.as_f64(),
        Value::String(name) => match name.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    };
    // The bits themselves, of a NaN that is not the usual one.
    if let (Some(digits), false) = (value.as_str().and_then(|text| text.strip_prefix("0x")), dtype.is_integer()) {
        let bits = u64::from_str_radix(digits, 16).map_err(|_| wrong())?;
        return match dtype {
            Dtype::F32 => u32::try_from(bits).map(|bits| bits.to_le_bytes().to_vec()).map_err(|_| wrong()),
            _ => Ok(bits.to_le_bytes().to_vec()),
        };
    }
    if !dtype.is_integer() {
        let number = float().ok_or_else(wrong)?;
        return Ok(if dtype == Dtype::F32 { (number as f32).to_le_bytes().to_vec() } else { number.to_le_bytes().to_vec() });
    }
    let whole: i128 = match value {
        Value::Null => 0,
        Value::Bool(truth) => i128::from(*truth),
        Value::Number(n) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
            (Some(n), ..) => n.into(),
            (_, Some(n), _) => n.into(),
            // Such as 0.0.
            (.., Some(n)) if n.fract() == 0.0 && n.abs() < 9e15 => n as i128,
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    macro_rules! whole {
        ($type:ty) => {
            <$type>::try_from(whole).map(|n| n.to_le_bytes().to_vec()).map_err(|_| wrong())
        };
    }
    match dtype {
        Dtype::U8 => whole!(u8),
        Dtype::I8 => whole!(i8),
        Dtype::U16 => whole!(u16),
        Dtype::I16 => whole!(i16),
        Dtype::U32 => whole!(u32),
        Dtype::I32 => whole!(i32),
        Dtype::U64 => whole!(u64),
        _ => whole!(i64),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_lie_in_the_order_of_the_axes() {
        assert_eq!(NumberLayout::plain(3).strides(&[4, 3, 2]), [6, 2, 1]);
        let fortran = NumberLayout { big_endian: false, order: vec![2, 1, 0] };
        assert_eq!(fortran.strides(&[4, 3, 2]), [1, 4, 12]);
        let turned = NumberLayout { big_endian: false, order: vec![1, 2, 0] };
        assert_eq!(turned.strides(&[4, 3, 2]), [1, 8, 4]);
    }

    #[test]
    fn fill_values_are_exact_or_refused() {
        let of = |value: Value, dtype| fill_value(Path::new("a"), &value, dtype);
        assert_eq!(of(json!(null), Dtype::I16).unwrap(), [0, 0]);
        assert_eq!(of(json!(-1024), Dtype::I16).unwrap(), (-1024i16).to_le_bytes());
        assert_eq!(of(json!(7.0), Dtype::U8).unwrap(), [7]);
        assert_eq!(of(json!(u64::MAX), Dtype::U64).unwrap(), [255; 8]);
        assert_eq!(of(json!(i64::MIN), Dtype::I64).unwrap(), i64::MIN.to_le_bytes());
        assert_eq!(of(json!("0x7fc00001"), Dtype::F32).unwrap(), 0x7fc0_0001_u32.to_le_bytes());
        assert_eq!(of(json!("-Infinity"), Dtype::F64).unwrap(), f64::NEG_INFINITY.to_le_bytes());
        assert_eq!(of(json!(0.1), Dtype::F32).unwrap(), 0.1f32.to_le_bytes());
        assert_eq!(of(json!(true), Dtype::U8).unwrap(), [1]);
        for (value, dtype) in [
            (json!(256), Dtype::U8),
            (json!(-1), Dtype::U16),
            (json!(0.5), Dtype::I32),
            (json!("x"), Dtype::F32),
            (json!([0]), Dtype::U8),
        ] {
            assert!(of(value, dtype).unwrap_err().to_string().starts_with("the fill value is no"));
        }
    }
}
