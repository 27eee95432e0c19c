//! Groups of arguments that several commands take.

use std::path::PathBuf;

use clap::Args;
use hounsfield::io::Grey;

use super::parse;

/// What is read.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// A DICOM file or folder, NIfTI, NRRD, MetaImage, .npy, PNG, JPEG or TIFF, or - for NIfTI on standard input; several files stack into a volume in the
    /// order given
    #[cfg_attr(feature = "zarr", doc = "(also a folder of OME-Zarr)")]
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How colour becomes grey
    #[arg(long, default_value = "rec601", value_name = "RULE", value_parser = parse::grey())]
    pub grey: Grey,
    /// Which DICOM series of a folder that holds several, or which channel of a TIFF or of OME-Zarr
    #[arg(long, value_name = "N")]
    pub series: Option<u32>,
    /// Which volume of a series that holds several: a kind of image, or one along the fourth axis
    #[arg(long, value_name = "N")]
    pub volume: Option<u32>,
    /// Stack the slices that there are although some are missing or unevenly spaced
    #[arg(long)]
    pub allow_gaps: bool,
    /// Interpolate slices that are missing, unevenly spaced or tilted onto a regular grid
    #[arg(long, conflicts_with_all = ["allow_gaps", "trust_geometry"])]
    pub regrid: bool,
    /// Of slices at one position that nothing tells apart take the first
    #[arg(long)]
    pub first_duplicate: bool,
    /// Take images of different size, orientation or spacing in one series for volumes, chosen by --volume
    #[arg(long)]
    pub split: bool,
    /// The most voxels that a file may claim to hold [default: 1 TiB of a volume, 2 GiB of a single image]
    #[arg(long, value_name = "N")]
    pub max_voxels: Option<u64>,
    /// Read a series even if slices are missing, doubled, uneven or tilted
    #[arg(long)]
    pub trust_geometry: bool,
}

impl FileArgs {
    /// One file, read as usual.
    pub fn one(path: PathBuf) -> Self {
        let (grey, paths) = (Grey::default(), vec![path]);
        Self {
            paths,
            grey,
            series: None,
            volume: None,
            max_voxels: None,
            allow_gaps: false,
            regrid: false,
            first_duplicate: false,
            split: false,
            trust_geometry: false,
        }
    }
}

/// Which voxels count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which voxels count")]
pub struct RegionArgs {
    /// An image of the same grid; voxels whose real value is not zero count
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// Only this label of the mask: a real value, rounded to a whole number
    #[arg(long, value_name = "N", requires = "mask", allow_negative_numbers = true)]
    pub label: Option<f64>,
    /// Only real values from LO to HI, inclusive
    #[arg(long, value_name = "LO:HI", value_parser = parse::range, allow_hyphen_values = true)]
    pub r#where: Option<(f64, f64)>,
    /// Whether padding counts [default: keep; drop for map and threshold; equalize always drops it]
    #[arg(long = "padding", value_name = "WHAT", value_parser = parse::padding())]
    pub with_padding: Option<bool>,
}
