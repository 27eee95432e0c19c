//! `hounsfield mask`: the segmented image, and what lies inside and outside of the mask.

mod folder;
mod pairs;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hounsfield::findings::words::number;
use hounsfield::findings::{MaskFinding, MaskSlices, Rows};
use hounsfield::io::output::{Staged, Target};
use hounsfield::io::{self, Grey, OpenOptions, Source, WriteOptions};
use hounsfield::ops::mask::Rule;
use hounsfield::pipelines::{self, Background, Input, Run, Sides};
use hounsfield::{Error, Result};

use crate::args::{FileArgs, Shared, parse};
use crate::job::{self, Job};
use crate::{labels, words};

#[derive(Debug, clap::Args)]
#[command(override_usage = "hounsfield mask [OPTIONS] --output <OUT> <IMAGE> <MASK>...
       hounsfield mask [OPTIONS] --output <FOLDER> --folder <DIR>")]
pub struct Args {
    /// The image or volume
    #[arg(value_name = "IMAGE", required_unless_present = "folder", conflicts_with = "folder")]
    pub image: Option<PathBuf>,
    /// Masks on its grid: voxels that are not zero are kept; several are joined as --combine says
    #[arg(value_name = "MASK", required_unless_present = "folder")]
    pub masks: Vec<PathBuf>,
    /// All pairs NAME.png and NAME_mask.png (with NAME_mask_1.png and so on) in a folder and the folders in it
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output; with --folder the folder to write to, made if need be
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// How several masks of one image become one
    #[arg(long, value_name = "RULE", default_value = "or", value_parser = parse::rule())]
    pub combine: Rule,
    /// Keep what lies outside of the mask instead
    #[arg(long)]
    pub not: bool,
    /// Only this label of the masks
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub label: Option<f64>,
    /// Real value (HU) of all that is not kept, rounded to the nearest that the image's type can hold [default: 0]
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    pub background: Option<f64>,
    /// Original, outline of the mask and result side by side: .png or .svg
    #[arg(long, value_name = "F.png", conflicts_with = "folder")]
    pub figure: Option<PathBuf>,
    /// How colour becomes grey
    #[arg(long, default_value = "rec601", value_name = "RULE", value_parser = parse::grey())]
    pub grey: Grey,
    /// Which DICOM series of a folder that holds several, or which channel of a TIFF
    #[arg(long, value_name = "N", conflicts_with = "folder")]
    pub series: Option<u32>,
    /// Read a series even if slices are missing, doubled, uneven or tilted
    #[arg(long, conflicts_with = "folder")]
    pub trust_geometry: bool,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    match (&args.folder, &args.image) {
        (Some(folder), _) => folder::run(shared, args, folder),
        (None, Some(image)) => one(shared, args, image),
        (None, None) => Err(Error::usage("no image is given", "name an image and its mask, or a --folder of both")),
    }
}

fn one(shared: &Shared, args: &Args, image: &Path) -> Result<()> {
    // Every output is checked before the first voxel is read.
    let mut job = Job::new(shared, &files(args, image), &args.masks)?;
    let target = job.output(&args.output)?;
    let figure_file = job.figure(args.figure.as_deref())?;

    let pair = job.prepare("mask", 0, |run| Pair::open(args, image, &args.masks, run))?;
    let (header, background) = (&pair.input.header().clone(), pair.background);
    pair.notes.iter().for_each(|note| job.warn(note));
    let pictured = match figure_file {
        Some(_) => Some(job.pass("mask", header.grid.shape.voxels(), |run| MaskSlices::new(header, &pair.mask, run))?),
        None => None,
    };
    let observed = pair.masked().observed(pictured.as_ref().map(|p| p as _));
    job.write((&target, header), header.bytes(), |sink, run| pipelines::mask(&observed, background.bits, sink, run))?;
    drop(observed);
    let input = match header.meaning.dtype.is_small_integer() {
        true => pair.input.clone(),
        false => job.pass("look", header.bytes(), |run| Input::resolve(pair.input.source().clone(), run))?,
    };
    let sides = job.pass("statistics", header.bytes(), |run| pipelines::sides(&input, &pair.mask, run))?;
    let finding = MaskFinding { header: header.clone(), sides };
    if let (Some(file), Some(slices)) = (&figure_file, pictured) {
        job.draw(file, &finding.figure(slices, background.bits)?)?;
    }
    job.publish()?;

    finding.notes().iter().for_each(|note| job.note(note));
    if let (0, Some(label)) = (finding.sides.inside.voxels, args.label) {
        let held = job.prepare("labels", 0, |run| labels::missing(&pair.mask, label, &pair.files, run))?;
        held.iter().for_each(|held| job.warn(&format!("no voxel of the masks has label {}; {held}", number(label))));
    }
    let device = job.device()?.name().to_owned();
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.key("device", device.as_str());
    rows.key("background", background.real);
    rows.extend(finding.rows());
    let mut text = format!("{}: {} {}, on {device}\n", job::name(&target), header.grid.shape, header.meaning.dtype);
    figure_file.iter().for_each(|file| text += &format!("{}\n", job::name(file)));
    job.tell(&(text + &finding.text()), rows)
}

