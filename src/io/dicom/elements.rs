//! The data elements of a file up to its pixels.
//!
//! Only elements on the allow-list in [`super::tags`] are read; all others, every patient attribute among them, are stepped over
//! without ever entering memory. The walk is iterative over what it skips, so nesting cannot exhaust the stack, and nothing is
//! allocated that the file does not hold.

use super::broken;
use super::bytes::{Bytes, Cursor};
use super::dataset::{Dataset, ElementValue, trimmed};
use super::syntax::Syntax;
use super::tags::{self, Want};
use crate::Result;

/// Where the pixels lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct PixelElement {
    pub(super) tag: u32,
    /// The value, or the first item where it is encapsulated.
    pub(super) at: u64,
    /// None: undefined, that is, encapsulated.
    pub(super) len: Option<u64>,
    /// Value representation OW: swapped in pairs of bytes in big endian syntaxes.
    pub(super) words: bool,
}

/// What a file says before its pixels.
pub(super) struct Scan {
    pub(super) syntax: Syntax,
    /// False: no preamble with `DICM`; the encoding was guessed.
    pub(super) has_magic: bool,
    /// Where the data set begins: what is deflated begins there.
    pub(super) dataset_at: u64,
    pub(super) dataset: Dataset,
    pub(super) pixels: Option<PixelElement>,
}

const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
/// Real files nest four or five deep.
const MAX_DEPTH: usize = 64;
const MAX_ITEMS: usize = 1 << 20;
const MAX_VALUE: u64 = 1 << 20;

/// Whether these first bytes of a file look like DICOM: 140 of them are enough.
pub(super) fn looks_like_dicom(start: &[u8]) -> bool {
    if start.len() >= 132 && &start[128..132] == b"DICM" {
        return true;
    }
    let Some(&[a, b, c, d, e, f, g, h]) = start.first_chunk::<8>() else { return false };
    let (group_le, group_be) = (u16::from_le_bytes([a, b]), u16::from_be_bytes([a, b]));
    let vr = is_vr([e, f]);
    // Without a preamble: a data set begins in group 0002 or 0008, its first elements have low numbers and short values.
    match (group_le, group_be) {
        (2 | 8, _) => d == 0 && (vr || u32::from_le_bytes([e, f, g, h]) < 256),
        (_, 2 | 8) => c == 0 && vr,
        _ => false,
    }
}

/// Reads a file's allow-listed elements up to its pixels, and what people wrote of its series only `with_text`.
pub(super) fn scan(bytes: &Bytes, with_text: bool) -> Result<Scan> {
    let mut start = vec![0; bytes.len().min(140) as usize];
    bytes.read(0, &mut start)?;
    if !looks_like_dicom(&start) {
        return Err(crate::Error::format(bytes.path(), "this is not a DICOM file", "check the path"));
    }
    let has_magic = start.len() >= 132 && &start[128..132] == b"DICM";
    let mut cursor = Cursor::new(bytes, if has_magic { 132 } else { 0 });
    let uid = meta_group(&mut cursor)?;
    let dataset_at = cursor.at;
    let syntax = match uid {
        Some(uid) => Syntax::from_uid(&uid),
        None => guess(bytes, dataset_at)?,
    };
    if syntax.deflated {
        let inner = Bytes::memory(bytes.path(), bytes.inflate(dataset_at)?);
        let (dataset, pixels) = walk(&inner, 0, &syntax, with_text)?;
        return Ok(Scan { syntax, has_magic, dataset_at, dataset, pixels });
    }
    let (dataset, pixels) = walk(bytes, dataset_at, &syntax, with_text)?;
    Ok(Scan { syntax, has_magic, dataset_at, dataset, pixels })
}

fn walk(bytes: &Bytes, at: u64, syntax: &Syntax, with_text: bool) -> Result<(Dataset, Option<PixelElement>)> {
    let mut walker = Walker { cursor: Cursor::new(bytes, at), big_endian: syntax.big_endian, with_text };
    walker.dataset(syntax.explicit, bytes.len(), 0)
}

/// The group 0002, if there is one: always explicit VR little endian. Its group length is often wrong and not needed.
fn meta_group(cursor: &mut Cursor) -> Result<Option<String>> {
    let mut uid = None;
    while !cursor.at_end() {
        let at = cursor.at;
        let mut walker = Walker { cursor: Cursor::new(cursor.bytes, at), big_endian: false, with_text: false };
        let element = walker.element(true)?;
        if element.tag >> 16 != 2 {
            break;
        }
        let len = element.len.ok_or_else(|| broken(cursor.bytes.path(), "an element of the file's meta group has no length"))?;
        if element.tag == tags::TRANSFER_SYNTAX {
            let value = walker.cursor.vec(len.min(64))?;
            uid = Some(trimmed(&value).to_string()).filter(|u| !u.is_empty());
            walker.cursor.skip(len - len.min(64))?;
        } else {
            walker.cursor.skip(len)?;
        }
        cursor.at = walker.cursor.at;
    }
    Ok(uid)
}

