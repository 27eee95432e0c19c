//! Folders of images, as commands take them that go through one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hounsfield::io::FORMATS;
use hounsfield::{Error, Result};

/// The names of files of known formats in a folder.
pub fn names_in(folder: &Path) -> Result<BTreeSet<String>> {
    if !folder.is_dir() {
        return Err(Error::usage(format!("{} is no folder", folder.display()), "give folders, or leave out --folder"));
    }
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let entry = entry.map_err(Error::read(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && FORMATS.iter().any(|format| format.reads(Path::new(&name))) {
            all.insert(name);
        }
    }
    Ok(all)
}
