//! The files of one series.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::attributes::{self, Found, Image};
use super::{OpenOptions, is_dicom};
use crate::{Error, Hint, Result};

/// Reads the headers of a file, or of the one series in a folder, in the natural order of file names; and what was left out.
pub(super) fn load(path: &Path, options: &OpenOptions) -> Result<(Vec<Image>, Vec<String>)> {
    if !path.is_dir() {
        return match attributes::read(path, options)? {
            Found::Image(image) => Ok((vec![*image], Vec::new())),
            Found::Flawed { error, .. } => Err(error),
            Found::NoPixels => Err(Error::format(path, "the file holds no pixels", "give a DICOM image")),
        };
    }
    let (files, folders) = list(path)?;
    let found: Vec<Found> = files
        .par_iter()
        .map(|file| if is_dicom(file) { attributes::read(file, options) } else { Ok(Found::NoPixels) })
        .collect::<Result<_>>()?;
    let total = found.len();
    let found: Vec<Found> = found.into_iter().filter(|found| !matches!(found, Found::NoPixels)).collect();
    if found.is_empty() {
        let what = format!("no DICOM image among the {total} files of the folder");
        let remedy = match folders {
            0 => "check the path".into(),
            n => format!("give one of its {n} sub-folders (they are not searched)"),
        };
        return Err(Error::format(path, what, remedy));
    }
    let mut notes = Vec::new();
    if found.len() < total {
        notes.push(format!("{} files in the folder are no DICOM images and were left out", total - found.len()));
    }
    Ok((pick(path, found, options, &mut notes)?, notes))
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

fn pick(folder: &Path, found: Vec<Found>, options: &OpenOptions, notes: &mut Vec<String>) -> Result<Vec<Image>> {
    // Numbered in the order in which their first files come.
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let of: Vec<usize> = found
        .iter()
        .map(|found| {
            let series = match found {
                Found::Image(image) => image.series.as_str(),
                Found::Flawed { series, .. } => series,
                Found::NoPixels => "",
            };
            let next = numbers.len();
            *numbers.entry(series).or_insert(next)
        })
        .collect();
    let count = numbers.len();
    let refuse = |problem: &str| {
        let folder = folder.display();
        let what = format!("{problem}{folder} holds {count} series: {}", describe(&found, &of, count));
        Err(Error::usage(what, Hint::ChooseSeries))
    };
    let wanted = match options.series.map(|n| n as usize) {
        None if count == 1 => 0,
        None => return refuse(""),
        Some(n) if (1..=count).contains(&n) => n - 1,
        Some(_) => return refuse("there is no such series; "),
    };
    if count > 1 {
        notes.push(format!("series {} of {count} in the folder", wanted + 1));
    }
    let own = found.into_iter().zip(of).filter(|(_, n)| *n == wanted);
    own.filter_map(|(found, _)| match found {
        Found::Image(image) => Some(Ok(*image)),
        Found::Flawed { error, .. } => Some(Err(error)),
        Found::NoPixels => None,
    })
    .collect()
}

/// Number, modality, files and size of each series: nothing that could name a patient.
fn describe(found: &[Found], of: &[usize], count: usize) -> String {
    const SHOWN: usize = 20;
    let mut lines: Vec<String> = (0..count.min(SHOWN))
        .map(|n| {
            let own = || found.iter().zip(of).filter(|(_, of)| **of == n).map(|(found, _)| found);
            let images: Vec<&Image> = own()
                .filter_map(|found| match found {
                    Found::Image(image) => Some(image.as_ref()),
                    _ => None,
                })
                .collect();
            let (all, bytes) = (own().count(), images.iter().map(|image| image.bytes).sum::<u64>());
            let plural = if all == 1 { "file" } else { "files" };
            let unreadable = if images.len() < all { format!(", {} unreadable", all - images.len()) } else { String::new() };
            match images.first() {
                None => format!("{}: {all} unreadable {plural}", n + 1),
                Some(first) => format!(
                    "{}: {}, {all} {plural} of {} x {}, {:.1} MB{unreadable}",
                    n + 1,
                    first.modality.as_deref().unwrap_or("unknown modality"),
                    first.pixels.layout.columns,
                    first.pixels.layout.rows,
                    bytes as f64 / 1e6
                ),
            }
        })
        .collect();
    if count > SHOWN {
        lines.push(format!("and {} more", count - SHOWN));
    }
    lines.join("; ")
}
