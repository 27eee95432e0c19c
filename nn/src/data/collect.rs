//! From what was typed to images ready for a network: read in parallel, framed, hashed; what is broken is named.

use std::path::{Path, PathBuf};

use hounsfield::{Error, Result};
use rayon::prelude::*;

use super::files::{self, Columns, Listed};
use super::{ArchivePart, ImageSet, Plane, Sample, archive, read_plane};
use crate::prepare::{Frame, plane_through};

/// Where images come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// A folder, a table, an archive, or single images.
    pub paths: Vec<PathBuf>,
    /// Which part of an archive.
    pub part: ArchivePart,
    /// How a table names its columns.
    pub columns: Columns,
    /// Leave out what cannot be read instead of giving up.
    pub skip_broken: bool,
    /// Steps of `hounsfield map` that images go through.
    pub steps: Option<String>,
}

/// Images, and what could not be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// What was read.
    pub set: ImageSet,
    /// For each image left out, why.
    pub skipped: Vec<String>,
}

/// Told of each image; an error ends the reading.
pub trait Follow: Sync {
    /// So many images will come.
    fn begin(&self, images: u64);
    /// One more.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    fn next(&self) -> Result<()>;
}

/// Reads images. With `known` classes, those of a model, others are refused; without, there must be two or more.
///
/// # Errors
/// What reading gives; [`Error::Usage`] for classes that do not fit.
pub fn collect(origin: &Origin, frame: &Frame, known: Option<&[String]>, follow: &dyn Follow) -> Result<Collected> {
    match origin.paths.as_slice() {
        [] => Err(Error::usage("no images are given", "name a folder, a table or an archive")),
        [one] if archive::is_archive(one) => of_archive(one, origin, frame, known),
        [one] if one.is_dir() => of_files(files::in_folder(one, known.is_some())?, one, origin, frame, known, follow),
        [one] if is_table(one) => of_files(files::in_table(one, &origin.columns)?, one, origin, frame, known, follow),
        several => {
            let listed = several.iter().map(|path| Listed { path: path.clone(), class: None, patient: None }).collect();
            let known =
                known.ok_or_else(|| Error::usage("single images have no class", "name a folder, a table or an archive"))?;
            of_files(listed, &several[0], origin, frame, Some(known), follow)
        }
    }
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["csv", "tsv"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn of_files(
    listed: Vec<Listed>,
    from: &Path,
    origin: &Origin,
    frame: &Frame,
    known: Option<&[String]>,
    follow: &dyn Follow,
) -> Result<Collected> {
    let classes = files::classes(&listed, known, from)?;
    follow.begin(listed.len() as u64);
    let read = |file: &Listed| {
        follow.next()?;
        let sample = |plane: Plane| sample(file.path.display().to_string(), plane, (None, file.patient.clone()), (frame, origin));
        Ok(read_plane(&file.path).and_then(sample))
    };
    let read: Vec<Result<Sample>> = listed.par_iter().map(read).collect::<Result<_>>()?;
    let mut all = Collected { set: ImageSet { classes, samples: Vec::new() }, skipped: Vec::new() };
    for (file, sample) in listed.iter().zip(read) {
        let class = file.class.as_ref().and_then(|class| all.set.classes.iter().position(|known| known == class));
        match sample {
            Ok(sample) => all.set.samples.push(Sample { class, ..sample }),
            Err(e) if origin.skip_broken => all.skipped.push(e.to_string()),
            Err(e) => return Err(e),
        }
    }
    Ok(all)
}

fn of_archive(path: &Path, origin: &Origin, frame: &Frame, known: Option<&[String]>) -> Result<Collected> {
    let part = origin.part;
    let images = archive::read(path, part)?;
    let most = images.iter().filter_map(|(_, label)| *label).max();
    let classes: Vec<String> = match known {
        Some(known) => known.to_vec(),
        None => (0..=most.unwrap_or(0)).map(|class| class.to_string()).collect(),
    };
    let used: std::collections::BTreeSet<u32> = images.iter().filter_map(|(_, label)| *label).collect();
    if known.is_none() && used.len() < 2 {
        return Err(Error::usage(format!("{} class in {}", used.len(), path.display()), "give images of two classes or more"));
    }
    if let Some(beyond) = most.filter(|most| *most as usize >= classes.len()) {
        let what = format!("label {beyond} in {}, where the model has {} classes", path.display(), classes.len());
        return Err(Error::usage(what, "give the data that it was trained for"));
    }
    let one = |(i, (plane, label)): (usize, (Plane, Option<u32>))| {
        let name = format!("{}:{}:{i}", path.display(), part.name());
        sample(name, plane, (label.map(|label| label as usize), None), (frame, origin))
    };
    let samples = images.into_par_iter().enumerate().map(one).collect::<Result<_>>()?;
    Ok(Collected { set: ImageSet { classes, samples }, skipped: Vec::new() })
}

/// An image after its steps, framed. The same pixels are known by those before the steps.
fn sample(
    name: String,
    plane: Plane,
    (class, group): (Option<usize>, Option<String>),
    (frame, origin): (&Frame, &Origin),
) -> Result<Sample> {
    let hash = plane.hash();
    let values = frame.apply(&plane_through(plane, origin.steps.as_deref())?);
    Ok(Sample { name, values, class, group, hash })
}

/// The shorter side of the first image that can be read.
///
/// # Errors
/// What reading gives.
pub fn first_side(origin: &Origin) -> Result<usize> {
    let of = |plane: &Plane| plane.width.min(plane.height);
    let Some(one) = origin.paths.first() else { return Err(Error::usage("no images are given", "name a folder")) };
    if archive::is_archive(one) {
        let images = archive::read(one, origin.part)?;
        return images
            .first()
            .map(|(plane, _)| of(plane))
            .ok_or_else(|| Error::format(one, "an archive without images", "give another"));
    }
    let listed = if one.is_dir() { files::in_folder(one, false)? } else { files::in_table(one, &origin.columns)? };
    let mut broken = None;
    for file in &listed {
        match read_plane(&file.path) {
            Ok(plane) => return Ok(of(&plane)),
            Err(e) if origin.skip_broken => broken = Some(e),
            Err(e) => return Err(e),
        }
    }
    Err(broken.unwrap_or_else(|| Error::format(one, "no images", "give some")))
}
