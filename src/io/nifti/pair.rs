//! Pairs of files: the header in one (`.hdr`), the voxels in another (`.img`), each gzipped or not.

use std::path::{Path, PathBuf};

use crate::io::ends;
use crate::{Error, Result};

/// What the files are called.
pub(super) const ENDINGS: [&str; 4] = [".hdr", ".img", ".hdr.gz", ".img.gz"];

/// The two files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilePair {
    pub(super) header: PathBuf,
    pub(super) voxels: PathBuf,
}

impl FilePair {
    /// The pair that a file belongs to, by the name of either.
    ///
    /// # Errors
    /// [`Error::Format`] if the other file is not there.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let is_header = ends(path, &[ENDINGS[0], ENDINGS[2]]);
        let wanted = if is_header { ".img" } else { ".hdr" };
        let Some(other) = sibling(path, wanted) else {
            let what = if is_header { "the voxels, in a file" } else { "the header, in a file" };
            let text = format!("{what} of the same name in {wanted} or {wanted}.gz, are missing: this is one of a pair");
            let text = if is_header { text } else { text.replace("are missing", "is missing") };
            return Err(Error::format(path, text, "put both into one folder"));
        };
        let own = path.to_path_buf();
        Ok(if is_header { Self { header: own, voxels: other } } else { Self { header: other, voxels: own } })
    }
}

/// A file of the same name but for its ending, which begins with `wanted`; one as compressed as `path` first.
fn sibling(path: &Path, wanted: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().filter(|ending| lower.ends_with(*ending)).max_by_key(|ending| ending.len())?;
    let (stem, own) = name.split_at(name.len() - ending.len());
    let zipped = format!("{wanted}.gz");
    let both = if ending.ends_with(".gz") { [zipped.as_str(), wanted] } else { [wanted, &zipped] };
    // Cameras of old and some file systems shout.
    let loud = own.chars().all(|c| !c.is_ascii_lowercase());
    let cased = |ending: &str| if loud { ending.to_ascii_uppercase() } else { ending.to_owned() };
    both.iter().map(|ending| path.with_file_name(format!("{stem}{}", cased(ending)))).find(|other| other.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_file_finds_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.hdr", "a.img", "b.hdr.gz", "b.img.gz", "c.hdr", "c.img.gz", "D.HDR", "D.IMG", "alone.hdr"] {
            std::fs::write(at(name), "x").unwrap();
        }
        let pair = |header: &str, voxels: &str| FilePair { header: at(header), voxels: at(voxels) };
        for (header, voxels) in [("a.hdr", "a.img"), ("b.hdr.gz", "b.img.gz"), ("c.hdr", "c.img.gz"), ("D.HDR", "D.IMG")] {
            assert_eq!(FilePair::of(&at(header)).unwrap(), pair(header, voxels));
            assert_eq!(FilePair::of(&at(voxels)).unwrap(), pair(header, voxels));
        }
        assert!(matches!(FilePair::of(&at("alone.hdr")), Err(Error::Format { .. })));
    }
}
