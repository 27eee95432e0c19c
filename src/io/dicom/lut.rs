//! Tables of a LUT sequence (PS3.3 C.11.1.1, C.11.2.1.1): for the values themselves or for their display.

use super::dataset::Dataset;
use super::tags;

/// A table of whole numbers.
#[derive(Debug, PartialEq)]
pub(super) struct Lut {
    /// The value that the first entry is for; smaller ones take it too, those beyond the table its last entry.
    pub(super) first: i32,
    pub(super) entries: Vec<u16>,
    /// The largest number of as many bits as an entry has.
    pub(super) top: u16,
    /// The entries are Hounsfield units.
    pub(super) hounsfield: bool,
}

impl Lut {
    /// A table that is whole.
    pub(super) fn read(item: &Dataset, signed: bool) -> Option<Self> {
        // 16-bit words whatever is said of them: writers mix up US and SS.
        let [entries, first, bits] = item.u16s(tags::LUT_DESCRIPTOR).try_into().ok()?;
        let count = if entries == 0 { 1 << 16 } else { usize::from(entries) };
        let first = if signed { i32::from(first as i16) } else { i32::from(first) };
        let top = match bits {
            1..=16 => (u32::from(u16::MAX) >> (16 - bits)) as u16,
            _ => return None,
        };
        let data = item.bytes(tags::LUT_DATA)?;
        // Entries of up to eight bits are also found packed, one in each byte.
        let packed = bits <= 8 && data.len() < 2 * count;
        let mut entries = if packed { data.iter().map(|b| u16::from(*b)).collect() } else { item.u16s(tags::LUT_DATA) };
        if entries.len() < count {
            return None;
        }
        entries.truncate(count);
        entries.iter_mut().for_each(|e| *e = (*e).min(top));
        Some(Self { first, entries, top, hounsfield: item.text(tags::LUT_TYPE) == Some("HU") })
    }

    /// The entry of a stored value.
    pub(super) fn entry(&self, stored: i32) -> u16 {
        let i = stored.saturating_sub(self.first).clamp(0, self.entries.len() as i32 - 1);
        self.entries[i as usize]
    }
}
