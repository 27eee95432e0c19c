//! `hounsfield brain`: the brain in an image of a head.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::findings::{Rows, Size};
use hounsfield::pipelines::{self, BrainOptions, Input};
use hounsfield::report::{Picker, colours, figure};

use super::slice;
use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};
use crate::picture;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Mask to write, uint8 of 0 and 1: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "MASK")]
    pub output: PathBuf,
    /// A voxel may be brain if it is brighter than so much of what is bright within some 3 cm: more leaves less
    #[arg(long, value_name = "PART", default_value_t = BrainOptions::default().threshold)]
    pub threshold: f64,
    /// What hangs on the brain by bridges thinner than twice this is taken off: more where the eyes or the scalp are left
    #[arg(long, value_name = "MM", default_value_t = BrainOptions::default().erosion_mm)]
    pub erosion: f64,
    /// How far the mask reaches over the fluid around the brain
    #[arg(long, value_name = "MM", default_value_t = BrainOptions::default().growth_mm)]
    pub growth: f64,
    /// Furrows narrower than twice this are closed
    #[arg(long, value_name = "MM", default_value_t = BrainOptions::default().closing_mm)]
    pub closing: f64,
    /// The outline of the mask on three slices of the image: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, [])?.on_cpu();
    let target = job.output(&args.output)?;
    let file = job.figure(args.figure.as_deref())?;
    let input = job.resolve()?;
    let header = input.header().clone();
    let options =
        BrainOptions { threshold: args.threshold, erosion_mm: args.erosion, growth_mm: args.growth, closing_mm: args.closing };
    let mask = job.pass("strip", header.bytes(), |run| pipelines::brain(&input, options, run))?;
    let voxels = mask.bytes().iter().map(|own| u64::from(*own)).sum();
    let size = Size::new(&header);
    job.write((&target, mask.header()), header.bytes(), |sink, run| {
        pipelines::copy(&Input::of(std::sync::Arc::new(mask.clone())), sink, run)
    })?;
    if let Some(file) = &file {
        let pickers = [Picker::middles(&header)?, Picker::middles(mask.header())?];
        let shade = slice::shade(&mut job, None, &input.clone().observed(Some(&pickers[0])))?;
        let masks = Input::of(std::sync::Arc::new(mask.clone()));
        job.prepare("look", mask.header().bytes(), |run| pipelines::gather(&masks.clone().observed(Some(&pickers[1])), run))?;
        let [image, outlines] = pickers.map(Picker::finish);
        let mut pictures = Vec::new();
        for (image, outline) in image.iter().zip(&outlines) {
            let under = Some((image, &header.meaning.rescale, &shade));
            pictures.push(
                picture::labelled(outline, &mask.header().meaning.rescale, under)?.0.captioned(image.view.caption(image.index)),
            );
        }
        let keys = vec![hounsfield::report::Key { name: "brain".into(), colour: colours::label(1) }];
        job.draw(file, &figure::pictures_only("Brain", pictures, keys)?)?;
    }
    job.publish()?;
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("figure", file.as_ref().map(job::name));
    rows.add("voxels", "voxels", voxels, "");
    // Of a single slice an area.
    rows.add(if size.key == "ml" { "volume_ml" } else { "area_mm2" }, size.unit, size.of(voxels), size.unit);
    let rows = job.noted(rows);
    let told = size.of(voxels).map_or_else(String::new, |own| format!(", {own:.1} {}", size.unit));
    job.tell(&format!("{}: {voxels} voxels{told}\n", job::name(&target)), rows)
}
