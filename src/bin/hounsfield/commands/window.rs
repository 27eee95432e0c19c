//! `hounsfield window`: a display window, as DICOM defines it.

use std::path::PathBuf;

use hounsfield::analysis::steps::{Chain, Step, Voi};
use hounsfield::analysis::windows;
use hounsfield::volume::{Dtype, Window, WindowFunction};
use hounsfield::{Error, Result};

use super::pointwise::{self, Request};
use crate::args::{FileArgs, Shared, parse};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// A usual window of CT: lung, bone, brain, soft-tissue, abdomen, liver, mediastinum, stroke [default: the file's own first one]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["center", "width"])]
    pub preset: Option<String>,
    /// Middle of the window in real values (HU)
    #[arg(long, value_name = "C", requires = "width", allow_hyphen_values = true)]
    pub center: Option<f64>,
    /// Its width
    #[arg(long, value_name = "W", requires = "center", allow_hyphen_values = true)]
    pub width: Option<f64>,
    /// DICOM's function between the ends: linear, linear-exact or sigmoid [default: linear, or what the file says of its own window]
    #[arg(long, value_name = "FUNCTION", value_parser = parse::function())]
    pub function: Option<WindowFunction>,
    /// Type of the result [default: u8 from 8-bit files, else u16]
    #[arg(long, value_name = "TYPE", value_parser = parse::dtype())]
    pub to: Option<Dtype>,
    /// Original and result side by side, with their histograms: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let function = args.function;
    let voi = match (&args.preset, args.center.zip(args.width)) {
        (Some(name), _) => Voi::Preset(windows::named(name)?.0, function.unwrap_or_default()),
        (None, Some((center, width))) => Voi::Given(Window { center, width, function: function.unwrap_or_default() }),
        (None, None) if function.is_some() => {
            return Err(Error::usage(
                "the file's own window has a function",
                "give --function with --preset, or --center and --width",
            ));
        }
        (None, None) => Voi::File,
    };
    let request = Request {
        input: &args.input,
        output: &args.output,
        figure: args.figure.as_deref(),
        region: None,
        to: args.to,
        title: "Display window",
    };
    super::map::say(&pointwise::carry_out(shared, request, Chain::new(vec![Step::Window(voi)])?)?)
}
