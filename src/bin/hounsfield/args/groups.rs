//! Groups of arguments that several commands take.

use std::path::PathBuf;

use clap::Args;
use hounsfield::io::Grey;

use super::parse;

/// What is read.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// A DICOM file or folder, NIfTI, PNG, JPEG or TIFF; several files stack into a volume in the order given
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How colour becomes grey
    #[arg(long, default_value = "rec601", value_name = "RULE", value_parser = parse::grey())]
    pub grey: Grey,
    /// Which DICOM series of a folder that holds several
    #[arg(long, value_name = "N")]
    pub series: Option<u32>,
    /// Read a series even if slices are missing, doubled, uneven or tilted
    #[arg(long)]
    pub trust_geometry: bool,
}

/// Which voxels count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which voxels count")]
pub struct RegionArgs {
    /// An image of the same grid; voxels that are not zero count
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// Only this label of the mask
    #[arg(long, value_name = "N", requires = "mask", allow_negative_numbers = true)]
    pub label: Option<f64>,
    /// Only real values from LO to HI, inclusive
    #[arg(long, value_name = "LO:HI", value_parser = parse::range, allow_hyphen_values = true)]
    pub r#where: Option<(f64, f64)>,
    /// Whether padding counts [default: keep; drop for map and threshold; equalize always drops it]
    #[arg(long = "padding", value_name = "WHAT", value_parser = parse::padding())]
    pub with_padding: Option<bool>,
}
