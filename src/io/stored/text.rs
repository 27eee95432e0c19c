//! Numbers written as text.

use std::path::Path;
use std::str::FromStr;

use crate::volume::Dtype;
use crate::{Error, Result};

/// `count` numbers between blanks or commas, as little-endian bytes of the type. What follows them is noted.
///
/// # Errors
/// [`Error::Format`] for too few, or for what is no number of the type, with the path.
pub(in crate::io) fn numbers(path: &Path, text: &[u8], (dtype, count): (Dtype, u64), notes: &mut Vec<String>) -> Result<Vec<u8>> {
    let words = || text.split(|b| b.is_ascii_whitespace() || *b == b',').filter(|word| !word.is_empty());
    // Counted before anything is allocated on the header's word.
    let given = words().count() as u64;
    if given < count {
        let what = format!("truncated: {given} numbers, the header needs {count}");
        return Err(Error::format(path, what, "get the file again"));
    }
    if given > count {
        notes.push(format!("{} numbers behind the voxels are not read", given - count));
    }
    let mut bytes = Vec::with_capacity(count as usize * dtype.bytes());
    for (i, word) in words().take(count as usize).enumerate() {
        push(&mut bytes, dtype, word).ok_or_else(|| {
            Error::format(
                path,
                format!("number {} of the data is no {dtype}", i + 1),
                "write it again with the program that made it",
            )
        })?;
    }
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, dtype: Dtype, word: &[u8]) -> Option<()> {
    macro_rules! number {
        ($type:ty) => {
            bytes.extend(parsed::<$type>(word)?.to_le_bytes())
        };
    }
    match dtype {
        Dtype::U8 => number!(u8),
        Dtype::I8 => number!(i8),
        Dtype::U16 => number!(u16),
        Dtype::I16 => number!(i16),
        Dtype::F32 => number!(f32),
        Dtype::U32 => number!(u32),
        Dtype::I32 => number!(i32),
        Dtype::U64 => number!(u64),
        Dtype::I64 => number!(i64),
        Dtype::F64 => number!(f64),
    }
    Some(())
}

fn parsed<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_type_or_are_none() {
        let read = |text: &str, dtype, count| numbers(Path::new("a.nrrd"), text.as_bytes(), (dtype, count), &mut Vec::new());
        assert_eq!(read(" 1,2\n\n255 ", Dtype::U8, 3).unwrap(), [1, 2, 255]);
        assert_eq!(read("-1 0", Dtype::I16, 2).unwrap(), [255, 255, 0, 0]);
        assert_eq!(read("0.1 1e2", Dtype::F32, 2).unwrap(), [0.1f32.to_le_bytes(), 100f32.to_le_bytes()].concat());
        assert!(f64::from_le_bytes(read("nan", Dtype::F64, 1).unwrap().try_into().unwrap()).is_nan());
        for (text, dtype) in
            [("256", Dtype::U8), ("-1", Dtype::U16), ("1.5", Dtype::I32), ("x", Dtype::F32), ("1 \u{e9}", Dtype::U8)]
        {
            let error = read(text, dtype, text.split(' ').count() as u64).unwrap_err().to_string();
            assert!(error.contains(&format!("is no {dtype}")), "{error}");
        }
        assert!(read("1 2", Dtype::U8, 1 << 60).unwrap_err().to_string().starts_with("truncated: 2 numbers"));
        let mut notes = Vec::new();
        numbers(Path::new("a"), b"1 2 3", (Dtype::U8, 2), &mut notes).unwrap();
        assert_eq!(notes, ["1 numbers behind the voxels are not read"]);
    }
}
