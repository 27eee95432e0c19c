//! `hounsfield threshold`: classes by value.

use std::path::PathBuf;

use hounsfield::analysis::steps::{Chain, Cuts, Step};
use hounsfield::{Error, Result};

use super::pointwise::{self, Request};
use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Label image to write, uint8: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    ///
    /// The label of a voxel is the number of thresholds below its value: 0 is the lowest class. With --mask or --where labels run from 1, as those of
    /// segment do, and 0 is all that they leave out. The table counts the same voxels.
    #[arg(long, short, value_name = "LABELS")]
    pub output: PathBuf,
    /// Otsu's thresholds between so many classes, 2 to 5 [default: 2]
    #[arg(long, value_name = "CLASSES", conflicts_with_all = ["at", "percentile"])]
    pub otsu: Option<usize>,
    /// These thresholds, ascending real values (HU)
    #[arg(long, value_name = "V[,V...]", value_delimiter = ',', allow_hyphen_values = true, conflicts_with = "percentile")]
    pub at: Vec<f64>,
    /// These percentiles of the voxels that count
    #[arg(long, value_name = "P[,P...]", value_delimiter = ',')]
    pub percentile: Vec<f64>,
    /// Original and classes side by side, thresholds over the histogram: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    #[command(flatten)]
    pub region: RegionArgs,
}

/// An error of the step in the words that were typed.
fn as_typed(error: Error, args: &Args) -> Error {
    let list = |all: &[f64]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let typed = match (&args.at[..], &args.percentile[..]) {
        ([], []) => format!("--otsu {}", args.otsu.unwrap_or(2)),
        ([], percents) => format!("--percentile {}", list(percents)),
        (at, _) => format!("--at {}", list(at)),
    };
    match error {
        Error::Usage { hint, .. } => Error::usage(typed, hint),
        other => other,
    }
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let cuts = match (args.at.is_empty(), args.percentile.is_empty()) {
        (false, _) => Cuts::At(args.at.clone()),
        (_, false) => Cuts::Percentiles(args.percentile.clone()),
        _ => Cuts::Otsu(args.otsu.unwrap_or(2)),
    };
    let title = if matches!(cuts, Cuts::Otsu(_)) { "Otsu's thresholds" } else { "Thresholds" };
    let steps = Chain::new(vec![Step::Threshold(cuts)]).map_err(|e| as_typed(e, args))?;
    let request = Request {
        input: &args.input,
        output: &args.output,
        figure: args.figure.as_deref(),
        region: Some(&args.region),
        to: None,
        title,
    };
    let product = pointwise::carry_out(shared, request, steps)?;
    let finding = product.finding();
    let mut rows = product.rows();
    rows.extend(finding.class_rows());
    let text = format!("{}{}\n{}", finding.class_text(), job::name(&product.image), product.figure_line());
    product.job.tell(&text, rows)
}
