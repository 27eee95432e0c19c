//! `hounsfield map`: a chain of steps.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::findings::PlanFinding;
use hounsfield::pipelines::{BorderRule, ChainPlan, Device, FilterChain, Input, Run, Silent};
use hounsfield::volume::Dtype;

use super::pointwise::{self, Product, Request};
use crate::args::{FileArgs, RegionArgs, Shared, parse};
use crate::job::{self, Job};
use crate::rates;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT", required_unless_present = "plan")]
    pub output: Option<PathBuf>,
    /// Steps, comma-separated, such as window:lung,equalize or clip:-1000:400,zscore
    ///
    /// window[:PRESET | :CENTER:WIDTH[:linear|:linear-exact|:sigmoid]], clip:LO:HI, percentile:LO:HI (clip to percentiles),
    /// minmax, zscore, nnunet (as nnU-Net does CT), invert, gamma:G, equalize, rescale:SLOPE:INTERCEPT,
    /// threshold:T[:T...] (T% for percentiles), otsu[:CLASSES]. Steps work on real values (HU), take their statistics from the
    /// voxels that count after the steps before them, and are rounded once, at the end. Classes are numbered from 0; with --mask or --where from 1,
    /// and 0 is all that these leave out.
    ///
    /// Among them such that look at neighbours: median:R, min:R, max:R, rank:R:PERCENT, each also with :ball behind R (2:ball). R is voxels on each side (2
    /// is 5 x 5 x 5, 2x2x1 is 5 x 5 x 3) or mm (2.5mm), at most 10 voxels; erode, dilate, open and close of a mask (two values) by a ball have no limit (close:20mm:ball). The nearest voxel goes on beyond the border; type and rescale stay. Point-wise steps
    /// before them keep 16 bits of their range, and statistics after them cost a pass that computes them.
    ///
    /// And such that sum over them: mean:R, gaussian:S (standard deviation in voxels, such as 2 or 2x2x1, in mm as 1.5mm, or width at half height as 6mm-fwhm),
    /// unsharp:S[:AMOUNT], which adds AMOUNT [1] times what that Gaussian takes away, gradmag (length of the gradient, per mm) and laplace (per mm²). Integers of up to 16 bits
    /// keep their type; of true floats, and for derivatives, sums are made of 24-bit levels, whose step is stated, and float32 is written.
    /// And such that look at the whole volume, on masks and label maps: fill (holes, that is what a label encloses and the border of the volume cannot be reached from by faces; each label
    /// is filled with itself, and nothing is overwritten), fill:2d (slice by slice), reconstruct:MARKER[:26] (what is not 0 and hangs together, by faces or the neighbours given, with a voxel of
    /// the mask MARKER; all else becomes 0). The type stays if it has 8 or 16 bits.
    #[arg(long, value_name = "STEPS", allow_hyphen_values = true)]
    pub steps: String,
    /// Type of the result [default: u8 for classes, f32 for real values; for windows, minmax and equalize u8 from 8-bit files, else u16]
    #[arg(long, value_name = "TYPE", value_parser = parse::dtype())]
    pub to: Option<Dtype>,
    /// What steps that look at neighbours see beyond the border: nearest, reflect, mirror or constant:V (a real value), as SciPy names them
    #[arg(long, value_name = "RULE", default_value = "nearest", allow_hyphen_values = true)]
    pub border: BorderRule,
    /// Original and result side by side, with their histograms: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// Say what would be done, and read no voxel: passes, neighbours, bytes, memory, and the device that is taken
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub region: RegionArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let chain = FilterChain::parse(&args.steps)?;
    let Some(output) = args.output.as_ref().filter(|_| !args.plan) else {
        let chain = chain.map_or_else(|| args.steps.parse().map(FilterChain::of_points), Ok)?;
        return plan(shared, args, &chain);
    };
    let request = Request {
        input: &args.input,
        output,
        figure: args.figure.as_deref(),
        region: Some(&args.region),
        to: args.to,
        title: "Point-wise steps",
    };
    match chain {
        Some(chain) => super::filter::run(shared, &request, &chain, args.border),
        None => say(&pointwise::carry_out(shared, request, args.steps.parse()?)?),
    }
}

/// Prints what would be done.
fn plan(shared: &Shared, args: &Args, chain: &FilterChain) -> Result<()> {
    let job = Job::new(shared, &args.input, [])?;
    let input = Input::of(job.open()?.into());
    let plan = ChainPlan::of(&input, chain, &Run::new(&Device::cpu(), job::memory_bytes(shared), &Silent))?;
    let (device, why) = Device::open(&shared.device, &plan.cost, &rates::stored())?;
    let finding = PlanFinding { plan: &plan, device: &format!("{} ({why})", device.name()) };
    job.tell(&finding.text(), finding.rows())
}

/// Prints what was done.
pub fn say(product: &Product<'_>) -> Result<()> {
    let finding = product.finding();
    let line = finding.line(&product.provenance);
    let text = format!("{}: {line}\n{}{}", job::name(&product.image), finding.text(), product.figure_line());
    product.job.tell(&text, product.rows())
}
