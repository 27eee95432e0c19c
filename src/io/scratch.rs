//! Room on a disk for what does not fit the memory: a file without a name, gone with whoever holds it, however that ends.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{free_space, positional};
use crate::{Error, Result};

/// A file without a name, that many threads read and write.
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    folder: PathBuf,
}

impl ScratchFile {
    /// Room for `bytes` in a folder, on whose disk `beside` bytes will be written meanwhile.
    ///
    /// # Errors
    /// [`Error::Write`] with the folder, if the disk has no room for both or takes no file.
    pub fn new(folder: &Path, bytes: u64, beside: u64) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(Error::write(folder))?;
        free_space::check(&file, folder, bytes.saturating_add(beside)).map_err(|error| match error {
            Error::Write { path, source } => {
                let text = format!(
                    "a scratch file, and what is written beside it, {source}; allow more memory, or give it another folder"
                );
                Error::Write { path, source: std::io::Error::new(source.kind(), text) }
            }
            other => other,
        })?;
        Ok(Self { file, folder: folder.into() })
    }

    /// Fills `into` from byte `at` on.
    ///
    /// # Errors
    /// [`Error::Read`] with the folder.
    pub fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        positional::read_exact_at(&self.file, into, at).map_err(Error::read(&self.folder))
    }

    /// Writes `bytes` from byte `at` on.
    ///
    /// # Errors
    /// [`Error::Write`] with the folder.
    pub fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        positional::write_all_at(&self.file, bytes, at).map_err(Error::write(&self.folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back_and_the_folder_stays_empty() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = ScratchFile::new(folder.path(), 100, 0).unwrap();
        scratch.write(90, b"behind").unwrap();
        scratch.write(0, b"before").unwrap();
        let mut both = [[1; 6]; 2];
        scratch.read(90, &mut both[0]).unwrap();
        scratch.read(0, &mut both[1]).unwrap();
        assert_eq!(both, [*b"behind", *b"before"]);
        assert!(scratch.read(91, &mut both[0]).is_err(), "beyond the end");
        #[cfg(unix)]
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_without_room_is_refused_before_any_work() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, beside) in [(1 << 62, 0), (0, 1 << 62), (u64::MAX, u64::MAX)] {
            let error = ScratchFile::new(folder.path(), bytes, beside).unwrap_err().to_string();
            assert!(error.contains("scratch") && error.contains("MiB free; allow more memory"), "{error}");
        }
        assert!(matches!(ScratchFile::new(&folder.path().join("none"), 1, 0), Err(Error::Write { .. })));
    }
}
