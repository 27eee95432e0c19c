//! What can go wrong, by whose fault it is. Every message is one line: what is wrong, what to do, and the path last.

use std::path::{Path, PathBuf};

use crate::engine::GpuError;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error, by family. Messages never contain text from a file's metadata, so no patient data can leak through them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is broken or is not what its name says.
    #[error("{what}; {remedy}: {}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What the user can do.
        remedy: String,
    },
    /// The file is fine, but this program cannot read or write that kind.
    #[error("{what}; {remedy}: {}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is missing here.
        what: String,
        /// What the user can do.
        remedy: String,
    },
    /// The input is too large for a stated limit.
    #[error("{what}; {remedy}: {}", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// The size asked for and the limit.
        what: String,
        /// How to raise the limit, or what to do instead.
        remedy: String,
    },
    /// The caller asked for something that cannot be done.
    #[error("{what}; {remedy}")]
    Usage {
        /// What does not fit.
        what: String,
        /// What to ask for instead.
        remedy: String,
    },
    /// An input cannot be read.
    #[error("cannot read: {source}: {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An output cannot be written; nothing was left behind.
    #[error("cannot write: {source}: {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The GPU failed, or there is none.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The user stopped the job; outputs are as they were.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

impl Error {
    /// The file is broken.
    pub fn format(path: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Format { path: path.into(), what: what.into(), remedy: remedy.into() }
    }

    /// The file is fine; we lack it.
    pub fn unsupported(path: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), what: what.into(), remedy: remedy.into() }
    }

    /// Too large.
    pub fn limit(path: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Limit { path: path.into(), what: what.into(), remedy: remedy.into() }
    }

    /// Every voxel is outside of mask and range, is padding that does not count, or is not finite.
    pub fn no_voxel() -> Self {
        Self::usage("no voxel counts", "widen --where, --range or --mask; NaN and infinities never count")
    }

    /// The caller's mistake.
    pub fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), remedy: remedy.into() }
    }

    /// For `map_err` on reads.
    pub fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Read { path, source }
    }

    /// For `map_err` on writes.
    pub fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Write { path, source }
    }
}
