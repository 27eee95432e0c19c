//! Several images as the slices of one volume.

use std::path::{Path, PathBuf};

use super::slices::SliceSource;
use super::{Format, OpenOptions, Source, format};
use crate::volume::{Header, Rescale, Rescales, Shape, Volume};
use crate::{Error, Result};

/// Opens images of one shape and type as one volume, slices in the order given. All headers are looked at now, voxels are
/// read when they are asked for.
///
/// # Errors
/// [`Error::Usage`] naming the first image that differs from the first; what opening a file can give.
pub fn open(paths: &[PathBuf], options: &OpenOptions) -> Result<Box<dyn Source>> {
    let Some(first_path) = paths.first() else {
        return Err(Error::usage("a stack of no images", "give at least one"));
    };
    let first = slice_format(first_path)?.header(first_path, options)?;
    let shape = plane(first_path, &first)?;
    let mut rescales = vec![first.meaning.rescale.clone()];
    let mut geometry = first.grid.geometry.clone();
    let mut later_colour = None;
    for path in &paths[1..] {
        let header = slice_format(path)?.header(path, options)?;
        if plane(path, &header)? != shape || header.meaning.dtype != first.meaning.dtype {
            return Err(Error::usage(
                format!(
                    "{} is {} {}, the first image is {} {}",
                    path.display(),
                    header.grid.shape,
                    header.meaning.dtype,
                    first.grid.shape,
                    first.meaning.dtype
                ),
                "stack images of one size and type",
            ));
        }
        rescales.push(header.meaning.rescale);
        later_colour = later_colour.or(header.origin.colour);
        if header.grid.geometry.is_none() {
            geometry = None;
        }
    }
    let axes = [shape.0, shape.1, paths.len() as u64];
    let shape = Shape::new(&axes).ok_or_else(|| Error::usage("more than 2^62 voxels", "stack fewer images"))?;
    let mut header = first;
    (header.grid.shape, header.meaning.rescale) = (shape, joined(rescales));
    header.origin.files = paths.len() as u64;
    if header.origin.colour.is_none() && later_colour.is_some() {
        options.grey.noted("some slices RGB", &mut header);
    }
    header.origin.format += " stack";
    // Nothing says how far apart the images were taken, nor that they lie behind each other.
    if let Some(geometry) = &mut geometry {
        geometry.position = None;
        geometry.spacing_mm[2] = 1.0;
        header.origin.notes.push("the distance of stacked images is not known; 1 mm is assumed".into());
    }
    header.grid.geometry = geometry;
    let (paths, options) = (paths.to_vec(), options.clone());
    let (dtype, voxels) = (header.meaning.dtype, header.grid.shape.slice_voxels());
    let decode = move |i: usize| {
        let slice = (slice_format(&paths[i])?.open)(&paths[i], &options)?;
        let found = slice.header();
        if found.meaning.dtype != dtype || found.grid.shape.voxels() != voxels {
            return Err(Error::format(&paths[i], "the file changed while it was read", "run again"));
        }
        let mut bytes = vec![0; found.bytes() as usize];
        slice.read(0, &mut bytes)?;
        Volume::new(found.clone(), bytes)
    };
    Ok(Box::new(SliceSource::new(header, Box::new(decode))))
}

/// A slice is a file, never a folder.
fn slice_format(path: &Path) -> Result<&'static Format> {
    if std::fs::metadata(path).map_err(Error::read(path))?.is_dir() {
        return Err(Error::usage(
            format!("a folder among several inputs ({})", path.display()),
            "give one folder, or files only",
        ));
    }
    format::of(path)
}

fn plane(path: &Path, header: &Header) -> Result<(u64, u64)> {
    if header.grid.shape.slices() != 1 {
        return Err(Error::usage(
            format!("{} is a volume of {}, not a slice", path.display(), header.grid.shape),
            "give one volume, or images of one slice each",
        ));
    }
    Ok((header.grid.shape.axis(0), header.grid.shape.axis(1)))
}

/// One rescale where all agree.
fn joined(slices: Vec<Rescales>) -> Rescales {
    let each: Vec<Rescale> = slices.iter().map(|r| r.distinct().0.first().copied().unwrap_or(Rescale::IDENTITY)).collect();
    match each.as_slice() {
        [first, rest @ ..] if rest.iter().all(|r| r == first) => Rescales::Uniform(*first),
        _ => Rescales::PerSlice(each),
    }
}
