//! The files that hold a header's voxels: the header's own, or others beside it.
//!
//! What a header says of names is text of the file: errors tell the number of a data file and the path of its header, never the name.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::bytes::{ByteSource, PartBytes, PlainBytes, read_error};
use super::stream::{FilePacking, StreamBytes};
use crate::{Error, Result};

/// What stands before the voxels in each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum Skip {
    /// So many bytes; of compressed data, once they are decompressed.
    Bytes(u64),
    /// Whatever there is: the voxels are the last bytes.
    ToTheEnd,
}

/// Where the voxels of a header are: an equal share of them in each file, one share behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::io) struct DataFiles {
    pub(in crate::io) files: Vec<PathBuf>,
    /// The byte from which on `lines` and `skip` count: behind the header in its own file.
    pub(in crate::io) start: u64,
    /// Lines before the data, compressed or not.
    pub(in crate::io) lines: u64,
    pub(in crate::io) skip: Skip,
    pub(in crate::io) packing: Option<FilePacking>,
}

/// More files than any volume has slices.
const MOST_FILES: u64 = 1 << 16;

/// Compressed data whose beginning is to be skipped as far as its end tells may have so much of it.
const MOST_SKIPPED: u64 = 1 << 30;

/// A file that a header names, below the header's own folder.
///
/// # Errors
/// [`Error::Unsupported`] for a name that leads out of the folder, [`Error::Format`] if there is no such file, with the path of the header.
pub(in crate::io) fn beside(header: &Path, name: &str, number: usize) -> Result<PathBuf> {
    let name = Path::new(name);
    if !name.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        let what = format!("the header names a file outside of its folder (data file {number})");
        return Err(Error::unsupported(header, what, "put the data file beside the header and name it without a folder"));
    }
    let path = header.parent().unwrap_or(Path::new("")).join(name);
    // A pipe or a device would wait for ever.
    if name.as_os_str().is_empty() || !path.metadata().is_ok_and(|m| m.is_file()) {
        let what = format!("data file {number} that the header names is not there");
        return Err(Error::format(header, what, "put the data file beside the header"));
    }
    Ok(path)
}

/// The names that a pattern with one `%d` stands for, as `printf` would write them: `slice%03d.raw` for `first`, `first + step`, … up to `last`.
/// None if it is another pattern, or if there are none, or too many.
pub(in crate::io) fn numbered(pattern: &str, (first, last, step): (i64, i64, i64)) -> Option<Vec<String>> {
    let (before, rest) = pattern.split_once('%')?;
    let (width, after) = rest.split_once('d')?;
    let zeros = width.starts_with('0');
    let digits = width.trim_start_matches('0');
    let plain = digits.len() <= 1 && digits.bytes().all(|b| b.is_ascii_digit()) && width.len() <= 2;
    let distance = last.checked_sub(first)?;
    let count = distance.checked_div(step).filter(|n| *n >= 0)?;
    if !plain || after.contains('%') || count as u64 >= MOST_FILES {
        return None;
    }
    let width = digits.parse().unwrap_or(0);
    let number = |i: i64| first + i * step;
    let name = |n: i64| if zeros { format!("{before}{n:0width$}{after}") } else { format!("{before}{n:width$}{after}") };
    Some((0..=count).map(|i| name(number(i))).collect())
}

/// The names that a header lists, one a line.
///
/// # Errors
/// [`Error::Format`] for none or too many, with the path of the header.
pub(in crate::io) fn listed(header: &Path, names: &[String]) -> Result<Vec<PathBuf>> {
    if names.is_empty() || names.len() as u64 > MOST_FILES {
        let what = format!("{} data files in the header, 1 to {MOST_FILES} are believed", names.len());
        return Err(Error::format(header, what, "write it again with the program that made it"));
    }
    names.iter().enumerate().map(|(i, name)| beside(header, name, i + 1)).collect()
}

