//! Whether two names of outputs mean one file, before either exists.

use std::io;
use std::path::{Path, PathBuf};

/// Links that are followed before a path counts as one that leads nowhere.
const MOST_LINKS: usize = 40;

/// The file that a path means: equal for all names of one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// It exists: device and number.
    #[cfg(unix)]
    There(u64, u64),
    /// Its folder, without links, and its name; in lower case where the disk does not tell cases apart.
    Named(PathBuf, String),
}

impl Place {
    /// # Errors
    /// What the system says of the folder, or of links that lead in a circle.
    pub fn of(path: &Path) -> io::Result<Self> {
        let end = followed(path)?;
        #[cfg(unix)]
        if let Ok(found) = end.metadata() {
            use std::os::unix::fs::MetadataExt;
            return Ok(Self::There(found.dev(), found.ino()));
        }
        Self::with_case(&end, is_case_blind(&folder_of(&end)))
    }

    /// Standard output, which is no file: no file has an empty folder.
    pub(super) fn stream() -> Self {
        Self::Named(PathBuf::new(), String::new())
    }

    /// The place of a file that does not exist.
    pub(super) fn with_case(path: &Path, blind: bool) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self::Named(folder_of(path).canonicalize()?, if blind { name.to_lowercase() } else { name.into_owned() }))
    }
}

/// Where links at the end of a path lead, also to what does not exist.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match path.read_link() {
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "links that lead in a circle"))
}

/// Whether a folder has one file for names that differ in case alone: tried, since disks of all kinds are mounted on all systems.
fn is_case_blind(folder: &Path) -> bool {
    let Ok(probe) = tempfile::Builder::new().prefix(".hounsfield-a").tempfile_in(folder) else { return false };
    let name = probe.path().file_name().unwrap_or_default().to_string_lossy().replace("-a", "-A");
    folder.join(name).exists()
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.into(),
        _ => PathBuf::from("."),
    }
}
