//! What can go wrong, by whose fault it is. Every message is one line: what is wrong, what to do, and the path last.

mod catalogue;
mod flaw;
mod gpu;
mod hint;

use std::path::{Path, PathBuf};

pub use catalogue::{Catalogue, SeriesEntry};
pub use flaw::Flaw;
pub use gpu::GpuError;
pub use hint::Hint;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error, by family. Messages never contain text from a file's metadata, so no patient data can leak through them.
///
/// Displayed, an error is its [`Error::message`] with each [`Hint`] in neutral words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is broken or is not what its name says.
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What the user can do.
        hint: Hint,
    },
    /// The slices of a series form no regular grid: sizes and volumes measured on them would be wrong. [`Hint::TrustGeometry`].
    Geometry {
        /// The file or folder.
        path: PathBuf,
        /// All that is wrong, at least one thing.
        flaws: Vec<Flaw>,
    },
    /// The file is fine, but this program cannot read or write that kind.
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is missing here.
        what: String,
        /// What the user can do.
        hint: Hint,
    },
    /// The input is too large for a stated limit.
    Limit {
        /// The file.
        path: PathBuf,
        /// The size asked for and the limit.
        what: String,
        /// How to raise the limit, or what to do instead.
        hint: Hint,
    },
    /// The caller asked for something that cannot be done.
    Usage {
        /// What does not fit.
        what: String,
        /// What to ask for instead.
        hint: Hint,
    },
    /// The folder holds several series, or none of the number asked for: [`Hint::ChooseSeries`].
    SeveralSeries {
        /// The folder.
        path: PathBuf,
        /// What there is to choose from.
        catalogue: Catalogue,
        /// The number that no series has, if one was asked for.
        asked: Option<u32>,
    },
    /// The series holds several kinds of image, or no volume of the number asked for: [`Hint::ChooseVolume`].
    SeveralVolumes {
        /// The file or folder.
        path: PathBuf,
        /// The first ones in words, in the order of their numbers from 1.
        kinds: Vec<String>,
        /// All of them.
        count: u64,
        /// The number that none has, if one was asked for.
        asked: Option<u32>,
    },
    /// An input cannot be read.
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An output cannot be written; nothing was left behind.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is a file where an output should go: [`Hint::Overwrite`].
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// The GPU failed, or there is none.
    Gpu(GpuError),
    /// The user stopped the job; outputs are as they were.
    Interrupted,
}

impl Error {
    /// The file is broken.
    pub fn format(path: &Path, what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Format { path: path.into(), what: what.into(), hint: hint.into() }
    }

    /// The file is fine; we lack it.
    pub fn unsupported(path: &Path, what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Unsupported { path: path.into(), what: what.into(), hint: hint.into() }
    }

    /// Too large.
    pub fn limit(path: &Path, what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Limit { path: path.into(), what: what.into(), hint: hint.into() }
    }

    /// Every voxel is outside of mask and range, is padding that does not count, or is not finite.
    pub fn no_voxel() -> Self {
        Self::usage("no voxel counts", Hint::WidenSelection)
    }

    /// The caller's mistake.
    pub fn usage(what: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
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

    /// What to do about it, where there is something to do but to read the message.
    pub fn hint(&self) -> Option<&Hint> {
        match self {
            Self::Format { hint, .. } | Self::Unsupported { hint, .. } | Self::Limit { hint, .. } | Self::Usage { hint, .. } => {
                Some(hint)
            }
            Self::Geometry { flaws, .. } => Some(Flaw::remedy(flaws)),
            Self::SeveralSeries { .. } => Some(&Hint::ChooseSeries),
            Self::SeveralVolumes { .. } => Some(&Hint::ChooseVolume),
            Self::Exists { .. } => Some(&Hint::Overwrite),
            Self::Read { .. } | Self::Write { .. } | Self::Gpu(_) | Self::Interrupted => None,
        }
    }

    /// The message, with what to do in the caller's own words: a program names its flags, a viewer its buttons.
    pub fn message(&self, say: impl Fn(&Hint) -> String) -> String {
        let todo = self.hint().map(say).unwrap_or_default();
        match self {
            Self::Format { path, what, .. } | Self::Unsupported { path, what, .. } | Self::Limit { path, what, .. } => {
                format!("{what}; {todo}: {}", path.display())
            }
            Self::Geometry { path, flaws } => format!("{}; {todo}: {}", Flaw::list(flaws), path.display()),
            Self::Usage { what, .. } => format!("{what}; {todo}"),
            Self::SeveralSeries { path, catalogue, asked } => {
                let none = if asked.is_some() { "there is no such series; " } else { "" };
                format!("{none}{} holds {} series: {catalogue}; {todo}", path.display(), catalogue.series.len())
            }
            Self::SeveralVolumes { path, kinds, count, asked } => {
                let none = if asked.is_some() { "there is no such volume; " } else { "" };
                let mut list: Vec<String> = kinds.iter().enumerate().map(|(i, kind)| format!("{}: {kind}", i + 1)).collect();
                if let Some(more @ 1..) = count.checked_sub(kinds.len() as u64) {
                    list.push(format!("and {more} more"));
                }
                format!("{none}the series holds {count} volumes: {}; {todo}: {}", list.join("; "), path.display())
            }
            Self::Read { path, source } => format!("cannot read: {source}: {}", path.display()),
            Self::Write { path, source } => format!("cannot write: {source}: {}", path.display()),
            Self::Exists { path } => format!("cannot write: the file exists; {todo}: {}", path.display()),
            Self::Gpu(error) => error.to_string(),
            Self::Interrupted => "interrupted; nothing was written".into(),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message(Hint::to_string))
    }
}

impl From<GpuError> for Error {
    fn from(error: GpuError) -> Self {
        Self::Gpu(error)
    }
}