impl DataFiles {
    /// Opens `bytes` bytes of voxels, which the caller has found believable; whether the files are long enough is checked here. `path` is that
    /// of the header. What is strange, and no error, becomes a note.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Format`], with the path.
    pub(in crate::io) fn open(&self, path: &Path, bytes: u64, notes: &mut Vec<String>) -> Result<Box<dyn ByteSource>> {
        let count = self.files.len() as u64;
        if count == 0 || !bytes.is_multiple_of(count) {
            let what = format!("{bytes} bytes of voxels do not divide among {count} data files");
            return Err(Error::format(path, what, "check the list of data files in the header"));
        }
        let each = bytes / count;
        let mut beyond = 0;
        let mut parts = Vec::with_capacity(self.files.len());
        for (i, name) in self.files.iter().enumerate() {
            let (begin, length) = self.begin(path, name)?;
            let (part, first) = match self.packing {
                None => {
                    let first = self.first(path, (begin, length, each), i)?;
                    beyond += length - first - each;
                    (PartBytes::file(path, name), first)
                }
                Some(packing) => self.packed(path, name, packing, (begin, length, each))?,
            };
            parts.push((part, first));
        }
        if beyond > 0 {
            notes.push(format!("{beyond} bytes behind the voxels are not read"));
        }
        match (self.files.as_slice(), self.packing) {
            // Kept open: nobody who moves the file meanwhile gets in the way.
            ([one], None) => {
                let file = File::open(one).map_err(Error::read(path))?;
                let first = parts.first().map_or(0, |(_, first)| *first);
                Ok(Box::new(PartBytes::new(vec![(Box::new(PlainBytes { path: path.into(), file }), first)], each)))
            }
            _ => Ok(Box::new(PartBytes::new(parts, each))),
        }
    }

    /// All that a file holds from its first voxel on, for data that are no bytes of voxels.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Format`], or [`Error::Limit`] for more than `most` bytes, with the path.
    pub(in crate::io) fn text(&self, path: &Path, most: u64) -> Result<Vec<u8>> {
        let ([name], None, Skip::Bytes(skip)) = (self.files.as_slice(), self.packing, self.skip) else {
            return Err(Error::unsupported(path, "numbers written as text in several or compressed files", "write them raw"));
        };
        let (begin, length) = self.begin(path, name)?;
        let from = begin.saturating_add(skip);
        let size = length.saturating_sub(from);
        if size > most {
            let what = format!("{size} bytes of numbers written as text, the limit is {most}");
            return Err(Error::limit(path, what, "write them raw"));
        }
        let mut file = File::open(name).map_err(Error::read(path))?;
        file.seek(SeekFrom::Start(from)).map_err(Error::read(path))?;
        let mut text = Vec::new();
        file.take(size).read_to_end(&mut text).map_err(Error::read(path))?;
        Ok(text)
    }

    /// Where the data of a file begin, behind the lines to be skipped, and the length of the file.
    fn begin(&self, path: &Path, name: &Path) -> Result<(u64, u64)> {
        let mut file = File::open(name).map_err(Error::read(path))?;
        let length = file.metadata().map_err(Error::read(path))?.len();
        let mut begin = self.start;
        if self.lines > 0 {
            file.seek(SeekFrom::Start(begin)).map_err(Error::read(path))?;
            let mut reader = BufReader::new(file);
            for skipped in 0..self.lines {
                let n = reader.skip_until(b'\n').map_err(Error::read(path))?;
                if n == 0 {
                    let what = format!("truncated: {} lines are to be skipped, the data have {skipped}", self.lines);
                    return Err(Error::format(path, what, "get the file again"));
                }
                begin += n as u64;
            }
        }
        Ok((begin, length))
    }

    /// The first byte of the voxels in plain file `i`.
    fn first(&self, path: &Path, (begin, length, each): (u64, u64, u64), i: usize) -> Result<u64> {
        let first = match self.skip {
            Skip::Bytes(n) => begin.checked_add(n).filter(|first| length.checked_sub(*first).is_some_and(|rest| rest >= each)),
            Skip::ToTheEnd => length.checked_sub(each).filter(|first| *first >= begin),
        };
        first.ok_or_else(|| {
            let before = if let Skip::Bytes(n) = self.skip { begin.saturating_add(n) } else { begin };
            let of = if self.files.len() > 1 { format!("data file {}", i + 1) } else { "the file".into() };
            let what = format!("truncated: {of} has {length} bytes, needs {}", before.saturating_add(each));
            Error::format(path, what, "get the file again")
        })
    }

