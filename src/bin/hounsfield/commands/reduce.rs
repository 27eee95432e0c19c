//! `hounsfield reduce`: figures over time.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::findings::{ReductionFinding, Rows};
use hounsfield::pipelines::{Input, OverTime, Reduction};

use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write, float32: .nii, .nii.gz, .nrrd, .mha, .npy, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// The axis that goes: time, the fourth
    #[arg(long, value_name = "AXIS", default_value = "t")]
    pub over: OverAxis,
    /// What is made of the values of each place
    #[arg(long, value_name = "HOW", default_value = "mean")]
    pub how: HowOver,
    /// What is taken from the number of values where deviations divide by it: 0 as numpy, 1 for the estimate from a sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub ddof: u32,
    /// The volume, from 0, that is subtracted from all, for differences [default: the one before each]
    #[arg(long, value_name = "T")]
    pub reference: Option<u64>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum OverAxis {
    T,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HowOver {
    /// The mean
    Mean,
    /// The standard deviation
    Std,
    /// The mean over the standard deviation: temporal signal-to-noise ratio
    Tsnr,
    /// Each volume minus the one before, or minus --reference: a volume less, or as many
    Difference,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let OverAxis::T = args.over;
    if args.reference.is_some() && args.how != HowOver::Difference {
        return Err(hounsfield::Error::usage("--reference without differences", "say --how difference"));
    }
    let mut job = Job::new(shared, &args.input, [])?.on_cpu();
    let target = job.output(&args.output)?;
    let input = Input::of(job.open()?.into());
    let how = match args.how {
        HowOver::Mean => OverTime::Mean,
        HowOver::Std => OverTime::Std { ddof: args.ddof },
        HowOver::Tsnr => OverTime::Tsnr { ddof: args.ddof },
        HowOver::Difference => OverTime::Difference { reference: args.reference },
    };
    let reduction = Reduction::new(input.header(), how)?;
    let bytes = input.header().bytes();
    let not_finite = job.write((&target, reduction.header()), bytes, |sink, run| reduction.write(&input, sink, run))?;
    job.publish()?;
    let finding = ReductionFinding { reduction: &reduction, not_finite };
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.extend(finding.rows(&job.provenance()?));
    job.tell(&format!("{}: {}", job::name(&target), finding.text()), rows)
}
