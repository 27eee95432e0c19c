//! The files of one series.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::attributes::{self, Image};
use super::{Options, is_dicom};
use crate::{Error, Result};

/// Reads the headers of a file, or of the one series in a folder, in the natural order of file names; and what was left out.
pub(super) fn load(path: &Path, options: &Options) -> Result<(Vec<Image>, Vec<String>)> {
    if !path.is_dir() {
        let image = attributes::read(path, options)?;
        let nothing = || Error::format(path, "the file holds no pixels", "give a DICOM image");
        return Ok((vec![image.ok_or_else(nothing)?], Vec::new()));
    }
    let (files, folders) = list(path)?;
    let found: Vec<Option<Image>> = files
        .par_iter()
        .map(|file| if is_dicom(file) { attributes::read(file, options).map(Some) } else { Ok(None) })
        .map(|image| image.map(Option::flatten))
        .collect::<Result<_>>()?;
    let total = found.len();
    let images: Vec<Image> = found.into_iter().flatten().collect();
    if images.is_empty() {
        let what = format!("no DICOM image among the {total} files of the folder");
        let remedy = match folders {
            0 => "check the path".into(),
            n => format!("give one of its {n} sub-folders (they are not searched)"),
        };
        return Err(Error::format(path, what, remedy));
    }
    let mut notes = Vec::new();
    if images.len() < total {
        notes.push(format!("{} files in the folder are no DICOM images and were left out", total - images.len()));
    }
    Ok((pick(images, options, &mut notes)?, notes))
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

fn pick(images: Vec<Image>, options: &Options, notes: &mut Vec<String>) -> Result<Vec<Image>> {
    // Numbered in the order in which their first files come.
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let of: Vec<usize> = images
        .iter()
        .map(|image| {
            let next = numbers.len();
            *numbers.entry(image.series.as_str()).or_insert(next)
        })
        .collect();
    let count = numbers.len();
    let wanted = match &options.series {
        None if count == 1 => 0,
        None => {
            return Err(Error::usage(
                format!("the folder holds {count} series: {}", describe(&images, &of, count)),
                "pick one with --series N",
            ));
        }
        Some(text) => match text.trim().parse::<usize>() {
            Ok(n) if (1..=count).contains(&n) => n - 1,
            _ => {
                return Err(Error::usage(
                    format!("there is no such series; the folder holds {count}: {}", describe(&images, &of, count)),
                    "pick one by its number with --series N",
                ));
            }
        },
    };
    if count > 1 {
        notes.push(format!("series {} of {count} in the folder", wanted + 1));
    }
    Ok(images.into_iter().zip(of).filter(|(_, n)| *n == wanted).map(|(image, _)| image).collect())
}

/// Number, modality, files and size of each series: nothing that could name a patient.
fn describe(images: &[Image], of: &[usize], count: usize) -> String {
    const SHOWN: usize = 20;
    let mut lines: Vec<String> = (0..count.min(SHOWN))
        .map(|n| {
            let mut own = images.iter().zip(of).filter(|(_, of)| **of == n).map(|(image, _)| image).peekable();
            let (modality, rows, columns) = own.peek().map_or(("?", 0, 0), |image| {
                let layout = &image.pixels.layout;
                (image.modality.as_deref().unwrap_or("?"), layout.rows, layout.columns)
            });
            let (files, bytes) = own.fold((0, 0), |(files, bytes), image| (files + 1, bytes + image.bytes));
            let plural = if files == 1 { "file" } else { "files" };
            format!("{}: {modality}, {files} {plural} of {columns} x {rows}, {:.1} MB", n + 1, bytes as f64 / 1e6)
        })
        .collect();
    if count > SHOWN {
        lines.push(format!("and {} more", count - SHOWN));
    }
    lines.join("; ")
}
