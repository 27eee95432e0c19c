//! Directories of TIFF and BigTIFF files (TIFF 6.0, section 2): which fields there are, and the values of those that are asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{damaged, lacking};
use crate::io::positional;
use crate::{Error, Result};

/// Fields that a directory may have: real ones have some dozens.
const MOST_FIELDS: u64 = 1 << 12;

/// A file, read at any place from any thread.
pub(super) struct TiffFile {
    pub(super) path: PathBuf,
    file: File,
    pub(super) length: u64,
    pub(super) little: bool,
    big: bool,
}

/// The fields of one directory.
pub(super) struct Directory<'a> {
    pub(super) file: &'a TiffFile,
    /// Where it begins.
    at: u64,
    fields: BTreeMap<u16, Field>,
    /// Where the next one begins, 0 after the last.
    next: u64,
}

/// A field: its type, how many values it has, and their bytes if they fit, else where they lie.
struct Field {
    kind: u16,
    count: u64,
    value: [u8; 8],
}

impl TiffFile {
    /// The file, and where its first directory begins.
    pub(super) fn open(path: &Path) -> Result<(Self, u64)> {
        let file = File::open(path).map_err(Error::read(path))?;
        let length = file.metadata().map_err(Error::read(path))?.len();
        let mut this = Self { path: path.into(), file, length, little: true, big: false };
        let start = this.bytes(0, 8)?;
        this.little = start.starts_with(b"II");
        this.big = this.integer(&start[2..4]) == 43;
        if !this.big {
            let first = this.integer(&start[4..8]);
            return Ok((this, first));
        }
        if (this.integer(&start[4..6]), this.integer(&start[6..8])) != (8, 0) {
            return Err(lacking(path, "a BigTIFF whose offsets have other than 64 bits"));
        }
        let first = this.integer(&this.bytes(8, 8)?);
        Ok((this, first))
    }

    /// Bytes that must be there: nothing is allocated that the file is too short for.
    pub(super) fn bytes(&self, at: u64, count: u64) -> Result<Vec<u8>> {
        let inside = at.checked_add(count).is_some_and(|end| end <= self.length);
        let (true, Ok(size)) = (inside, usize::try_from(count)) else {
            return Err(damaged(&self.path, "truncated: the file ends before what it promises"));
        };
        let mut bytes = vec![0; size];
        positional::read_exact_at(&self.file, &mut bytes, at).map_err(Error::read(&self.path))?;
        Ok(bytes)
    }

    /// A number of up to eight bytes in the order of the file.
    fn integer(&self, bytes: &[u8]) -> u64 {
        let join = |number, byte: &u8| number << 8 | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) }
    }

    /// The directory that begins at this byte.
    pub(super) fn directory(&self, at: u64) -> Result<Directory<'_>> {
        let (counter, entry, offset) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.integer(&self.bytes(at, counter)?);
        if count > MOST_FIELDS {
            return Err(damaged(&self.path, format!("a directory of {count} fields")));
        }
        let size = count * entry;
        let bytes = self.bytes(at + counter, size + offset)?;
        let (entries, next) = bytes.split_at(size as usize);
        let mut fields = BTreeMap::new();
        for entry in entries.chunks_exact(entry as usize) {
            let (head, value) = entry.split_at(entry.len() - offset as usize);
            let mut field = Field { kind: self.integer(&head[2..4]) as u16, count: self.integer(&head[4..]), value: [0; 8] };
            field.value[..value.len()].copy_from_slice(value);
            // Of a field that comes twice the first one counts, as for libtiff.
            fields.entry(self.integer(&head[..2]) as u16).or_insert(field);
        }
        Ok(Directory { file: self, at, fields, next: self.integer(next) })
    }

    /// Bytes of a value that fit its field.
    fn room(&self) -> usize {
        if self.big { 8 } else { 4 }
    }
}

/// Bytes of one value of a type (TIFF 6.0, page 15, and BigTIFF), 0 for types that are not known.
fn width(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 0,
    }
}

impl Directory<'_> {
    pub(super) fn has(&self, tag: u16) -> bool {
        self.fields.contains_key(&tag)
    }

    /// Whether the directory begins, or values of its fields lie apart from it, among these bytes.
    pub(super) fn lies_in(&self, bytes: std::ops::Range<u64>) -> bool {
        let room = self.file.room();
        let apart = self.fields.values().filter(|field| field.count.saturating_mul(width(field.kind)) > room as u64);
        let mut places = apart.map(|field| self.file.integer(&field.value[..room])).chain([self.at]);
        places.any(|at| bytes.contains(&at))
    }

    /// How many values a field has, 0 without the field.
    pub(super) fn count(&self, tag: u16) -> u64 {
        self.fields.get(&tag).map_or(0, |field| field.count)
    }

    /// The bytes of a field of one of these types with at most so many values, as they lie in the file.
    fn raw(&self, tag: u16, kinds: &[u16], most: u64) -> Result<Option<(u64, Vec<u8>)>> {
        let Some(field) = self.fields.get(&tag) else { return Ok(None) };
        let wrong = || damaged(&self.file.path, format!("field {tag} has {} values of type {}", field.count, field.kind));
        if !kinds.contains(&field.kind) || field.count > most {
            return Err(wrong());
        }
        let width = width(field.kind);
        let size = field.count.checked_mul(width).ok_or_else(wrong)?;
        let room = self.file.room();
        let bytes = match usize::try_from(size) {
            Ok(size) if size <= room => field.value[..size].to_vec(),
            _ => self.file.bytes(self.file.integer(&field.value[..room]), size)?,
        };
        Ok(Some((width, bytes)))
    }

    /// Whole numbers, at most so many.
    pub(super) fn numbers(&self, tag: u16, most: u64) -> Result<Option<Vec<u64>>> {
        const UNSIGNED: [u16; 6] = [1, 3, 4, 13, 16, 18];
        let raw = self.raw(tag, &UNSIGNED, most)?;
        Ok(raw.map(|(width, bytes)| bytes.chunks_exact(width as usize).map(|b| self.file.integer(b)).collect()))
    }

    /// A whole number; of several the first.
    pub(super) fn number(&self, tag: u16) -> Result<Option<u64>> {
        Ok(self.numbers(tag, 1 << 16)?.and_then(|all| all.first().copied()))
    }

    /// Numerator and denominator of a fraction, neither of them 0.
    pub(super) fn fraction(&self, tag: u16) -> Option<[f64; 2]> {
        let (_, bytes) = self.raw(tag, &[5], 1).ok()??;
        let both = [self.file.integer(bytes.get(..4)?), self.file.integer(bytes.get(4..8)?)];
        (!both.contains(&0)).then(|| both.map(|n| n as f64))
    }

    /// Text or other bytes, at most so many; none of what is longer or not there.
    pub(super) fn text(&self, tag: u16, most: u64) -> Option<Vec<u8>> {
        self.raw(tag, &[1, 2, 7], most).ok()?.map(|(_, bytes)| bytes)
    }
}

/// All directories of the file's chain, in order.
pub(super) fn chain(file: &TiffFile, first: u64) -> Result<Vec<Directory<'_>>> {
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    let mut at = first;
    while at != 0 {
        if !seen.insert(at) {
            return Err(damaged(&file.path, "the pages lead in a circle"));
        }
        let directory = file.directory(at)?;
        at = directory.next;
        all.push(directory);
    }
    if all.is_empty() {
        return Err(damaged(&file.path, "a file without a page"));
    }
    Ok(all)
}
