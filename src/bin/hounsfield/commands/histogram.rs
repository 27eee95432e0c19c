//! `hounsfield histogram`: normalised histogram and cumulative curve, as a figure or as numbers.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use hounsfield::findings::HistogramFinding;
use hounsfield::pipelines::{Bins, Counted};
use hounsfield::{Error, Result};

use crate::args::{FileArgs, RegionArgs, Shared, parse};
use crate::job::{self, Job};
use crate::picture;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .png or .svg for a figure, .csv or .json for numbers
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Bins of equal width [default: one for each stored value; 256 for true floats]
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub bins: Option<NonZeroUsize>,
    #[command(flatten)]
    pub region: RegionArgs,
}

/// Bins of true floats unless --bins says otherwise.
const FLOAT_BINS: usize = 256;

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, &args.region.mask)?;
    let target = job.output(&args.output)?;
    let kind = picture::extension(&target);
    if !matches!(kind.as_str(), "csv" | "json" | "png" | "svg") {
        let what = format!("a histogram has no such format ({})", target.path().display());
        return Err(Error::usage(what, "end the name in .png, .svg, .csv or .json"));
    }
    let input = job.resolve()?;
    let mask = job.mask(&args.region, input.header())?;
    let input = input.masked(mask);
    let header = input.header();
    let even = Bins::Even(args.bins.map_or(FLOAT_BINS, NonZeroUsize::get));
    let counted = job.pass("count", header.bytes(), |run| Counted::of(&input, &job::region(&args.region), even, run))?;
    let finding = HistogramFinding::new(&counted, header, args.bins.map(NonZeroUsize::get))?;
    match kind.as_str() {
        "csv" => job.stage(target.stage_bytes(finding.table().csv().as_bytes())?),
        "json" => job.stage(target.stage_bytes(format!("{:#}\n", job.noted(finding.rows()).json()).as_bytes())?),
        _ => job.draw(&target, &finding.figure())?,
    }
    job.publish()?;
    job.tell("", finding.rows())
}
