//! Which array of a folder is meant, and what its axes are.

use std::path::Path;

use super::array::ZarrArray;
use super::folder::ZarrFolder;
use super::node::{NodeKind, ZarrNode};
use super::ome::{Along, Multiscale, OmeLevel};
use super::source::{AxisMap, ZarrSource};
use crate::io::stored::broken;
use crate::io::{OpenOptions, Source};
use crate::volume::{Header, Shape};
use crate::{Error, Hint, Result};

/// Folders of images that are counted (the layout of bioformats2raw numbers them).
const MOST_NUMBERED: usize = 10_000;

pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let folder = ZarrFolder::open(path)?;
    let node = ZarrNode::read(&folder, "")?.ok_or_else(|| broken(path, "a folder without metadata of Zarr"))?;
    if matches!(node.kind, NodeKind::Group) {
        let images = images(&folder, &node)?;
        return chosen(folder, images, (0, options));
    }
    if let Some((above, image, level)) = image_of_level(path) {
        return chosen(above, vec![image], (level, options));
    }
    let array = node.array(&folder, options)?;
    let axes = AxisMap::unnamed(array.shape.len());
    let mut header = header(path, &array, &axes)?;
    header.origin.format = if matches!(node.kind, NodeKind::Array2(_)) { "Zarr 2" } else { "Zarr 3" }.into();
    header.origin.notes.push("an array without OME metadata: its last axis is taken as x, and it has no spacing".into());
    ZarrSource::open((folder, ""), array, axes, (header, options))
}

/// The image whose level an array is, with the folder of that image and the number of the level.
fn image_of_level(path: &Path) -> Option<(ZarrFolder, Multiscale, usize)> {
    let real = path.canonicalize().ok()?;
    let (parent, name) = (real.parent()?, real.file_name()?.to_str()?);
    let folder = ZarrFolder::open(parent).ok()?;
    let node = ZarrNode::read(&folder, "").ok()??;
    let images = Multiscale::all(parent, "", node.ome()).ok()??;
    let of = |image: Multiscale| image.levels.iter().position(|level| level.key == name).map(|level| (image, level));
    let (image, level) = images.into_iter().find_map(of)?;
    Some((folder, image, level))
}

/// All images of a group, in order.
fn images(folder: &ZarrFolder, node: &ZarrNode) -> Result<Vec<Multiscale>> {
    let (path, ome) = (folder.path.as_path(), node.ome());
    if let Some(images) = Multiscale::all(path, "", ome)? {
        return Ok(images);
    }
    if !ome["bioformats2raw.layout"].is_null() {
        let mut images = Vec::new();
        for number in 0..MOST_NUMBERED {
            let key = number.to_string();
            let Some(node) = ZarrNode::read(folder, &key)? else { break };
            images.extend(Multiscale::all(&folder.at(&key), &key, node.ome())?.unwrap_or_default());
        }
        if !images.is_empty() {
            return Ok(images);
        }
    }
    let lacks = |what: &str| Err(Error::unsupported(path, what, "give the folder of one of its images"));
    if ["plate", "well"].iter().any(|name| !ome[name].is_null()) {
        return lacks("a plate of many images");
    }
    if !ome["labels"].is_null() {
        return lacks("a list of label images");
    }
    Err(broken(path, "a group of Zarr that describes no image"))
}

/// Opens one of the images and channels: they are counted through all images, as those of TIFF files are.
fn chosen(folder: ZarrFolder, images: Vec<Multiscale>, (level, options): (usize, &OpenOptions)) -> Result<Box<dyn Source>> {
    let number = u64::from(options.series.unwrap_or(1));
    let several = images.len() > 1;
    let (mut of, mut choice) = (0u64, None);
    for image in images {
        // What cannot be read is told when it is asked for.
        let channels = match (image.axis(Along::Channel), array_of(&folder, &image.levels[level], options)) {
            (Some(axis), Ok((_, array))) => array.shape.get(axis).copied().unwrap_or(1),
            _ => 1,
        };
        let before = of;
        of = of.saturating_add(channels);
        if (before + 1..=of).contains(&number) {
            choice = Some((image, number - before - 1));
        }
    }
    let Some((image, channel)) = choice else {
        let what = format!("there is no channel {number}: {} holds {of}", folder.path.display());
        return Err(Error::usage(what, Hint::ChooseSeries));
    };
    let (node, array) = array_of(&folder, &image.levels[level], options)?;
    let path = folder.at(&node.key);
    if array.shape.len() != image.axes() {
        let what = format!("an array of {} axes, the image has {}", array.shape.len(), image.axes());
        return Err(broken(&path, what));
    }
    let axes = AxisMap::of(|along| image.axis(along), channel);
    let mut header = header(&path, &array, &axes)?;
    header.origin.format = if matches!(node.kind, NodeKind::Array2(_)) { "OME-Zarr 0.4" } else { "OME-Zarr 0.5" }.into();
    if of > 1 {
        let what = if several { "volume" } else { "channel" };
        header.origin.notes.push(format!("{what} {number} of {of}: another one is chosen by its number, as a series is"));
    }
    header.meaning.labels = image.labels;
    let (geometry, notes) = image.geometry(&image.levels[level], header.grid.shape.axis(2));
    (header.grid.geometry, header.grid.time_step_s) = (geometry, image.time_step_s(&image.levels[level]));
    header.origin.notes.extend(notes);
    header.origin.notes.extend(beside(&folder, &image, level)?);
    ZarrSource::open((folder, &node.key), array, axes, (header, options))
}

fn array_of(folder: &ZarrFolder, level: &OmeLevel, options: &OpenOptions) -> Result<(ZarrNode, ZarrArray)> {
    let path = folder.at(&level.key);
    let node = ZarrNode::read(folder, &level.key)?.ok_or_else(|| {
        Error::format(&path, "the array of the image is not there: zarr.json or .zarray is missing", "get the folder again")
    })?;
    let array = node.array(folder, options)?;
    Ok((node, array))
}

/// What lies beside the image and is not read. Names are not told: anyone may stand in them.
fn beside(folder: &ZarrFolder, image: &Multiscale, level: usize) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    match (level, image.levels.len()) {
        (0, 1) => {}
        (0, n) => notes.push(format!("{} of the image left out: each opens by its own path", counted(n - 1, "smaller level"))),
        (level, n) => notes.push(format!("level {} of {n} of the image", level + 1)),
    }
    let labels = ZarrNode::read(folder, "labels")?.map_or(0, |node| node.ome()["labels"].as_array().map_or(0, Vec::len));
    if labels > 0 {
        notes.push(format!("{} beside the image left out: each opens by its own path", counted(labels, "label image")));
    }
    Ok(notes)
}

fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Shape and type of what is read of an array.
fn header(path: &Path, array: &ZarrArray, axes: &AxisMap) -> Result<Header> {
    let sizes = axes.sizes(&array.shape);
    let what = format!("{} axes, or more than 2^62 voxels", sizes.len());
    let shape = Shape::new(&sizes).ok_or_else(|| Error::unsupported(path, what, "save an array of up to seven axes"))?;
    let mut header = Header::new(shape, array.dtype);
    header.origin.files = 1;
    if array.truth {
        header.origin.notes.push("truth values are read as 0 and 1".into());
    }
    Ok(header)
}
