//! The bytes of one file, read where they are needed: from disk, or from memory once a deflated data set is inflated.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::broken;
use crate::{Error, Result};

/// A deflated data set may not grow beyond this: it has to be held in memory.
const MAX_INFLATED: u64 = 256 << 20;

/// A readable run of bytes and the file it came from.
pub(super) struct Bytes {
    path: PathBuf,
    len: u64,
    storage: Storage,
}

enum Storage {
    File(File),
    Memory(Arc<[u8]>),
}

impl Bytes {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::read(path))?;
        let meta = file.metadata().map_err(Error::read(path))?;
        if !meta.is_file() {
            return Err(Error::usage(format!("{} is not a regular file", path.display()), "give a DICOM file or a folder"));
        }
        Ok(Self { path: path.into(), len: meta.len(), storage: Storage::File(file) })
    }

    pub(super) fn memory(path: &Path, bytes: Arc<[u8]>) -> Self {
        Self { path: path.into(), len: bytes.len() as u64, storage: Storage::Memory(bytes) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `into` from offset `at` on.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        if at.checked_add(into.len() as u64).is_none_or(|end| end > self.len) {
            return Err(broken(&self.path, "the file ends too early"));
        }
        match &self.storage {
            Storage::File(file) => read_at(file, at, into).map_err(Error::read(&self.path)),
            Storage::Memory(bytes) => {
                into.copy_from_slice(&bytes[at as usize..at as usize + into.len()]);
                Ok(())
            }
        }
    }

    /// `len` bytes from offset `at` on; nothing is allocated that the file does not hold.
    pub(super) fn vec(&self, at: u64, len: u64) -> Result<Vec<u8>> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(broken(&self.path, "the file ends too early"));
        }
        let mut out = vec![0; len as usize];
        self.read(at, &mut out)?;
        Ok(out)
    }

    /// Everything from `at` on, inflated.
    pub(super) fn inflate(&self, at: u64) -> Result<Arc<[u8]>> {
        let packed = self.vec(at, self.len.saturating_sub(at))?;
        let mut out = Vec::new();
        let read = flate2::read::DeflateDecoder::new(packed.as_slice()).take(MAX_INFLATED + 1).read_to_end(&mut out);
        if out.len() as u64 > MAX_INFLATED {
            return Err(Error::limit(
                &self.path,
                format!("the deflated data set grows beyond {} MiB", MAX_INFLATED >> 20),
                "convert it to an uncompressed transfer syntax with another tool",
            ));
        }
        read.map_err(|_| broken(&self.path, "the deflated data set is damaged"))?;
        Ok(out.into())
    }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, into: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut at: u64, mut into: &mut [u8]) -> std::io::Result<()> {
    while !into.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, into, at)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        into = &mut into[n..];
        at += n as u64;
    }
    Ok(())
}

/// Reads forward through [`Bytes`] and skips what is not wanted without reading it.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a Bytes,
    /// Where the next byte lies.
    pub(super) at: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Cursor<'a> {
    /// Headers of single slices fit into one window, so that scanning a folder costs one read per file.
    const WINDOW: u64 = 16 << 10;

    pub(super) fn new(bytes: &'a Bytes, at: u64) -> Self {
        Self { bytes, at, window: Vec::new(), window_at: 0 }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let inside = |c: &Self| c.at >= c.window_at && c.at + N as u64 <= c.window_at + c.window.len() as u64;
        if !inside(self) {
            let left = self.bytes.len().saturating_sub(self.at);
            self.window = self.bytes.vec(self.at, left.min(Self::WINDOW))?;
            self.window_at = self.at;
            if !inside(self) {
                return Err(self.ends());
            }
        }
        let start = (self.at - self.window_at) as usize;
        let mut out = [0; N];
        out.copy_from_slice(&self.window[start..start + N]);
        self.at += N as u64;
        Ok(out)
    }

    pub(super) fn vec(&mut self, len: u64) -> Result<Vec<u8>> {
        let start = self.at.wrapping_sub(self.window_at);
        let out = match start.checked_add(len) {
            Some(end) if self.at >= self.window_at && end <= self.window.len() as u64 => {
                self.window[start as usize..end as usize].to_vec()
            }
            _ => self.bytes.vec(self.at, len).map_err(|e| if matches!(e, Error::Format { .. }) { self.ends() } else { e })?,
        };
        self.at += len;
        Ok(out)
    }

    pub(super) fn skip(&mut self, len: u64) -> Result<()> {
        match self.at.checked_add(len) {
            Some(end) if end <= self.bytes.len() => {
                self.at = end;
                Ok(())
            }
            _ => Err(self.ends()),
        }
    }

    fn ends(&self) -> Error {
        broken(self.bytes.path(), "the file ends inside its header")
    }
}
