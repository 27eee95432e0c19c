//! The folder of a model while it is trained: each file appears whole or not at all.

use std::path::{Path, PathBuf};

use hounsfield::io::output::{Target, publish};
use hounsfield::{Error, Result};

use crate::model::{LAST, MODEL};

/// A folder that files of a model go to.
#[derive(Debug)]
pub struct ModelFolder {
    path: PathBuf,
}

impl ModelFolder {
    /// Makes the folder. With `resume` there must be a state in it to go on from; without, nothing, or `force` replaces it.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Usage`], [`Error::Write`].
    pub fn new(path: &Path, resume: bool, force: bool) -> Result<Self> {
        let folder = Self { path: path.into() };
        if resume {
            let there = folder.file(LAST).is_file();
            let none = || Error::usage(format!("{} holds no training to go on with", path.display()), "leave --resume out");
            return if there { Ok(folder) } else { Err(none()) };
        }
        if path.symlink_metadata().is_ok() {
            let ours = path.join(MODEL).is_file() || path.join(LAST).is_file();
            let empty = path.is_dir() && std::fs::read_dir(path).map_err(Error::write(path))?.next().is_none();
            // Only what this program wrote is replaced.
            let replaced = force && path.is_dir() && ours;
            if !(empty || replaced) {
                return Err(Error::Exists { path: path.into() });
            }
        }
        std::fs::create_dir_all(path).map_err(Error::write(path))?;
        // What an earlier training left would not belong to this one.
        for name in [LAST, MODEL, crate::model::CARD, crate::model::LOG, crate::model::CURVES] {
            if folder.file(name).is_file() {
                std::fs::remove_file(folder.file(name)).map_err(Error::write(path))?;
            }
        }
        Ok(folder)
    }

    /// The place of a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A file that replaces the one before.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn target(&self, name: &str) -> Result<Target> {
        Target::new(&self.file(name), true, &[])
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        publish(vec![self.target(name)?.stage_bytes(bytes)?])
    }
}
