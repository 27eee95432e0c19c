//! The attributes of one data set, and how their values are read.

use std::collections::BTreeMap;

use super::numbers::{self, Numbers, Unreadable};
use super::tags;

/// Attributes by tag.
#[derive(Debug, Default)]
pub(super) struct Dataset {
    big_endian: bool,
    values: BTreeMap<u32, ElementValue>,
}

#[derive(Debug)]
pub(super) enum ElementValue {
    Plain { vr: [u8; 2], bytes: Vec<u8> },
    Items(Vec<Dataset>),
}

/// Text up to what is no UTF-8, without padding.
pub(super) fn trimmed(bytes: &[u8]) -> &str {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default(),
    };
    text.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace())
}

impl Dataset {
    pub(super) fn new(big_endian: bool) -> Self {
        Self { big_endian, ..Self::default() }
    }

    pub(super) fn insert(&mut self, tag: u32, value: ElementValue) {
        self.values.insert(tag, value);
    }

    /// The items of a sequence; none if it is absent.
    pub(super) fn items(&self, tag: u32) -> &[Dataset] {
        match self.values.get(&tag) {
            Some(ElementValue::Items(items)) => items,
            _ => &[],
        }
    }

    /// Whether the attribute is there at all.
    pub(super) fn has(&self, tag: u32) -> bool {
        self.values.contains_key(&tag)
    }

    /// The bytes of a value, unless it is empty.
    pub(super) fn bytes(&self, tag: u32) -> Option<&[u8]> {
        match self.values.get(&tag) {
            Some(ElementValue::Plain { bytes, .. }) if !bytes.is_empty() => Some(bytes),
            _ => None,
        }
    }

    /// A value as text, trimmed, unless it is empty.
    pub(super) fn text(&self, tag: u32) -> Option<&str> {
        self.bytes(tag).map(trimmed).filter(|t| !t.is_empty())
    }

    /// The numbers of a value, however they are written; none if one of them cannot be read. For attributes that nothing hangs on: what
    /// decides about values or places is read by [`Dataset::exact`].
    pub(super) fn numbers(&self, tag: u32) -> Vec<f64> {
        self.exact(tag).ok().flatten().map(|numbers| numbers.values).unwrap_or_default()
    }

    /// The first number of a value.
    pub(super) fn number(&self, tag: u32) -> Option<f64> {
        self.numbers(tag).first().copied()
    }

    /// The numbers of a value, none if it is absent or empty.
    ///
    /// # Errors
    /// What stands there where a number should be.
    pub(super) fn exact(&self, tag: u32) -> Result<Option<Numbers>, Unreadable> {
        let Some(ElementValue::Plain { vr, bytes }) = self.values.get(&tag) else { return Ok(None) };
        let vr = if vr == b"  " || vr == b"UN" { tags::implicit_vr(tag) } else { vr };
        let values: Vec<f64> = match vr {
            b"US" => self.u16s(tag).into_iter().map(f64::from).collect(),
            b"SS" => self.u16s(tag).into_iter().map(|v| f64::from(v as i16)).collect(),
            b"UL" | b"AT" => self.chunks::<4>(bytes).map(|b| f64::from(u32::from_le_bytes(b))).collect(),
            b"SL" => self.chunks::<4>(bytes).map(|b| f64::from(i32::from_le_bytes(b))).collect(),
            b"FL" => self.chunks::<4>(bytes).map(|b| f64::from(f32::from_le_bytes(b))).collect(),
            b"FD" => self.chunks::<8>(bytes).map(f64::from_le_bytes).collect(),
            _ => return numbers::read(tag, trimmed(bytes)),
        };
        match values.iter().find(|v| !v.is_finite()) {
            Some(odd) => Err(Unreadable::new(tag, &odd.to_string())),
            None if values.is_empty() => Ok(None),
            None => Ok(Some(Numbers::binary(values))),
        }
    }

    /// One number, the first of several that are all the same.
    ///
    /// # Errors
    /// As [`Dataset::exact`], and for several different ones.
    pub(super) fn exact_one(&self, tag: u32) -> Result<Option<f64>, Unreadable> {
        match self.exact(tag)? {
            Some(Numbers { values, .. }) if values.iter().any(|v| *v != values[0]) => {
                Err(Unreadable::count(tag, values.len(), 1))
            }
            numbers => Ok(numbers.map(|numbers| numbers.values[0])),
        }
    }

    /// Exactly `N` numbers.
    ///
    /// # Errors
    /// As [`Dataset::exact`], and for another count of them.
    pub(super) fn exact_vector<const N: usize>(&self, tag: u32) -> Result<Option<[f64; N]>, Unreadable> {
        let Some(Numbers { values, .. }) = self.exact(tag)? else { return Ok(None) };
        let count = values.len();
        values.try_into().map(Some).map_err(|_| Unreadable::count(tag, count, N))
    }

    /// The step of the last decimal that the numbers of a value are written with; 0 where they are binary.
    pub(super) fn resolution(&self, tag: u32) -> f64 {
        self.exact(tag).ok().flatten().map_or(0.0, |numbers| numbers.resolution)
    }

    /// A value as 16-bit words, whatever its value representation says.
    pub(super) fn u16s(&self, tag: u32) -> Vec<u16> {
        self.bytes(tag).map(|bytes| self.chunks::<2>(bytes).map(u16::from_le_bytes).collect()).unwrap_or_default()
    }

    /// One of a value's 16-bit words.
    pub(super) fn word(&self, tag: u32, i: usize) -> Option<f64> {
        let word = *self.bytes(tag)?.as_chunks::<2>().0.get(i)?;
        Some(f64::from(if self.big_endian { u16::from_be_bytes(word) } else { u16::from_le_bytes(word) }))
    }

    /// Little-endian words of a value.
    fn chunks<'a, const N: usize>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = [u8; N]> + 'a {
        bytes.chunks_exact(N).map(|chunk| {
            let mut word = [0; N];
            word.copy_from_slice(chunk);
            if self.big_endian {
                word.reverse();
            }
            word
        })
    }
}
