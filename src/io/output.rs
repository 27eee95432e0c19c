//! Outputs that appear whole or not at all: written to a temporary sibling, flushed, then renamed.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A place where an output will appear: checked before any work is done.
#[derive(Debug, Clone)]
pub struct Target {
    path: PathBuf,
}

/// A complete output under a temporary name; dropped without [`publish`], it disappears.
#[derive(Debug)]
pub struct Staged {
    temporary: tempfile::TempPath,
    path: PathBuf,
}

impl Target {
    /// Checks that an output may be written to `path`: its folder exists, nothing is there unless `force`, and it is none of
    /// the `inputs`.
    ///
    /// # Errors
    /// [`Error::Write`] with the path, [`Error::Usage`] for an output that is also an input.
    pub fn new(path: &Path, force: bool, inputs: &[&Path]) -> Result<Self> {
        let refuse = |kind, text: &str| Err(Error::Write { path: path.into(), source: std::io::Error::new(kind, text) });
        let folder = folder_of(path);
        if path.file_name().is_none() || path.is_dir() {
            return refuse(std::io::ErrorKind::IsADirectory, "this is a folder; give a file name");
        }
        if !folder.is_dir() {
            return refuse(std::io::ErrorKind::NotFound, "the folder does not exist; create it first");
        }
        if let Ok(own) = path.canonicalize() {
            for input in inputs {
                let Ok(input) = input.canonicalize() else { continue };
                if own == input {
                    let what = format!("the output is one of the inputs ({})", path.display());
                    return Err(Error::usage(what, "write to another file"));
                }
                // A series is given as its folder: which of its files are slices is not known yet.
                if input.is_dir() && own.parent() == Some(&input) {
                    let what = format!("the output would replace a file in the input folder ({})", path.display());
                    return Err(Error::usage(what, "write to another folder"));
                }
            }
            if !force {
                return refuse(std::io::ErrorKind::AlreadyExists, "the file exists; --force replaces it");
            }
        }
        Ok(Self { path: path.into() })
    }

    /// Where the output will appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the temporary sibling.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    pub fn create(&self) -> Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".hounsfield-").suffix(".part");
        #[cfg(unix)]
        {
            // tempfile's own default is 0600; outputs get what the umask leaves of 0666.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(folder_of(&self.path)).map_err(Error::write(&self.path))
    }

    /// Flushes a completed temporary file to disk.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    pub fn stage(&self, file: tempfile::NamedTempFile) -> Result<Staged> {
        file.as_file().sync_all().map_err(Error::write(&self.path))?;
        Ok(Staged { temporary: file.into_temp_path(), path: self.path.clone() })
    }

    /// Writes a small output at once.
    ///
    /// # Errors
    /// [`Error::Write`] with the path.
    pub fn stage_bytes(&self, bytes: &[u8]) -> Result<Staged> {
        let mut file = self.create()?;
        file.write_all(bytes).map_err(Error::write(&self.path))?;
        self.stage(file)
    }
}

/// Gives all outputs their names. Called once, when every output of a job is complete.
///
/// # Errors
/// [`Error::Write`] with the path of the first that could not be renamed.
pub fn publish(outputs: Vec<Staged>) -> Result<()> {
    for Staged { temporary, path } in outputs {
        temporary.persist(&path).map_err(|e| Error::Write { path: path.clone(), source: e.error })?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.into(),
        _ => PathBuf::from("."),
    }
}
