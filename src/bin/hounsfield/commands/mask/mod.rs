//! `hounsfield mask`: the segmented image, and what lies inside and outside of the mask.

mod figure;
mod folder;
mod pairs;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};

use hounsfield::io::output::{self, Staged, Target};
use hounsfield::io::{self, OpenOptions, Source, WriteOptions};
use hounsfield::ops::mask::Rule;
use hounsfield::pipelines::{self, Device, Observer, Resolved, Sides, Watch};
use hounsfield::{Error, Result};
use serde_json::json;

use crate::args::{Combine, Input, Mask, Shared};
use crate::progress::Progress;
use crate::text::{print, print_json};
use crate::{job, picture};

pub fn run(shared: &Shared, command: &Mask) -> Result<()> {
    match (&command.folder, &command.image) {
        (Some(folder), _) => folder::run(shared, command, folder),
        (None, Some(image)) => one(shared, command, image),
        (None, None) => Err(Error::usage("no image is given", "name an image and its mask, or a --folder of both")),
    }
}

fn one(shared: &Shared, command: &Mask, image: &Path) -> Result<()> {
    // Every output is checked before the first voxel is read.
    let all = input(command, std::iter::once(image).chain(command.masks.iter().map(PathBuf::as_path)));
    let mut targets = job::targets(shared, &all, None, [])?;
    let target = targets.add(&command.output)?;
    let figure_file = command.figure.as_deref().map(|path| targets.add(path)).transpose()?;
    figure_file.as_ref().map(picture::check).transpose()?;

    let opened = Opened::new(command, image, &command.masks)?;
    let (header, background) = (&opened.source.header().clone(), opened.background);
    opened.notes.iter().for_each(|note| job::warn(shared, note));
    let device = job::device(shared)?;
    let watch = Progress::new(shared, "mask", header.bytes());
    let pictured = match figure_file {
        Some(_) => Some(figure::Slices::new(header, &opened.mask, &watch)?),
        None => None,
    };
    let observer = |at: u64, bytes: &[u8]| pictured.iter().for_each(|p| p.take(at, bytes));
    let mut outputs = vec![opened.write(&target, &device, Some(&observer), &watch)?];
    watch.finish();
    // Integers are counted whole and inside; floats take a look and two passes for each of whole, inside and outside.
    let passes = if opened.counted.is_none() { 2 } else { 7 };
    let watch = Progress::new(shared, "statistics", passes * header.bytes());
    let sides = opened.sides(&device, &watch)?;
    watch.finish();
    if let (Some(file), Some(slices)) = (&figure_file, pictured) {
        let svg = slices.draw(header, &sides, background)?;
        outputs.push(picture::stage(file, &svg, None)?);
    }
    output::publish(outputs)?;

    if sides.inside.voxels == 0 {
        job::warn(shared, "the mask is empty: nothing was kept");
    }
    if shared.json {
        let figure = figure_file.as_ref().map(Target::path);
        let mut value = json!({"output": target.path(), "figure": figure, "device": device.name()});
        value.as_object_mut().into_iter().for_each(|v| v.extend(words::as_json(header, &sides)));
        return print_json(&value);
    }
    let mut text = format!("{}: {} {}, on {}\n", target.path().display(), header.shape, header.dtype, device.name());
    text += &figure_file.iter().map(|f| format!("{}\n", f.path().display())).collect::<String>();
    print(&(text + &words::as_text(header, &sides)))
}

fn input<'a>(command: &Mask, paths: impl Iterator<Item = &'a Path>) -> Input {
    let paths = paths.map(Path::to_path_buf).collect();
    Input { paths, grey: command.grey, series: command.series, trust_geometry: command.trust_geometry }
}

/// Of several masks the user must know which does not fit; the errors of files say so themselves.
fn named(error: Error, mask: &Path) -> Error {
    match error {
        Error::Usage { what, hint } => Error::usage(format!("{what} ({})", mask.display()), hint),
        other => other,
    }
}

/// An image with its mask.
struct Opened {
    source: Box<dyn Source>,
    /// The same image once more where its type is counted in another one than it is written in.
    counted: Option<Box<dyn Source>>,
    mask: pipelines::Mask,
    background: u64,
    notes: Vec<String>,
}

impl Opened {
    fn new(command: &Mask, image: &Path, masks: &[PathBuf]) -> Result<Self> {
        let options = job::options(&input(command, std::iter::empty()));
        let open = || io::open(&[image.to_path_buf()], &options);
        let source = open()?;
        let header = source.header();
        let mut notes = header.notes.clone();
        let mut each = Vec::new();
        for path in masks {
            let mask = io::open(std::slice::from_ref(path), &OpenOptions { grey: options.grey, ..OpenOptions::default() })?;
            if mask.header().origin.format == "JPEG" {
                notes.push(format!("JPEG blurs the edge of a mask, and all but 0 is kept: {}", path.display()));
            }
            each.push(pipelines::Mask::new(mask, command.label, header).map_err(|e| named(e, path))?);
        }
        let rule = match command.combine {
            Combine::And => Rule::AND,
            Combine::Or => Rule::OR,
            Combine::Xor => Rule::XOR,
        };
        let mut mask = pipelines::Mask::combined(each, rule)?;
        if command.not {
            mask = mask.inverted();
        }
        if mask.reoriented() {
            notes.push("the axes of the mask are not the image's: it was reoriented".into());
        }
        let background = command.background.map_or(Ok(0), |real| pipelines::background_bits(header, real))?;
        let counted = if header.dtype.is_small_integer() { None } else { Some(open()?) };
        Ok(Self { source, counted, mask, background, notes })
    }

    /// Writes the segmented image. `observer` sees every block of the image once.
    fn write(&self, target: &Target, device: &Device, observer: Option<Observer<'_>>, watch: &dyn Watch) -> Result<Staged> {
        let source = self.source.as_ref();
        let sink = io::create(target, source.header(), &WriteOptions::default())?;
        pipelines::mask(source, &self.mask, self.background, sink.as_ref(), device, observer, watch)?;
        sink.finish()
    }

    fn sides(self, device: &Device, watch: &dyn Watch) -> Result<Sides> {
        let resolved = match self.counted {
            Some(counted) => pipelines::resolve(counted, watch)?,
            None => Resolved::Exact(self.source),
        };
        pipelines::sides(&resolved, &self.mask, device, watch)
    }
}
