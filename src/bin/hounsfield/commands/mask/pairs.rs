//! Which image belongs to which masks, by name: `NAME.png` with `NAME_mask.png`, `NAME_mask_1.png` and so on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hounsfield::{Error, Result};

/// Formats of which images and masks may be.
const EXTENSIONS: [&str; 5] = ["png", "tif", "tiff", "jpg", "jpeg"];

/// An image with the masks that bear its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Below the folder.
    pub image: PathBuf,
    /// Below the folder, in natural order; at least one.
    pub masks: Vec<PathBuf>,
}

/// What a folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In natural order of the images.
    pub pairs: Vec<Named>,
    /// Files without a partner, below the folder, each with what it lacks.
    pub unpaired: Vec<(PathBuf, &'static str)>,
}

/// Looks through `folder` and the folders in it, but for `except`, the folder of the outputs. Hidden files and links to folders are passed by.
pub fn find(folder: &Path, except: &Path) -> Result<Listing> {
    let except = except.canonicalize().ok();
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let here: PathBuf = folder.iter().chain(below.iter()).collect();
        for entry in fs::read_dir(&here).map_err(Error::read(&here))? {
            let entry = entry.map_err(Error::read(&here))?;
            let kind = entry.file_type().map_err(Error::read(&here))?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if kind.is_dir() {
                if except.is_none() || path.canonicalize().ok() != except {
                    folders.push(below.join(entry.file_name()));
                }
            } else if path.is_file() && is_image(&path) {
                files.push(below.join(entry.file_name()));
            }
        }
    }
    Ok(paired(files))
}

fn is_image(path: &Path) -> bool {
    path.extension().is_some_and(|own| EXTENSIONS.iter().any(|e| own.eq_ignore_ascii_case(e)))
}

/// Puts files together by name.
fn paired(mut files: Vec<PathBuf>) -> Listing {
    files.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()).then_with(|| a.cmp(b)));
    let name = |path: &Path| path.with_extension("").to_string_lossy().into_owned();
    let mut masks: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut images = Vec::new();
    for file in files {
        match image_of(&name(&file)) {
            Some(image) => masks.entry(image.to_owned()).or_default().push(file),
            None => images.push(file),
        }
    }
    let mut found = Listing::default();
    for image in images {
        match masks.remove(&name(&image)) {
            Some(masks) => found.pairs.push(Named { image, masks }),
            None => found.unpaired.push((image, "no mask of this name")),
        }
    }
    found.unpaired.extend(masks.into_values().flatten().map(|mask| (mask, "a mask without its image")));
    found
}

/// The name of the image that a file of this name (without extension) is a mask of; none if it is no mask.
fn image_of(name: &str) -> Option<&str> {
    let (rest, last) = name.rsplit_once("_mask")?;
    let numbered = |t: &str| t.strip_prefix('_').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    (last.is_empty() || numbered(last)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn masks_find_their_image_by_name() {
        let found = paired(paths(&[
            "b/benign (10).png",
            "b/benign (10)_mask_1.png",
            "b/benign (10)_mask.png",
            "b/benign (9)_mask.png",
            "b/benign (9).png",
            "m/benign (9)_mask.png",
            "alone.png",
            "a_mask_x.png",
        ]));
        let pair = |image: &str, masks: &[&str]| Named { image: image.into(), masks: paths(masks) };
        assert_eq!(
            found.pairs,
            [
                pair("b/benign (9).png", &["b/benign (9)_mask.png"]),
                pair("b/benign (10).png", &["b/benign (10)_mask.png", "b/benign (10)_mask_1.png"])
            ]
        );
        let unpaired: Vec<_> = found.unpaired.iter().map(|(p, _)| p.to_string_lossy()).collect();
        assert_eq!(unpaired, ["a_mask_x.png", "alone.png", "m/benign (9)_mask.png"]);
    }

    #[test]
    fn the_output_folder_and_other_files_are_passed_by() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/x.png", "a/x_mask.png", "a/notes.txt", "a/.hidden.png", "out/a/x.png"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = find(folder.path(), &folder.path().join("out")).unwrap();
        assert_eq!(found.pairs, [Named { image: "a/x.png".into(), masks: paths(&["a/x_mask.png"]) }]);
        assert_eq!(found.unpaired, []);
        assert!(matches!(find(&folder.path().join("none"), folder.path()), Err(Error::Read { .. })));
    }
}