/// The encoding of a data set that has no meta group.
fn guess(bytes: &Bytes, at: u64) -> Result<Syntax> {
    let mut head = [0; 6];
    if bytes.len() < at + 6 {
        return Err(broken(bytes.path(), "the file ends before its data set begins"));
    }
    bytes.read(at, &mut head)?;
    Ok(match (head[0], is_vr([head[4], head[5]])) {
        (0, true) => Syntax::from_uid("1.2.840.10008.1.2.2"),
        (_, true) => Syntax::from_uid("1.2.840.10008.1.2.1"),
        (_, false) => Syntax::implicit(),
    })
}

fn is_vr(vr: [u8; 2]) -> bool {
    vr.iter().all(u8::is_ascii_uppercase)
}

struct Element {
    tag: u32,
    vr: [u8; 2],
    len: Option<u64>,
}

struct Walker<'a> {
    cursor: Cursor<'a>,
    big_endian: bool,
    with_text: bool,
}

impl Walker<'_> {
    fn u16(&mut self) -> Result<u16> {
        let raw = self.cursor.take::<2>()?;
        Ok(if self.big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(&mut self) -> Result<u32> {
        let raw = self.cursor.take::<4>()?;
        Ok(if self.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    fn element(&mut self, explicit: bool) -> Result<Element> {
        let tag = u32::from(self.u16()?) << 16 | u32::from(self.u16()?);
        if !explicit || tag >> 16 == 0xFFFE {
            let len = defined(self.u32()?);
            return Ok(Element { tag, vr: *b"  ", len });
        }
        let after_tag = self.cursor.at;
        let vr = self.cursor.take::<2>()?;
        if !is_vr(vr) {
            // Some writers slip implicit elements into an explicit data set.
            self.cursor.at = after_tag;
            let len = defined(self.u32()?);
            return Ok(Element { tag, vr: *b"  ", len });
        }
        let long =
            matches!(&vr, b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV");
        let len = if long {
            self.cursor.skip(2)?;
            defined(self.u32()?)
        } else {
            Some(u64::from(self.u16()?))
        };
        Ok(Element { tag, vr, len })
    }

    /// The elements up to `end`, to the end of the item, or to the pixels.
    fn dataset(&mut self, explicit: bool, end: u64, depth: usize) -> Result<(Dataset, Option<PixelElement>)> {
        let mut dataset = Dataset::new(self.big_endian);
        while self.cursor.at < end {
            let Element { tag, vr, len } = self.element(explicit)?;
            if depth == 0 && tags::PIXELS.contains(&tag) {
                let pixels = PixelElement { tag, at: self.cursor.at, len, words: &vr == b"OW" };
                return Ok((dataset, Some(pixels)));
            }
            let want = if tag == tags::SERIES_DESCRIPTION && !self.with_text { Want::Skip } else { tags::want(tag) };
            match (want, len) {
                _ if tag == ITEM_END || tag == SEQUENCE_END => break,
                (Want::Sequence, _) if depth < 4 => {
                    let explicit = explicit && &vr != b"UN";
                    let items = self.items(explicit, len, depth)?;
                    dataset.insert(tag, ElementValue::Items(items));
                }
                (Want::Value, Some(len)) if len <= MAX_VALUE => {
                    let bytes = self.cursor.vec(len)?;
                    dataset.insert(tag, ElementValue::Plain { vr, bytes });
                }
                (_, Some(len)) => self.cursor.skip(len)?,
                (_, None) => self.skip_sequence(explicit && &vr != b"UN")?,
            }
        }
        Ok((dataset, None))
    }

    fn items(&mut self, explicit: bool, len: Option<u64>, depth: usize) -> Result<Vec<Dataset>> {
        let end = len.map_or(u64::MAX, |len| self.cursor.at.saturating_add(len));
        let mut items = Vec::new();
        while self.cursor.at < end {
            let Element { tag, len, .. } = self.element(explicit)?;
            match tag {
                SEQUENCE_END => break,
                ITEM => {}
                _ => return Err(broken(self.cursor.bytes.path(), "a sequence holds something that is no item")),
            }
            if items.len() == MAX_ITEMS {
                return Err(broken(self.cursor.bytes.path(), format!("a sequence holds more than {MAX_ITEMS} items")));
            }
            let end = len.map_or(u64::MAX, |len| self.cursor.at.saturating_add(len));
            items.push(self.dataset(explicit, end, depth + 1)?.0);
        }
        Ok(items)
    }

    /// Steps over a sequence of undefined length, however deep.
    fn skip_sequence(&mut self, explicit: bool) -> Result<()> {
        let mut open = vec![(true, explicit)];
        while let Some(&(in_sequence, explicit)) = open.last() {
            let Element { tag, vr, len } = self.element(explicit)?;
            match (tag, len) {
                (SEQUENCE_END, _) if in_sequence => drop(open.pop()),
                (ITEM_END, _) if !in_sequence => drop(open.pop()),
                (_, Some(len)) => self.cursor.skip(len)?,
                (ITEM, None) if in_sequence => open.push((false, explicit)),
                (_, None) if !in_sequence => open.push((true, explicit && &vr != b"UN")),
                _ => return Err(broken(self.cursor.bytes.path(), "a sequence holds something that is no item")),
            }
            if open.len() > MAX_DEPTH {
                return Err(broken(self.cursor.bytes.path(), format!("sequences are nested more than {MAX_DEPTH} deep")));
            }
        }
        Ok(())
    }
}

fn defined(len: u32) -> Option<u64> {
    (len != u32::MAX).then_some(u64::from(len))
}
