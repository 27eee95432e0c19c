//! Volumes as numbers, and their labels.

use std::path::Path;
use std::sync::Arc;

use hounsfield::io::{self, OpenOptions, Role, Source};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};
use sha2::{Digest, Sha256};

use super::{Look, Orient, Pair};
use crate::data::real_values;
use crate::prepare::{Normalise, through};

/// A volume with its labels.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// What it is called.
    pub name: String,
    /// What is known of the image, its axes as the network has them.
    pub header: Header,
    /// Voxels along x, y and z.
    pub size: [usize; 3],
    /// Normalised, x fastest.
    pub values: Vec<f32>,
    /// Of each voxel its class.
    pub labels: Vec<u8>,
    /// SHA-256 of the normalised values and of the labels.
    pub hash: [u8; 32],
}

/// A volume in its file.
///
/// # Errors
/// What reading gives; [`Error::Format`] for several volumes.
pub fn open_volume(path: &Path) -> Result<Arc<dyn Source>> {
    let source: Arc<dyn Source> = io::open(&[path.to_path_buf()], &OpenOptions::default())?.into();
    let shape = &source.header().grid.shape;
    if shape.volumes() > 1 {
        return Err(Error::format(path, format!("{shape} voxels: several volumes"), "give one volume a file"));
    }
    Ok(source)
}

/// Voxels that are no numbers.
pub fn no_numbers(path: &Path) -> Error {
    Error::format(path, "voxels that are no numbers", "replace NaN and infinities first")
}

/// All voxels of a volume, normalised, in the order of the file.
fn normalised(path: &Path, source: &dyn Source, normalise: &Normalise) -> Result<Vec<f32>> {
    let mut values = real_values(source)?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(no_numbers(path));
    }
    normalise.apply(&mut values);
    Ok(values)
}

/// Reads the label map of an image with this header.
///
/// # Errors
/// What reading gives; [`Error::Usage`] for another size; [`Error::Format`] for values that are no whole numbers from 0 to 255.
pub fn read_labels(path: &Path, image: &Header) -> Result<Vec<u8>> {
    let source = io::open(&[path.to_path_buf()], &OpenOptions::of(Role::Labels))?;
    let (own, wanted) = (&source.header().grid.shape, &image.grid.shape);
    if own.xyz() != wanted.xyz() || own.volumes() > 1 {
        let what = format!("the label map has {own} voxels, its image {wanted} ({})", path.display());
        return Err(Error::usage(what, "give a map on the grid of the image"));
    }
    let values = real_values(source.as_ref())?;
    let strange = values.iter().find(|value| value.fract() != 0.0 || !(0.0..=255.0).contains(*value));
    match strange {
        Some(value) => Err(Error::format(path, format!("a label {value}"), "number labels from 0 to 255")),
        None => Ok(values.into_iter().map(|value| value as u8).collect()),
    }
}

/// Reads both as a network looks at them: after its steps, and turned.
///
/// # Errors
/// As [`open_volume`] and [`read_labels`]; [`Error::Format`] for voxels that are no numbers; [`Error::Usage`] for a label of which there is no class.
pub fn read_pair(pair: &Pair, look: &Look, classes: Option<usize>) -> Result<Labelled> {
    let source = through(open_volume(&pair.image)?, look.steps.as_deref())?;
    let labels = read_labels(&pair.labels, source.header())?;
    let most = labels.iter().copied().max().unwrap_or(0);
    if let Some(classes) = classes.filter(|classes| usize::from(most) >= *classes) {
        let what = format!("label {most} in {}, where there are {classes} classes from 0 on", pair.labels.display());
        return Err(Error::usage(what, "name a class for each label with --classes, or correct the map"));
    }
    let orient = Orient::new(source.header(), look.orientation.as_deref())?;
    let values = orient.turned(normalised(&pair.image, source.as_ref(), &look.normalise)?);
    let labels = orient.turned(labels);
    let mut hash = Sha256::new();
    values.iter().for_each(|value| hash.update(value.to_le_bytes()));
    hash.update(&labels);
    let header = Header { grid: orient.grid().clone(), ..source.header().clone() };
    Ok(Labelled { name: pair.name.clone(), header, size: orient.size(), values, labels, hash: hash.finalize().into() })
}

/// The names of classes where none are given: the background, and each label up to the greatest.
///
/// # Errors
/// [`Error::Usage`] if there is no label but 0.
pub fn classes_of(all: &[Labelled]) -> Result<Vec<String>> {
    let most = all.iter().flat_map(|volume| &volume.labels).copied().max().unwrap_or(0);
    if most == 0 {
        return Err(Error::usage("the label maps hold nothing but 0", "give maps with a structure"));
    }
    Ok(std::iter::once("background".to_owned()).chain((1..=most).map(|label| format!("label {label}"))).collect())
}
