//! Which image goes with which label map: by their names, or as a table says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hounsfield::io::TextTable;
use hounsfield::{Error, Result};

/// An image and its label map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What both are called.
    pub name: String,
    /// The image.
    pub image: PathBuf,
    /// The label map.
    pub labels: PathBuf,
}

/// Names of sub-folders with images, and of those with label maps.
const FOLDERS: [(&str, &str); 3] = [("imagesTr", "labelsTr"), ("images", "labels"), ("image", "label")];
/// Columns of a table.
const COLUMNS: (&str, &str) = ("image", "labels");
/// What the names of files end in.
const ENDINGS: [&str; 9] = [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".npy", ".png", ".tiff", ".tif"];

/// The pairs of a folder with sub-folders `imagesTr` and `labelsTr`, or `images` and `labels`, or of a table with columns `image` and `labels`. Names are compared
/// without endings; an image without a label map, or a map without an image, is refused.
///
/// # Errors
/// [`Error::Read`], [`Error::Format`] for what is no such folder, [`Error::Usage`] for what has no partner.
pub fn pairs(from: &Path) -> Result<Vec<Pair>> {
    if !from.is_dir() {
        return in_table(from);
    }
    let hint = "give a folder with sub-folders images and labels, in which names are the same";
    let found = FOLDERS.into_iter().find(|(images, labels)| from.join(images).is_dir() && from.join(labels).is_dir());
    let Some((images, labels)) = found else {
        return Err(Error::format(from, "no sub-folders with images and label maps", hint));
    };
    let (images, mut labels) = (named(&from.join(images))?, named(&from.join(labels))?);
    if images.is_empty() {
        return Err(Error::format(from, "no images in this folder", hint));
    }
    let mut all = Vec::new();
    for (name, image) in images {
        let Some(labels) = labels.remove(&name) else {
            return Err(Error::usage(format!("there is no label map for {}", image.display()), hint));
        };
        all.push(Pair { name, image, labels });
    }
    match labels.into_values().next() {
        Some(alone) => Err(Error::usage(format!("there is no image for {}", alone.display()), hint)),
        None => Ok(all),
    }
}

/// What lies in a folder, by name without ending. Hidden files are left out, and what has no ending of an image.
fn named(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
        let Some(stem) = stem.filter(|stem| !stem.starts_with('.')) else { continue };
        if let Some(other) = all.insert(stem.to_owned(), path.clone()) {
            let what = format!("{} and {} have one name", other.display(), path.display());
            return Err(Error::usage(what, "leave one of them out"));
        }
    }
    Ok(all)
}

fn in_table(table: &Path) -> Result<Vec<Pair>> {
    let read = TextTable::read(table)?;
    let (image, labels) = (read.column(COLUMNS.0)?, read.column(COLUMNS.1)?);
    let folder = table.parent().unwrap_or(Path::new(""));
    let row = |row: usize| {
        let cell = |column: usize| {
            let missing = || Error::format(table, format!("line {} lacks a file", read.line(row)), "fill the column in");
            read.text(column, row).map(|text| folder.join(text)).ok_or_else(missing)
        };
        let image = cell(image)?;
        let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name).to_owned();
        Ok(Pair { name, image, labels: cell(labels)? })
    };
    (0..read.rows()).map(row).collect()
}

/// Those of these names; all, where none is given.
///
/// # Errors
/// [`Error::Usage`] for a name that no pair has.
pub fn chosen<'a>(all: &'a [Pair], names: &[String]) -> Result<Vec<&'a Pair>> {
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|pair| &pair.name != *name)) {
        let known: Vec<&str> = all.iter().map(|pair| pair.name.as_str()).collect();
        return Err(Error::usage(format!("there is no volume {unknown:?}"), format!("there are {}", known.join(", "))));
    }
    Ok(all.iter().filter(|pair| names.is_empty() || names.contains(&pair.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_pairs_and_what_is_alone_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        assert!(pairs(folder.path()).is_err());
        for name in ["images/b.nii.gz", "images/a.nrrd", "images/.c.nii", "images/read.me", "labels/a.nii", "labels/b.nii.gz"] {
            file(name);
        }
        let found = pairs(folder.path()).unwrap();
        assert_eq!(found.iter().map(|pair| pair.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(found[0].labels, folder.path().join("labels/a.nii"));
        file("labels/alone.nii");
        assert!(pairs(folder.path()).unwrap_err().to_string().contains("no image for"));
        file("images/alone.nii");
        file("images/other.nii");
        assert!(pairs(folder.path()).unwrap_err().to_string().contains("no label map for"));
    }
}