    /// A compressed file, and the first byte of the voxels in what it decompresses to.
    fn packed(
        &self,
        path: &Path,
        name: &Path,
        packing: FilePacking,
        (begin, length, each): (u64, u64, u64),
    ) -> Result<(Box<dyn ByteSource>, u64)> {
        let (most, called) = (length.saturating_sub(begin).saturating_mul(packing.most_expansion()), packing.name());
        let first = match self.skip {
            Skip::Bytes(n) => n,
            Skip::ToTheEnd => {
                let all = decompressed(path, name, packing, (begin, each.saturating_add(MOST_SKIPPED)))?;
                all.checked_sub(each).ok_or_else(|| {
                    let what = format!("truncated: the {called} data have {all} bytes, need {each}");
                    Error::format(path, what, "get the file again")
                })?
            }
        };
        let end = first.saturating_add(each);
        if most < end {
            let what = format!(
                "truncated: {} bytes of {called} hold at most {most}, the header needs {end}",
                length.saturating_sub(begin)
            );
            return Err(Error::format(path, what, "get the file again"));
        }
        Ok((Box::new(StreamBytes::new(path, name, packing, (begin, end))), first))
    }
}

/// How many bytes compressed data decompress to; no more than `most` are believed.
fn decompressed(path: &Path, name: &Path, packing: FilePacking, (begin, most): (u64, u64)) -> Result<u64> {
    let failed = |e| read_error(path, packing.name(), e);
    let reader = packing.open(name, begin).map_err(failed)?;
    let all = std::io::copy(&mut reader.take(most.saturating_add(1)), &mut std::io::sink()).map_err(failed)?;
    if all > most {
        let what = format!("more than {most} bytes of {} data, of which only the last are asked for", packing.name());
        return Err(Error::limit(path, what, "write the voxels alone"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_printfs() {
        let names = |pattern, range| numbered(pattern, range);
        assert_eq!(names("a%d.raw", (1, 3, 1)).unwrap(), ["a1.raw", "a2.raw", "a3.raw"]);
        assert_eq!(names("a%03d.raw", (8, 12, 2)).unwrap(), ["a008.raw", "a010.raw", "a012.raw"]);
        assert_eq!(names("%2d", (9, 10, 1)).unwrap(), [" 9", "10"]);
        assert_eq!(names("a%d", (2, 0, -1)).unwrap(), ["a2", "a1", "a0"]);
        for (pattern, range) in [
            ("a", (1, 2, 1)),
            ("%d%d", (1, 2, 1)),
            ("%s", (1, 2, 1)),
            ("%nd", (1, 2, 1)),
            ("%999999999d", (1, 2, 1)),
            ("%d", (1, 2, 0)),
            ("%d", (2, 1, 1)),
            ("%d", (0, 1 << 40, 1)),
            ("%d", (i64::MIN, i64::MAX, 1)),
            ("%d", (i64::MIN, i64::MIN, -1)),
        ] {
            let found = names(pattern, range);
            assert!(found.is_none() || range.0 == i64::MIN, "{pattern} {range:?}: {found:?}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let header = folder.path().join("a.nhdr");
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["a.raw", "sub/b.raw"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        for good in ["a.raw", "./a.raw", "sub/b.raw"] {
            assert!(beside(&header, good, 1).is_ok(), "{good}");
        }
        for bad in ["../a.raw", "sub/../a.raw", "/etc/hostname", ".."] {
            let error = beside(&header, bad, 3).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{bad}");
            let text = error.to_string();
            assert!(text.contains("data file 3") && text.ends_with("a.nhdr") && !text.contains(bad), "{text}");
        }
        for missing in ["", "sub", "Jane_Doe.raw"] {
            let error = beside(&header, missing, 1).unwrap_err();
            assert!(matches!(error, Error::Format { .. }) && !error.to_string().contains("Doe"), "{error}");
        }
    }
}
