//! Where each frame of encapsulated pixel data lies.

use super::broken;
use super::bytes::{Bytes, Cursor};
use super::elements::PixelElement;
use crate::Result;

/// A frame's fragments: (offset, length).
pub(super) type Fragments = Vec<(u64, u64)>;

/// The frames of a file.
pub(super) struct Fragmented {
    /// Of each frame that the header counts.
    pub(super) fragments: Vec<Fragments>,
    /// Frames that there are.
    pub(super) frames: u64,
}

/// The fragments of each frame. `extended` is the Extended Offset Table, empty if there is none.
pub(super) fn index(bytes: &Bytes, pixels: &PixelElement, frames: u64, extended: &[u64]) -> Result<Fragmented> {
    let flaw = |what: &str| broken(bytes.path(), what);
    let mut cursor = Cursor::new(bytes, pixels.at);
    let item = |cursor: &mut Cursor| -> Result<Option<u64>> {
        let [g0, g1, e0, e1, len @ ..] = cursor.take::<8>().map_err(|_| flaw("the file ends inside its pixel data"))?;
        match (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1])) {
            (0xFFFE, 0xE000) => Ok(Some(u64::from(u32::from_le_bytes(len)))),
            (0xFFFE, 0xE0DD) => Ok(None),
            _ => Err(flaw("the compressed pixel data is not made of items")),
        }
    };
    let table_len = item(&mut cursor)?.ok_or_else(|| flaw("the compressed pixel data is empty"))?;
    let table = cursor.vec(table_len).map_err(|_| flaw("the file ends inside its pixel data"))?;
    let mut offsets: Vec<u64> = table.as_chunks::<4>().0.iter().map(|w| u64::from(u32::from_le_bytes(*w))).collect();
    if !extended.is_empty() {
        offsets = extended.to_vec();
    }
    let first = cursor.at;
    let mut all: Fragments = Vec::new();
    // Some writers leave out the delimiter behind the last fragment.
    while cursor.at < bytes.len()
        && let Some(len) = item(&mut cursor)?
    {
        all.push((cursor.at, len));
        cursor.skip(len).map_err(|_| flaw("the file ends inside its pixel data"))?;
    }
    let frames = frames as usize;
    if all.is_empty() {
        return Err(flaw("the compressed pixel data is empty"));
    }
    let split = |starts: &[usize]| {
        let end = |f: usize| starts.get(f + 1).copied().unwrap_or(all.len());
        let fragments = (0..frames).map(|f| all[starts[f]..end(f)].to_vec()).collect();
        Fragmented { fragments, frames: starts.len() as u64 }
    };
    if all.len() == 1 && frames == 1 {
        return Ok(split(&[0]));
    }
    let ascending = |starts: &[usize]| starts.len() >= frames && starts.first() == Some(&0) && starts.is_sorted_by(|a, b| a < b);
    let at = |offset: &u64| all.binary_search_by_key(&offset.checked_add(first + 8)?, |f| f.0).ok();
    if !offsets.is_empty() && (offsets.len() > 1 || frames > 1) {
        let starts: Option<Vec<usize>> = offsets.iter().map(at).collect();
        match starts {
            Some(starts) if ascending(&starts) => return Ok(split(&starts)),
            _ if all.len() == frames => {}
            None => return Err(flaw("the table of frame offsets does not fit the frames")),
            Some(_) => {}
        }
    }
    if all.len() == frames {
        return Ok(split(&(0..frames).collect::<Vec<_>>()));
    }
    let starts = codestream_starts(bytes, &all)?;
    if ascending(&starts) {
        return Ok(split(&starts));
    }
    // Nothing but the header's count says that these are one image.
    if frames == 1 {
        return Ok(split(&[0]));
    }
    Err(flaw(&format!("{} fragments cannot be told apart into {frames} frames", all.len())))
}

/// Fragments that begin with the marker that begins a JPEG or JPEG 2000 image.
fn codestream_starts(bytes: &Bytes, all: &[(u64, u64)]) -> Result<Vec<usize>> {
    let mut starts = Vec::new();
    for (i, &(at, len)) in all.iter().enumerate() {
        let mut head = [0; 4];
        if len >= 4 {
            bytes.read(at, &mut head)?;
            if head[..3] == [0xFF, 0xD8, 0xFF] || head == [0xFF, 0x4F, 0xFF, 0x51] {
                starts.push(i);
            }
        }
    }
    Ok(starts)
}