/// How an image is read.
fn files(args: &Args, image: &Path) -> FileArgs {
    let Args { grey, series, trust_geometry, .. } = *args;
    FileArgs { grey, series, trust_geometry, ..FileArgs::one(image.to_path_buf()) }
}

/// Of several masks the user must know which does not fit; the errors of files say so themselves.
fn named(error: Error, mask: &Path) -> Error {
    match error {
        Error::Usage { what, hint } => Error::Usage { what: format!("{what} ({})", mask.display()), hint },
        other => other,
    }
}

/// An image with its mask.
struct Pair {
    /// As it is stored: what is written.
    input: Input<'static>,
    mask: pipelines::Mask,
    background: Background,
    notes: Vec<String>,
    /// The masks as they are stored.
    files: Vec<Arc<dyn Source>>,
}

impl Pair {
    fn open(args: &Args, image: &Path, masks: &[PathBuf], run: &Run<'_>) -> Result<Self> {
        let options = job::options(&files(args, image));
        let input = Input::of(io::open(&[image.to_path_buf()], &options)?.into());
        let header = input.header();
        let mut notes = header.origin.notes.clone();
        let (mut each, mut files) = (Vec::new(), Vec::new());
        let role = job::role(args.label);
        for path in masks {
            let mask = io::open(std::slice::from_ref(path), &OpenOptions { grey: options.grey, ..OpenOptions::of(role) })?;
            let new: Vec<_> = mask.header().origin.notes.iter().filter(|note| !notes.contains(note)).collect();
            notes.extend(new.into_iter().map(|note| format!("mask: {note}")));
            if mask.header().origin.format == "JPEG" {
                notes.push("JPEG blurs the edge of a mask, and all but 0 is kept".into());
            }
            let mask: Arc<dyn Source> = mask.into();
            each.push(pipelines::Mask::new(mask.clone(), args.label, header, run).map_err(|e| named(e, path))?);
            files.push(mask);
        }
        let mut mask = pipelines::Mask::combined(each, args.combine)?;
        if args.not {
            mask = mask.inverted();
        }
        if mask.reoriented() {
            notes.push(job::reoriented("mask"));
        }
        let background = args.background.map_or_else(|| Background::zero(header), |real| Background::of(header, real))?;
        if !background.exact {
            let wanted = number(args.background.unwrap_or(0.0));
            notes.push(format!(
                "{wanted} cannot be stored in this image: outside of the mask {} is written",
                number(background.real)
            ));
        }
        Ok(Self { input, mask, background, notes, files })
    }

    /// The image, of which the mask selects voxels.
    fn masked(&self) -> Input<'static> {
        self.input.clone().masked(Some(self.mask.clone()))
    }

    /// Writes the segmented image; `said` takes what its file does not say.
    fn write(&self, target: &Target, run: &Run<'_>, said: impl FnOnce(Vec<String>)) -> Result<Staged> {
        let sink = io::create(target, self.input.header(), &WriteOptions::default())?;
        said(job::not_kept(target, sink.as_ref()).map(|note| words::note(&note)).collect());
        pipelines::mask(&self.masked(), self.background.bits, sink.as_ref(), run)?;
        sink.finish()
    }

    fn sides(&self, run: &Run<'_>) -> Result<Sides> {
        pipelines::sides(&Input::resolve(self.input.source().clone(), run)?, &self.mask, run)
    }
}
