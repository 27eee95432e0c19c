//! Which files there are, and of which class and patient each is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hounsfield::io::{FORMATS, TextTable};
use hounsfield::{Error, Result};

/// A file before it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The image.
    pub path: PathBuf,
    /// Its class by name, where it is known.
    pub class: Option<String>,
    /// Whose it is.
    pub patient: Option<String>,
}

/// The images of a folder: those of its sub-folders have their name for a class. Hidden files and what no format reads are left out. With `plain`, the images of a folder
/// without such sub-folders are taken, too, of which no class is known.
///
/// # Errors
/// [`Error::Read`]; [`Error::Format`] for a folder without images.
pub fn in_folder(folder: &Path, plain: bool) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let images = entries(&class)?.into_iter().filter(|path| is_image(path));
        all.extend(images.map(|path| Listed { path, class: Some(name.clone()), patient: None }));
    }
    if all.is_empty() && plain {
        let images = entries(folder)?.into_iter().filter(|path| is_image(path));
        all.extend(images.map(|path| Listed { path, class: None, patient: None }));
    }
    if all.is_empty() {
        let what = "no images in sub-folders of this folder";
        return Err(Error::format(folder, what, "put the images of each class into a sub-folder with its name"));
    }
    Ok(all)
}

/// Whether the name is one of an image of one slice, or could be.
fn is_image(path: &Path) -> bool {
    path.is_file() && FORMATS.iter().any(|format| format.reads(path))
}

/// What lies in a folder, by name, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        if !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

/// Names of the columns of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Of the files, relative to the folder of the table.
    pub path: String,
    /// Of the classes.
    pub label: String,
    /// Of the patients.
    pub patient: Option<String>,
}

/// The images that a table names.
///
/// # Errors
/// What reading the table gives; [`Error::Format`] for a row without a path.
pub fn in_table(table: &Path, columns: &Columns) -> Result<Vec<Listed>> {
    let read = TextTable::read(table)?;
    let (path, label) =
        (read.column(&columns.path)?, if read.has(&columns.label) { Some(read.column(&columns.label)?) } else { None });
    let patient = columns.patient.as_deref().map(|name| read.column(name)).transpose()?;
    let folder = table.parent().unwrap_or(Path::new(""));
    let row = |row: usize| {
        let missing = || Error::format(table, format!("line {} names no file", read.line(row)), "fill the column in");
        let text = |column: Option<usize>| column.and_then(|column| read.text(column, row)).map(str::to_owned);
        let file = read.text(path, row).ok_or_else(missing)?;
        Ok(Listed { path: folder.join(file), class: text(label), patient: text(patient) })
    };
    (0..read.rows()).map(row).collect()
}

/// The names of all classes, in the order of their numbers: those of a model where there is one.
///
/// # Errors
/// [`Error::Usage`] for a class that the model has not, and for fewer than two classes.
pub fn classes(listed: &[Listed], known: Option<&[String]>, from: &Path) -> Result<Vec<String>> {
    let found: BTreeSet<&String> = listed.iter().filter_map(|file| file.class.as_ref()).collect();
    match known {
        None if found.len() < 2 => {
            let what = format!("{} class in {}: there is nothing to tell apart", found.len(), from.display());
            Err(Error::usage(what, "give images of two classes or more"))
        }
        None => Ok(found.into_iter().cloned().collect()),
        Some(known) => match found.iter().find(|class| !known.contains(class)) {
            Some(strange) => {
                let what = format!("class {strange:?} in {}, which the model was not trained for", from.display());
                Err(Error::usage(what, format!("its classes are {}", known.join(", "))))
            }
            None => Ok(known.to_vec()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("list.csv");
        std::fs::write(&table, "file,diagnosis,patient\na.png,well,7\nsub/b.png,ill,\n").unwrap();
        let columns = Columns { path: "file".into(), label: "diagnosis".into(), patient: Some("patient".into()) };
        let listed = in_table(&table, &columns).unwrap();
        assert_eq!(listed[1].path, folder.path().join("sub/b.png"));
        assert_eq!(
            (listed[0].class.as_deref(), listed[0].patient.as_deref(), &listed[1].patient),
            (Some("well"), Some("7"), &None)
        );
        assert_eq!(classes(&listed, None, &table).unwrap(), ["ill", "well"]);
        assert!(classes(&listed[..1], None, &table).is_err());
        let known = ["well".to_owned(), "dead".into()];
        assert!(classes(&listed, Some(&known), &table).unwrap_err().to_string().contains("\"ill\""));
    }
}
