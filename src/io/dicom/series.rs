//! The files of a folder by series, and those of one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::attributes::{self, DicomFile, Image};
use super::{OpenOptions, is_dicom};
use crate::{Catalogue, Error, Result, SeriesEntry};

/// Reads the headers of a file, of the files of one series, or of a folder's, in the natural order of file names; and what was left out.
pub(super) fn load(paths: &[PathBuf], options: &OpenOptions) -> Result<(Vec<Image>, Vec<String>)> {
    let place = common_place(paths);
    if let [path] = paths
        && !path.is_dir()
    {
        return match attributes::read(path, options)? {
            DicomFile::Image(image) => Ok((vec![*image], Vec::new())),
            DicomFile::Flawed { error, .. } => Err(error),
            DicomFile::NoPixels => Err(Error::format(path, "the file holds no pixels", "give a DICOM image")),
        };
    }
    let Folder { files, catalogue } = Folder::scan(paths, options)?;
    let count = catalogue.series.len();
    let wanted = match options.series {
        None if count == 1 => 0,
        Some(n) if (1..=count).contains(&(n as usize)) => n as usize - 1,
        asked => return Err(Error::SeveralSeries { path: place, catalogue, asked }),
    };
    let mut notes = Vec::new();
    if catalogue.other_files > 0 {
        notes.push(match catalogue.other_files {
            1 => "1 file in the folder is no DICOM image and was left out".into(),
            n => format!("{n} files in the folder are no DICOM images and were left out"),
        });
    }
    if let Some(damaged) = catalogue.damaged_in_words() {
        notes.push(format!("{damaged}, so that nobody knows of which series, and left out"));
    }
    if count > 1 {
        notes.push(format!("series {} of {count} in the folder", wanted + 1));
    }
    let own = files.into_iter().filter(|(_, n)| *n == Some(wanted));
    let images = own.filter_map(|(file, _)| match file {
        DicomFile::Image(image) => Some(Ok(*image)),
        DicomFile::Flawed { error, .. } => Some(Err(error)),
        DicomFile::NoPixels => None,
    });
    Ok((images.collect::<Result<_>>()?, notes))
}

/// The folder that an error about several files names.
fn common_place(paths: &[PathBuf]) -> PathBuf {
    match paths {
        [one] => one.clone(),
        several => {
            let parents: Option<Vec<&Path>> = several.iter().map(|path| path.parent()).collect();
            let one = parents.filter(|parents| parents.iter().all(|parent| *parent == parents[0])).map(|parents| parents[0]);
            one.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).into()
        }
    }
}

/// All headers of a folder, or of several files.
pub(super) struct Folder {
    /// Files that hold images, readable or not, in natural order, and the series of each, counted from 0, where it is known.
    files: Vec<(DicomFile, Option<usize>)>,
    pub(super) catalogue: Catalogue,
}

impl Folder {
    /// Reads the headers of all files, in parallel; no pixels.
    pub(super) fn scan(given: &[PathBuf], options: &OpenOptions) -> Result<Self> {
        let (paths, folders) = match given {
            [folder] if folder.is_dir() => list(folder)?,
            files => (files.to_vec(), 0),
        };
        let count = paths.len() as u64;
        let read = |file: &PathBuf| {
            let read = if is_dicom(file) { attributes::read(file, options)? } else { DicomFile::NoPixels };
            options.follow.read_one_of(count).map(|()| read)
        };
        let read: Vec<DicomFile> = paths.par_iter().map(read).collect::<Result<_>>()?;
        let mut catalogue = Catalogue::default();
        // Numbered in the order in which their first files come.
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut files = Vec::with_capacity(read.len());
        for file in read {
            let n = match &file {
                DicomFile::NoPixels => {
                    catalogue.other_files += 1;
                    continue;
                }
                DicomFile::Flawed { series: None, path, .. } => {
                    catalogue.damaged.push(path.clone());
                    files.push((file, None));
                    continue;
                }
                DicomFile::Flawed { series: Some(series), .. } => series,
                DicomFile::Image(image) => &image.series,
            };
            let next = numbers.len();
            let n = *numbers.entry(n.clone()).or_insert(next);
            if n == next {
                catalogue.series.push(SeriesEntry { number: n as u32 + 1, ..SeriesEntry::default() });
            }
            tally(&mut catalogue.series[n], &file);
            files.push((file, Some(n)));
        }
        if catalogue.series.is_empty() {
            if let Some((DicomFile::Flawed { error, .. }, _)) = files.into_iter().next() {
                return Err(error);
            }
            let what = match paths.len() {
                1 => "the one file of the folder is no DICOM image".to_owned(),
                n => format!("no DICOM image among the {n} files of the folder"),
            };
            let hint = match folders {
                0 => "check the path".into(),
                n => format!("give one of its {n} sub-folders (they are not searched)"),
            };
            return Err(Error::format(&common_place(given), what, hint));
        }
        Ok(Self { files, catalogue })
    }
}

/// Adds a file to what is known of its series; the first image that can be read speaks for all.
fn tally(entry: &mut SeriesEntry, file: &DicomFile) {
    entry.files += 1;
    let DicomFile::Image(image) = file else {
        entry.unreadable += 1;
        return;
    };
    if entry.size.is_none() {
        entry.size = Some(image.pixels.layout.slice_size());
        entry.spacing_mm = image.frames.first().and_then(|frame| frame.spacing);
        entry.modality.clone_from(&image.modality);
        entry.description.clone_from(&image.description);
    }
    entry.images += image.frames.len() as u64;
    entry.bytes += image.bytes;
}

/// Files in natural order, and how many folders lie beside them. Hidden ones are left out.
fn list(folder: &Path) -> Result<(Vec<PathBuf>, usize)> {
    let (mut files, mut folders) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            folders += 1;
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort_by(|a, b| {
        let name = |p: &PathBuf| p.file_name().unwrap_or_default().to_string_lossy().into_owned();
        natord::compare(&name(a), &name(b)).then_with(|| a.cmp(b))
    });
    Ok((files, folders))
}
