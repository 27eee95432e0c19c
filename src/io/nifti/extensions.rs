//! Header extensions: bytes behind the header of whose content nothing is known here. Some hold a patient's name (code 2 is a whole DICOM header), so
//! they are dropped unless the caller asks for them, and never shown.

use crate::volume::Extensions;

/// The most bytes of extensions that are kept: beyond, NIfTI-1's float32 may not say where voxels begin.
pub(super) const MOST: u64 = 64 << 20;

/// Extensions in little-endian form: each begins with its size, a multiple of 16 with the eight bytes of size and code, and its code. None if they do not
/// follow each other so.
pub(super) fn tidied(raw: &[u8], big_endian: bool) -> Option<Extensions> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let (code, _) = after.split_first_chunk::<4>()?;
        let [size, code] = [size, code].map(|b| if big_endian { i32::from_be_bytes(*b) } else { i32::from_le_bytes(*b) });
        if size == 0 {
            // Room that nobody used.
            break;
        }
        let size = usize::try_from(size).ok().filter(|size| *size >= 16 && size % 16 == 0)?;
        let content = rest.get(8..size)?;
        out.extend((size as i32).to_le_bytes());
        out.extend(code.to_le_bytes());
        out.extend(content);
        rest = rest.get(size..)?;
    }
    Some(Extensions(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_codes_are_turned_and_contents_are_not() {
        let big = [&[0, 0, 0, 16, 0, 0, 0, 6][..], b"comment!", &[0, 0, 0, 32, 0, 0, 0, 2], &[7; 24], &[0; 16]].concat();
        let little = [&[16, 0, 0, 0, 6, 0, 0, 0][..], b"comment!", &[32, 0, 0, 0, 2, 0, 0, 0], &[7; 24]].concat();
        assert_eq!(tidied(&big, true).unwrap().0, little);
        assert_eq!(tidied(&little, false).unwrap().0, little);
        for bad in [&[17, 0, 0, 0, 6, 0, 0, 0][..], &[32, 0, 0, 0, 6, 0, 0, 0, 1], &[255; 16], &[16, 0, 0, 0]] {
            assert!(tidied(bad, false).is_none(), "{bad:?}");
        }
    }
}
