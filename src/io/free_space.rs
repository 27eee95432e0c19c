//! Asks before a long job, not after it, whether the output fits on its disk.

use std::fs::File;
use std::path::Path;

use super::limits::mib;
use crate::{Error, Result};

/// Refuses an output of `bytes` if the disk that holds `file` has less room. Where the system does not say, it is let through.
pub(super) fn check(file: &File, path: &Path, bytes: u64) -> Result<()> {
    match available(file) {
        Some(free) if free < bytes => {
            let text = format!("needs {} MiB, {} MiB free", mib(bytes), free >> 20);
            Err(Error::Write { path: path.into(), source: std::io::Error::new(std::io::ErrorKind::StorageFull, text) })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn available(file: &File) -> Option<u64> {
    let disk = rustix::fs::fstatvfs(file).ok()?;
    // Some network and virtual file systems report no size at all; zero blocks in all is not "full".
    (disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn available(_: &File) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn more_than_any_disk_holds_is_refused_with_both_sizes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(check(file.as_file(), file.path(), 1).is_ok());
        let error = check(file.as_file(), file.path(), 1 << 62).unwrap_err().to_string();
        assert!(error.contains("needs 4398046511104 MiB") && error.contains("MiB free"), "{error}");
    }
}
