//! `hounsfield map`: a chain of point-wise steps, in one pass.

use std::path::PathBuf;

use hounsfield::pipelines::Filter;
use hounsfield::volume::Dtype;
use hounsfield::{Error, Result};

use super::filter::Way;
use super::pointwise::{self, Product, Request};
use crate::args::{FileArgs, RegionArgs, Shared, parse};
use crate::job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Steps, comma-separated, such as window:lung,equalize or clip:-1000:400,zscore
    ///
    /// window[:PRESET | :CENTER:WIDTH[:linear|:linear-exact|:sigmoid]], clip:LO:HI, percentile:LO:HI (clip to percentiles),
    /// minmax, zscore, nnunet (as nnU-Net does CT), invert, gamma:G, equalize, rescale:SLOPE:INTERCEPT,
    /// threshold:T[:T...] (T% for percentiles), otsu[:CLASSES]. Steps work on real values (HU), take their statistics from the
    /// voxels that count after the steps before them, and are rounded once, at the end. Classes are numbered from 0; with --mask or --where from 1,
    /// and 0 is all that these leave out.
    ///
    /// median:1 stands alone: the median of 3 x 3 x 3 voxels around each, nearest at the border; type and rescale stay.
    #[arg(long, value_name = "STEPS", allow_hyphen_values = true)]
    pub steps: String,
    /// Type of the result [default: u8 for classes, f32 for real values; for windows, minmax and equalize u8 from 8-bit files, else u16]
    #[arg(long, value_name = "TYPE", value_parser = parse::dtype())]
    pub to: Option<Dtype>,
    /// Original and result side by side, with their histograms: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    #[command(flatten)]
    pub region: RegionArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    if let Some(filter) = Filter::parse(&args.steps)? {
        let region = &args.region;
        if region.mask.is_some() || region.r#where.is_some() || region.with_padding.is_some() || args.to.is_some() {
            let what = format!("{} looks at all voxels and keeps their type", filter.name());
            return Err(Error::usage(what, "leave out --mask, --where, --padding and --to"));
        }
        let (input, output, figure) = (&args.input, args.output.as_path(), args.figure.as_deref());
        return super::filter::run(shared, filter, &Way { input, output, figure });
    }
    let request = Request {
        input: &args.input,
        output: &args.output,
        figure: args.figure.as_deref(),
        region: Some(&args.region),
        steps: args.steps.parse()?,
        to: args.to,
        title: "Point-wise steps",
    };
    say(&pointwise::carry_out(shared, request)?)
}

/// Prints what was done.
pub fn say(product: &Product<'_>) -> Result<()> {
    let finding = product.finding();
    let line = finding.line(&product.provenance);
    let text = format!("{}: {line}\n{}{}", job::name(&product.image), finding.text(), product.figure_line());
    product.job.tell(&text, product.rows())
}
