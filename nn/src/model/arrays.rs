//! Files of named arrays in the safetensors format: a length, a JSON header, and the numbers, little-endian. Only F32 is needed here.

use std::collections::BTreeMap;
use std::path::Path;

use hounsfield::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Numbers of a shape, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Its axes.
    pub shape: Vec<usize>,
    /// As many numbers as the axes say.
    pub values: Vec<f32>,
}

/// The arrays of a file by name, in their order, and its notes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrays {
    arrays: Vec<(String, Array)>,
    notes: BTreeMap<String, String>,
}

/// The longest header that is believed; the format's own limit.
const MOST_HEADER: u64 = 100_000_000;
/// The name under which notes stand.
const NOTES: &str = "__metadata__";

impl Arrays {
    /// Adds an array.
    pub fn put(&mut self, name: &str, array: Array) {
        self.arrays.push((name.into(), array));
    }

    /// Adds a run of numbers.
    pub fn put_run(&mut self, name: &str, values: &[f32]) {
        self.put(name, Array { shape: vec![values.len()], values: values.to_vec() });
    }

    /// Adds a note, as JSON.
    pub fn note(&mut self, name: &str, value: &impl Serialize) {
        // What is noted here are plain structs, which always are JSON.
        let text = serde_json::to_string(value).unwrap_or_default();
        self.notes.insert(name.into(), text);
    }

    /// The text of a note.
    pub fn noted(&self, name: &str) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }

    /// An array by name.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut header = Map::new();
        if !self.notes.is_empty() {
            header.insert(NOTES.into(), json!(self.notes));
        }
        let mut end = 0;
        for (name, Array { shape, values }) in &self.arrays {
            let start = end;
            end += 4 * values.len();
            header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]}));
        }
        let mut text = Value::Object(header).to_string();
        // Numbers begin at a multiple of eight, as the format recommends.
        text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        for (_, array) in &self.arrays {
            bytes.extend(array.values.iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Format`] for what is no such file or is cut off.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::read(path))?;
        Self::parse(&bytes).ok_or_else(|| {
            Error::format(
                path,
                "no safetensors file of numbers of 32 bits, or a damaged one",
                "name the folder of a model, or its model.safetensors",
            )
        })
    }

    /// The arrays of a file; nothing of it is believed before it is checked.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
        if length > MOST_HEADER {
            return None;
        }
        let rest = &bytes[8..];
        let header: Map<String, Value> = serde_json::from_slice(rest.get(..length as usize)?).ok()?;
        let data = &rest[length as usize..];
        let mut all = Self::default();
        for (name, entry) in header {
            if name == NOTES {
                let notes = entry.as_object()?.iter();
                all.notes = notes.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()?;
                continue;
            }
            let whole = |value: &Value| {
                value.as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect::<Option<Vec<usize>>>()
            };
            let (shape, ends) = (whole(entry.get("shape")?)?, whole(entry.get("data_offsets")?)?);
            let [start, end] = ends.as_slice() else { return None };
            let own = data.get(*start..*end)?;
            let wanted = shape.iter().try_fold(4_usize, |all, n| all.checked_mul(*n))?;
            if entry.get("dtype")?.as_str()? != "F32" || own.len() != wanted {
                return None;
            }
            let values = own.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            all.arrays.push((name, Array { shape, values }));
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_and_damage_is_found() {
        let mut arrays = Arrays::default();
        arrays.note("key", &json!({"a": 1}));
        arrays.put("b.weight", Array { shape: vec![2, 3], values: vec![1.0, -2.0, 0.5, 1e-30, f32::MAX, 0.0] });
        arrays.put_run("a", &[7.0]);
        let bytes = arrays.bytes();
        assert_eq!(Arrays::parse(&bytes), Some(arrays.clone()));
        assert_eq!(arrays.noted("key"), Some("{\"a\":1}"));
        for cut in [0, 7, 20, bytes.len() - 1] {
            assert_eq!(Arrays::parse(&bytes[..cut]), None, "{cut}");
        }
        let mut long = bytes.clone();
        long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(Arrays::parse(&long), None);
        let text = |from: &str, to: &str| String::from_utf8_lossy(&bytes[8..]).replacen(from, to, 1);
        for (from, to) in [("F32", "F16"), ("[2,3]", "[2,4]"), ("[0,24]", "[0,99]")] {
            let changed = text(from, to);
            let header = changed.find('\0').map_or(changed.as_str(), |end| &changed[..end]);
            let mut broken = (header.len() as u64).to_le_bytes().to_vec();
            broken.extend(header.as_bytes());
            assert_eq!(Arrays::parse(&broken), None, "{from}");
        }
    }
}
