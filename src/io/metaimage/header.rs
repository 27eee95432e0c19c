//! The text of a MetaImage header: lines `Key = Value`, the last of which is `ElementDataFile`.
//!
//! Only the keys that say how voxels lie and what they mean are kept. `Comment`, `Name`, `ID` and keys of other programs (`ITK_…`, DICOM
//! attributes) may hold a patient's name: they are skipped and never shown.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use crate::io::stored::{HeaderLines, broken};
use crate::{Error, Result};

const KNOWN: [&str; 23] = [
    "ObjectType",
    "NDims",
    "DimSize",
    "ElementType",
    "ElementNumberOfChannels",
    "BinaryData",
    "BinaryDataByteOrderMSB",
    "ElementByteOrderMSB",
    "CompressedData",
    "CompressedDataSize",
    "HeaderSize",
    "ElementSpacing",
    "ElementSize",
    "DistanceUnits",
    "TransformMatrix",
    "Orientation",
    "Rotation",
    "Offset",
    "Position",
    "Origin",
    "ElementToIntensityFunctionSlope",
    "ElementToIntensityFunctionOffset",
    "ElementDataFile",
];

/// The values of a header, and where it ends.
#[derive(Debug, Default)]
pub(super) struct Keys {
    values: BTreeMap<&'static str, String>,
    /// The names behind `ElementDataFile = LIST`.
    pub(super) list: Vec<String>,
    /// Bytes up to the first behind `ElementDataFile`.
    pub(super) length: u64,
}

/// Whether text begins like a MetaImage header: lines with a key and a value, one of them `ObjectType` or `NDims`.
pub(super) fn begins_like_metaimage(start: &[u8]) -> bool {
    for line in start.split(|b| *b == b'\n') {
        let Some((key, value)) = std::str::from_utf8(line).ok().and_then(split) else { return false };
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '|')) {
            return false;
        }
        match key {
            "ObjectType" => return value.chars().all(|c| c.is_ascii_alphanumeric()),
            "NDims" => return value.parse::<u32>().is_ok(),
            _ => {}
        }
    }
    false
}

/// Key and value of a line.
fn split(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(['=', ':'])?;
    Some((key.trim(), value.trim())).filter(|(key, _)| !key.is_empty())
}

impl Keys {
    /// Reads up to `ElementDataFile`, and what it lists.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Format`], with the path.
    pub(super) fn read(path: &Path, file: impl BufRead) -> Result<Self> {
        let (mut keys, mut lines) = (Self::default(), HeaderLines::new(path, file));
        while keys.get("ElementDataFile").is_none() {
            let Some(line) = lines.next()? else {
                return Err(broken(path, "truncated: the header has no ElementDataFile"));
            };
            if line.trim().is_empty() {
                continue;
            }
            let (key, value) = split(&line).ok_or_else(|| broken(path, "a line of the header has no key and value"))?;
            let Some(known) = KNOWN.into_iter().find(|known| *known == key) else { continue };
            if keys.values.insert(known, value.to_owned()).is_some() {
                return Err(broken(path, format!("{known} is there twice")));
            }
        }
        keys.length = lines.length();
        if keys.get("ElementDataFile").is_some_and(|value| value.split_whitespace().next() == Some("LIST")) {
            while let Some(name) = lines.next()? {
                keys.list.extend(Some(name.trim().to_owned()).filter(|name| !name.is_empty()));
            }
        }
        Ok(keys)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Yes or no, if it is there.
    pub(super) fn flag(&self, path: &Path, key: &'static str) -> Result<Option<bool>> {
        match self.get(key).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "t" | "1") => Ok(Some(true)),
            Some("false" | "f" | "0") => Ok(Some(false)),
            Some(_) => Err(broken(path, format!("{key} is neither True nor False"))),
        }
    }

    /// A whole number, if it is there.
    pub(super) fn integer(&self, path: &Path, key: &'static str) -> Result<Option<i64>> {
        let read = |value: &str| value.parse().map_err(|_| broken(path, format!("{key} is no whole number")));
        self.get(key).map(read).transpose()
    }

    /// `count` numbers, if they are there; MetaIO reads no further either.
    pub(super) fn numbers(&self, path: &Path, key: &'static str, count: usize) -> Result<Option<Vec<f64>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let numbers: Vec<f64> = value.split_whitespace().map_while(|word| word.parse().ok()).take(count).collect();
        if numbers.len() == count {
            return Ok(Some(numbers));
        }
        Err(broken(path, format!("{key} has {} numbers, needs {count}", numbers.len())))
    }

    /// `count` numbers under whichever of several names of one thing.
    pub(super) fn named(&self, path: &Path, names: [&'static str; 3], count: usize) -> Result<Option<Vec<f64>>> {
        let mut found: Option<Vec<f64>> = None;
        for name in names {
            match (&found, self.numbers(path, name, count)?) {
                (Some(one), Some(other)) if *one != other => {
                    return Err(broken(path, format!("{} say different things", names.join(", "))));
                }
                (None, Some(other)) => found = Some(other),
                _ => {}
            }
        }
        Ok(found)
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, path: &Path, key: &'static str) -> Result<&str> {
        self.get(key).ok_or_else(|| broken(path, format!("the header has no {key}")))
    }
}

/// A kind of object or voxel that is no image of numbers.
pub(super) fn unsupported(path: &Path, what: impl Into<String>) -> Error {
    Error::unsupported(path, what, "convert it to an image of one number a voxel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_told_by_its_first_lines() {
        let is = |text: &str| begins_like_metaimage(text.as_bytes());
        assert!(is("ObjectType = Image\nNDims = 3\n") && is("NDims = 2\r\nDimSize") && is("Comment = a b\nObjectType=Image\n"));
        for other in ["", "Patient went home.", "a,b,c\nNDims = 3", "<html>\nNDims = 3\n", "NDims = three\n", "key = value\n"] {
            assert!(!is(other), "{other}");
        }
        assert!(!begins_like_metaimage(&[0xff, b'\n', b'N']));
    }

    #[test]
    fn only_known_keys_are_kept() {
        let lines = "Comment = Jane Doe\nNDims = 2\n0010|0010 = Jane Doe\nName: Jane\n\nElementDataFile = LIST\n a.raw \n\nb.raw";
        let keys = Keys::read(Path::new("a"), lines.as_bytes()).unwrap();
        assert!(!format!("{keys:?}").contains("Jane"));
        assert_eq!((keys.list.as_slice(), keys.get("NDims")), (["a.raw".to_owned(), "b.raw".to_owned()].as_slice(), Some("2")));
        assert_eq!(keys.length as usize, lines.find(" a.raw").unwrap());
        for bad in ["NDims = 2\n", "NDims = 2\nNDims = 2\nElementDataFile = LOCAL\n", "words\n"] {
            assert!(matches!(Keys::read(Path::new("a"), bad.as_bytes()), Err(Error::Format { .. })), "{bad}");
        }
    }
}
