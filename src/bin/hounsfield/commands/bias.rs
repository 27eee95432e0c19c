//! `hounsfield bias`: an image without its smooth gain.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::findings::Rows;
use hounsfield::pipelines::{Tissue, TissueOptions};
use hounsfield::volume::Dtype;

use super::classes::write_floats;
use super::tissue::ModelArgs;
use crate::args::{FileArgs, RegionArgs, ScratchArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Image without the gain to write, float32: .nii, .nii.gz, .nrrd, .mha, .npy, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// The organ: the gain is learnt from voxels that are not 0 there [default: from all that are not 0 in the image]
    #[arg(long, value_name = "MASK")]
    pub mask: Option<PathBuf>,
    /// Write the gain as float32: image = corrected image x gain, whose geometric mean is 1 in the mask
    #[arg(long, value_name = "FIELD")]
    pub bias_field: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub scratch: ScratchArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let options = TissueOptions {
        classes: args.model.classes,
        bias_width_mm: Some(args.model.bias_width),
        rounds: args.model.iterations,
        ..TissueOptions::default()
    };
    options.check()?;
    let mut job = Job::new(shared, &args.input, &args.mask)?;
    let target = job.output(&args.output)?;
    let field = job.maybe(args.bias_field.as_deref())?;
    let input = job.resolve()?;
    let header = input.header().clone();
    let region = RegionArgs { mask: args.mask.clone(), label: None, r#where: None, with_padding: None };
    let mask = job.mask(&region, &header)?;
    let scratch = args.scratch.place(&args.output, 8 * header.grid.shape.voxels())?;
    job.costs(Tissue::cost(&header, &options));
    let tissue = job.pass("learn", header.bytes(), |run| Tissue::new(&[input], mask.as_ref(), (options, &scratch), run))?;
    let floats = header.derived(Dtype::F32);
    write_floats(&mut job, ("correct", Some(&target)), (&floats, false), |sink, run| tissue.write_corrected(sink, run))?;
    write_floats(&mut job, ("gain", field.as_ref()), (&floats, false), |sink, run| tissue.write_field(sink, run))?;
    job.publish()?;
    let (low, high) = tissue.gains(0);
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("bias_field", field.as_ref().map(job::name));
    rows.add("voxels", "voxels", tissue.voxels(), "");
    rows.add("gain_min", "least gain", low, "");
    rows.add("gain_max", "greatest gain", high, "");
    rows.add("bias_width_mm", "width", args.model.bias_width, "mm");
    let rows = job.noted(rows);
    let text = format!(
        "{}: gain {low:.3} to {high:.3}, smooth over {} mm, learnt from {} voxels\n",
        job::name(&target),
        args.model.bias_width,
        tissue.voxels()
    );
    job.tell(&text, rows)
}
