//! The files of a folder by series, and those of one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::attributes::{self, DicomFile, Image};
use super::{OpenOptions, is_dicom};
use crate::{Catalogue, Error, Result, SeriesEntry};

/// Reads the headers of a file, or of the one series in a folder, in the natural order of file names; and what was left out.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<(Vec<Image>, Vec<String>)> {
    if !path.is_dir() {
        return match attributes::read(path, options)? {
            DicomFile::Image(image) => Ok((vec![*image], Vec::new())),
            DicomFile::Flawed { error, .. } => Err(error),
            DicomFile::NoPixels => Err(Error::format(path, "the file holds no pixels", "give a DICOM image")),
        };
    }
    let Folder { files, series, catalogue } = Folder::scan(path, options)?;
    let count = catalogue.series.len();
    let wanted = match options.series {
        None if count == 1 => 0,
        Some(n) if (1..=count).contains(&(n as usize)) => n as usize - 1,
        asked => return Err(Error::SeveralSeries { path: path.into(), catalogue, asked }),
    };
    let mut notes = Vec::new();
    if catalogue.other_files > 0 {
        notes.push(format!("{} files in the folder are no DICOM images and were left out", catalogue.other_files));
    }
    if count > 1 {
        notes.push(format!("series {} of {count} in the folder", wanted + 1));
    }
    let own = files.into_iter().zip(series).filter(|(_, n)| *n == wanted);
    let images = own.filter_map(|(file, _)| match file {
        DicomFile::Image(image) => Some(Ok(*image)),
        DicomFile::Flawed { error, .. } => Some(Err(error)),
        DicomFile::NoPixels => None,
    });
    Ok((images.collect::<Result<_>>()?, notes))
}

/// All headers of a folder.
pub(super) struct Folder {
    /// Files that hold images, readable or not, in natural order.
    files: Vec<DicomFile>,
    /// The series of each, counted from 0.
    series: Vec<usize>,
    pub(super) catalogue: Catalogue,
}

impl Folder {
    /// Reads the headers of all files, in parallel; no pixels.
    pub(super) fn scan(path: &Path, options: &OpenOptions) -> Result<Self> {
        let (paths, folders) = list(path)?;
        let mut files: Vec<DicomFile> = paths
            .par_iter()
            .map(|file| if is_dicom(file) { attributes::read(file, options) } else { Ok(DicomFile::NoPixels) })
            .collect::<Result<_>>()?;
        files.retain(|file| !matches!(file, DicomFile::NoPixels));
        if files.is_empty() {
            let what = format!("no DICOM image among the {} files of the folder", paths.len());
            let hint = match folders {
                0 => "check the path".into(),
                n => format!("give one of its {n} sub-folders (they are not searched)"),
            };
            return Err(Error::format(path, what, hint));
        }
        let mut catalogue = Catalogue { other_files: (paths.len() - files.len()) as u64, ..Catalogue::default() };
        // Numbered in the order in which their first files come.
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut series = Vec::with_capacity(files.len());
        for file in &files {
            let next = numbers.len();
            let n = *numbers.entry(file.series()).or_insert(next);
            if n == next {
                catalogue.series.push(SeriesEntry { number: n as u32 + 1, ..SeriesEntry::default() });
            }
            tally(&mut catalogue.series[n], file);
            series.push(n);
        }
        Ok(Self { files, series, catalogue })
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
        entry.size = Some([image.pixels.layout.columns, image.pixels.layout.rows]);
        entry.spacing_mm = image.frames.first().and_then(|frame| frame.spacing);
        entry.modality.clone_from(&image.modality);
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
