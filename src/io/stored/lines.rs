//! A header of text before the voxels, line by line.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Header text that is believed, in bytes. Some headers are long: the segments of a segmentation, the gradients of a diffusion series.
const MOST_HEADER: u64 = 4 << 20;

/// The lines of a header.
pub(in crate::io) struct HeaderLines<R> {
    path: PathBuf,
    reader: R,
    length: u64,
}

impl<R: BufRead> HeaderLines<R> {
    pub(in crate::io) fn new(path: &Path, reader: R) -> Self {
        Self { path: path.into(), reader, length: 0 }
    }

    /// A line without its end; none at the end of the file.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Format`] for a header that is too long, with the path.
    pub(in crate::io) fn next(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        let left = MOST_HEADER - self.length;
        let n = self.reader.by_ref().take(left).read_until(b'\n', &mut line).map_err(Error::read(&self.path))? as u64;
        self.length += n;
        if n == left {
            return Err(broken(&self.path, format!("the header does not end within {MOST_HEADER} bytes")));
        }
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        Ok((n > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
    }

    /// Bytes of all lines so far, with their ends.
    pub(in crate::io) fn length(&self) -> u64 {
        self.length
    }
}

/// A header that contradicts its format.
pub(in crate::io) fn broken(path: &Path, what: impl Into<String>) -> Error {
    Error::format(path, what, "write it again with the program that made it")
}
