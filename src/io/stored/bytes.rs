//! Bytes at a position: of a plain file, or of several files one behind the other.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::io::positional;
use crate::{Error, Result};

/// Bytes that can be read from any position, by several threads at once.
pub(in crate::io) trait ByteSource: Send + Sync {
    /// Fills `into` from byte `at` on.
    ///
    /// # Errors
    /// [`crate::Error::Read`] or [`crate::Error::Format`], with the path.
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<()>;

    /// Whether reading in ascending order is much cheaper than jumping about.
    fn sequential(&self) -> bool {
        false
    }
}

/// A plain file: any thread reads any part.
pub(in crate::io) struct PlainBytes {
    /// Named in errors.
    pub(in crate::io) path: PathBuf,
    pub(in crate::io) file: File,
}

impl ByteSource for PlainBytes {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
        positional::read_exact_at(&self.file, into, at).map_err(|e| read_error(&self.path, "plain", e))
    }
}

/// A plain file that is opened for each read: so that a volume of thousands of files does not hold all of them open.
struct NamedBytes {
    path: PathBuf,
    file: PathBuf,
}

impl ByteSource for NamedBytes {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let file = File::open(&self.file).map_err(Error::read(&self.path))?;
        positional::read_exact_at(&file, into, at).map_err(|e| read_error(&self.path, "plain", e))
    }
}

impl ByteSource for Vec<u8> {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let start = at as usize;
        into.copy_from_slice(&self[start..start + into.len()]);
        Ok(())
    }
}

/// Several files of equal shares, one behind the other.
pub(super) struct PartBytes {
    /// Each with the byte at which its share begins.
    parts: Vec<(Box<dyn ByteSource>, u64)>,
    /// Bytes of a share.
    share: u64,
}

impl PartBytes {
    pub(super) fn new(parts: Vec<(Box<dyn ByteSource>, u64)>, share: u64) -> Self {
        Self { parts, share }
    }

    /// A plain file as a part. Errors name `path`.
    pub(super) fn file(path: &Path, file: &Path) -> Box<dyn ByteSource> {
        Box::new(NamedBytes { path: path.into(), file: file.into() })
    }
}

impl ByteSource for PartBytes {
    fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let (i, within) = ((at / self.share) as usize, at % self.share);
            let step = usize::try_from(self.share - within).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(step);
            let (part, first) = &self.parts[i];
            part.read_exact_at(first + within, now)?;
            (at, rest) = (at + step as u64, later);
        }
        Ok(())
    }

    fn sequential(&self) -> bool {
        self.parts.iter().any(|(part, _)| part.sequential())
    }
}

/// A damaged compressed stream is the file's fault, anything else the system's.
pub(in crate::io) fn read_error(path: &Path, packing: &str, error: std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::format(path, "truncated: the data end early", "get the file again"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            Error::format(path, format!("damaged {packing} data ({error})"), "get the file again")
        }
        _ => Error::read(path)(error),
    }
}
