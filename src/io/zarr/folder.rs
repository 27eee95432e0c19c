//! Files below one folder: nothing in it can lead out of it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::{Error, Result};

/// Metadata that are believed. Those of one image are a few KiB.
const MOST_JSON: u64 = 16 << 20;

/// A folder whose files are named by keys: names with `/` between them.
pub(super) struct ZarrFolder {
    /// As it was given.
    pub(super) path: PathBuf,
    /// Without links.
    real: PathBuf,
}

impl ZarrFolder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.into(), real: path.canonicalize().map_err(Error::read(path))? })
    }

    /// Where the file of a key is, for messages.
    pub(super) fn at(&self, key: &str) -> PathBuf {
        if key.is_empty() { self.path.clone() } else { self.path.join(key) }
    }

    /// The file of a key; none if there is none.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a link that leads out of the folder, [`Error::Format`] for what is no file (a pipe would never end),
    /// [`Error::Read`].
    pub(super) fn file(&self, key: &str) -> Result<Option<File>> {
        let path = self.at(key);
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(Error::read(&path)(e)),
        };
        if !real.starts_with(&self.real) {
            return Err(Error::unsupported(
                &path,
                "a link that leads out of the folder",
                "copy what it leads to into the folder",
            ));
        }
        if !real.metadata().map_err(Error::read(&path))?.is_file() {
            return Err(Error::format(&path, "this is no file", "get the folder again"));
        }
        File::open(&real).map(Some).map_err(Error::read(&path))
    }

    /// The JSON of a key; none if there is no such file.
    ///
    /// # Errors
    /// As [`ZarrFolder::file`]; [`Error::Format`] for what is no JSON object.
    pub(super) fn json(&self, key: &str) -> Result<Option<Value>> {
        let Some(file) = self.file(key)? else { return Ok(None) };
        let path = self.at(key);
        let mut bytes = Vec::new();
        file.take(MOST_JSON + 1).read_to_end(&mut bytes).map_err(Error::read(&path))?;
        if bytes.len() as u64 > MOST_JSON {
            return Err(Error::format(&path, format!("more than {} MiB of metadata", MOST_JSON >> 20), "get the folder again"));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value @ Value::Object(_)) => Ok(Some(value)),
            // What serde_json says may quote the text.
            Ok(_) | Err(_) => Err(Error::format(&path, "this is no JSON object", "get the folder again")),
        }
    }
}

/// The key of `path` below `prefix`; none if it would lead out of it.
pub(super) fn below(prefix: &str, path: &str) -> Option<String> {
    let mut key = prefix.to_owned();
    if path.contains('\\') {
        return None;
    }
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => {
                if !key.is_empty() {
                    key.push('/');
                }
                key += name.to_str()?;
            }
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        for (path, key) in [("0", "a/0"), ("s0/image", "a/s0/image"), ("./0", "a/0"), ("", "a"), ("0/", "a/0")] {
            assert_eq!(below("a", path).as_deref(), Some(key), "{path}");
        }
        assert_eq!(below("", "0").as_deref(), Some("0"));
        for path in ["..", "../b", "0/../../b", "/etc", "0\\..\\b"] {
            assert_eq!(below("a", path), None, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_are_refused() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        std::fs::write(at("real"), "{}").unwrap();
        std::os::unix::fs::symlink(outside.path(), at("out")).unwrap();
        std::os::unix::fs::symlink("real", at("in")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        let folder = ZarrFolder::open(inside.path()).unwrap();
        assert!(folder.json("in").unwrap().is_some() && folder.json("none/x").unwrap().is_none());
        assert!(matches!(folder.file("out"), Err(Error::Unsupported { .. })));
        assert!(matches!(folder.file("folder"), Err(Error::Format { .. })));
    }
}
