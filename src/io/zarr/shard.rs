//! Shards: files of several chunks, with an index of where each lies (the codec `sharding_indexed`).

use std::path::Path;

use super::codec::{crc32c, most_packed};
use crate::io::positional;
use crate::io::stored::{broken, read_error};
use crate::{Error, Result};

/// How the index of a shard lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShardLayout {
    /// At the start of the file, not at its end.
    pub(super) first: bool,
    pub(super) big_endian: bool,
    /// Followed by its checksum.
    pub(super) checked: bool,
}

/// Place and length of a chunk.
const ENTRY: u64 = 16;

/// The checksum behind the entries.
const CHECKSUM: u64 = 4;

/// Both numbers of a chunk that is not there.
pub(super) const ABSENT: u64 = u64::MAX;

/// A shard that is open.
pub(super) struct OpenShard {
    file: std::fs::File,
    /// Place and length of each chunk.
    entries: Vec<(u64, u64)>,
}

impl OpenShard {
    /// Reads the index of so many chunks, whose bytes the file must have.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Read`], with the path.
    pub(super) fn read(path: &Path, file: std::fs::File, layout: ShardLayout, chunks: u64) -> Result<Self> {
        let length = file.metadata().map_err(Error::read(path))?.len();
        let bytes = chunks.checked_mul(ENTRY).and_then(|n| n.checked_add(if layout.checked { CHECKSUM } else { 0 }));
        let Some(bytes) = bytes.filter(|bytes| *bytes <= length) else {
            let what = format!("truncated: a shard of {length} bytes, the index of its {chunks} chunks alone has more");
            return Err(Error::format(path, what, "get the file again"));
        };
        let mut index = vec![0; bytes as usize];
        let at = if layout.first { 0 } else { length - bytes };
        positional::read_exact_at(&file, &mut index, at).map_err(|e| read_error(path, "plain", e))?;
        if layout.checked {
            let (entries, sum) = index.split_at(index.len() - CHECKSUM as usize);
            if crc32c(entries).to_le_bytes() != sum {
                return Err(Error::format(
                    path,
                    "the index of the shard is damaged: its checksum is another",
                    "get the file again",
                ));
            }
        }
        let number = |word: &[u8; 8]| if layout.big_endian { u64::from_be_bytes(*word) } else { u64::from_le_bytes(*word) };
        let words = index[..(chunks * ENTRY) as usize].as_chunks::<8>().0;
        let entries: Vec<(u64, u64)> = words.as_chunks::<2>().0.iter().map(|[at, n]| (number(at), number(n))).collect();
        let inside = |(at, n): &(u64, u64)| at.checked_add(*n).is_some_and(|end| end <= length);
        if let Some(i) = entries.iter().position(|entry| *entry != (ABSENT, ABSENT) && !inside(entry)) {
            let what = format!("truncated: chunk {} of the shard lies beyond its end", i + 1);
            return Err(Error::format(path, what, "get the file again"));
        }
        Ok(Self { file, entries })
    }

    /// The bytes of chunk `i`, which decoded has `length` bytes; none if it is not there.
    ///
    /// # Errors
    /// As [`OpenShard::read`].
    pub(super) fn chunk(&self, path: &Path, i: u64, length: usize) -> Result<Option<Vec<u8>>> {
        let (at, n) = self.entries[i as usize];
        if (at, n) == (ABSENT, ABSENT) {
            return Ok(None);
        }
        if n > most_packed(length) {
            return Err(broken(path, format!("chunk {} of the shard has {n} bytes for {length} of voxels", i + 1)));
        }
        let mut bytes = vec![0; n as usize];
        positional::read_exact_at(&self.file, &mut bytes, at).map_err(|e| read_error(path, "plain", e))?;
        Ok(Some(bytes))
    }
}

/// The index of chunks one behind the other from byte 0 on, little-endian with its checksum; none of them is absent.
pub(super) fn index(lengths: impl Iterator<Item = u64>) -> Vec<u8> {
    let (mut at, mut index) = (0u64, Vec::new());
    for length in lengths {
        index.extend(at.to_le_bytes());
        index.extend(length.to_le_bytes());
        at += length;
    }
    index.extend(crc32c(&index).to_le_bytes());
    index
}
