//! `hounsfield resample`: an image on another grid.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::TypedValueParser;
use hounsfield::io::{self, Role};
use hounsfield::ops::resample::Sampling;
use hounsfield::pipelines::DeviceChoice;
use hounsfield::volume::{Align, Grid, Header, Placement};
use hounsfield::{Error, Result};

use super::onto::{self, Onto};
use crate::args::lengths::{PerAxis, VoxelCounts};
use crate::args::{FileArgs, Shared, lengths, parse};
use crate::job::Job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Distance of voxel centres in mm: one number for all axes, or one for each. As many voxels as cover the field of view
    #[arg(long, value_name = "X[xYxZ]", value_parser = lengths::along, conflicts_with_all = ["like", "shape"], allow_hyphen_values = true)]
    pub spacing: Option<PerAxis>,
    /// Onto the grid of this image
    #[arg(long, value_name = "REF", conflicts_with = "shape")]
    pub like: Option<PathBuf>,
    /// So many voxels over the same field of view
    #[arg(long, value_name = "AxBxC", value_parser = lengths::counts)]
    pub shape: Option<VoxelCounts>,
    /// How a value comes of the voxels around it [default: linear; label for label maps]
    #[arg(long, value_name = "METHOD", value_parser = sampling())]
    pub method: Option<Sampling>,
    /// What stays in place with --spacing and --shape
    #[arg(long, value_name = "WHAT", default_value = "center", value_parser = align(), conflicts_with = "like")]
    pub align: Align,
    /// Apply an affine transform: .tfm or .txt of ITK (target to image, LPS), .mat of FLIRT (image to --like), or four lines of four numbers (target to image, RAS)
    #[arg(long, value_name = "T")]
    pub transform: Option<PathBuf>,
    /// Real value (HU) of what lies outside of the image [default: its padding, else -1000 HU in CT, else 0]
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    pub fill: Option<f64>,
}

fn sampling() -> impl TypedValueParser<Value = Sampling> {
    parse::words(&[
        ("linear", "Weighed along each axis", Sampling::Linear),
        ("nearest", "That of the nearest voxel", Sampling::Nearest),
        ("label", "The label with the largest weight; of equal ones the lowest", Sampling::Label),
        ("area", "The mean over what a voxel covers, for coarser grids", Sampling::Area),
    ])
}

fn align() -> impl TypedValueParser<Value = Align> {
    parse::words(&[
        ("center", "The centre of the field of view", Align::Center),
        ("first", "The centre of the first voxel", Align::First),
    ])
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, args.like.iter().chain(&args.transform))?;
    let target = job.output(&args.output)?;
    let source: Arc<dyn io::Source> = job.open()?.into();
    let header = source.header();
    let placement = placement(&job, args, &header.grid)?;
    let sampling = args.method.unwrap_or(if header.meaning.labels { Sampling::Label } else { Sampling::Linear });
    say(&job, header, sampling, &placement);
    if !sampling.has_kernel(header.meaning.dtype) {
        if matches!(shared.device, DeviceChoice::Gpu(_)) {
            job.warn(&format!("{} of {} voxels is computed in f64, by the CPU", sampling.name(), header.meaning.dtype));
        }
        job = job.on_cpu();
    }
    onto::write(job, &target, source, Onto { placement, sampling: Some(sampling), fill: args.fill })
}

/// What a reader should know of the method.
fn say(job: &Job<'_>, header: &Header, sampling: Sampling, placement: &Placement) {
    let mixes = matches!(sampling, Sampling::Linear | Sampling::Area);
    if header.meaning.labels && mixes {
        job.warn(&format!(
            "these are labels, and {} makes numbers between them that are none: --method label votes",
            sampling.name()
        ));
    }
    if mixes && header.meaning.padding.is_some() {
        job.warn("padding is mixed with the voxels beside it as any other value");
    }
    let step = |axis: usize| (0..3).map(|of| placement.to_source.0[axis][of].powi(2)).sum::<f64>().sqrt();
    let coarsest = (0..3).map(step).fold(0.0, f64::max);
    if sampling == Sampling::Linear && coarsest > 2.0 {
        job.warn(&format!("a voxel covers up to {coarsest:.1} of the image's along an axis, and linear looks at two: --method area takes their mean"));
    }
}

fn placement(job: &Job<'_>, args: &Args, grid: &Grid) -> Result<Placement> {
    let depth = grid.shape.axis(2);
    let flat = |named: usize| {
        // One number for all axes leaves a single slice as it is.
        let what = format!("{named} numbers for an image of {} voxels", grid.shape);
        Error::usage(what, "give one number, or one for each axis of the image")
    };
    let transform = args.transform.as_deref().map(io::transform::read).transpose()?;
    let placed = if let Some(path) = &args.like {
        let reference = job.open_other("reference", path, Role::Image)?;
        let reference = &reference.header().grid;
        let transform = transform.map(|t| t.from_reference(reference, grid)).transpose()?;
        return Placement::like(grid, reference, transform.as_ref());
    } else if let Some(PerAxis(wanted)) = &args.spacing {
        let Some(geometry) = &grid.geometry else { return Placement::spaced(grid, [1.0; 3], args.align) };
        let each = match wanted.as_slice() {
            [one] => [*one, *one, if depth == 1 { geometry.spacing_mm[2] } else { *one }],
            [x, y] if depth == 1 => [*x, *y, geometry.spacing_mm[2]],
            [x, y, z] => [*x, *y, *z],
            other => return Err(flat(other.len())),
        };
        Placement::spaced(grid, each, args.align)?
    } else if let Some(VoxelCounts(wanted)) = &args.shape {
        let each = match wanted.as_slice() {
            [x] if grid.shape.axis(1) == 1 && depth == 1 => [*x, 1, 1],
            [x, y] if depth == 1 => [*x, *y, 1],
            [x, y, z] => [*x, *y, *z],
            other => return Err(flat(other.len())),
        };
        Placement::sized(grid, each, args.align)?
    } else if transform.is_some() {
        Placement::sized(grid, grid.shape.xyz(), Align::Center)?
    } else {
        return Err(Error::usage(
            "no grid to resample to",
            "give --spacing, --like or --shape, or a --transform on the image's own grid",
        ));
    };
    match transform {
        None => Ok(placed),
        Some(io::transform::SpatialTransform::Flirt(_)) => {
            Err(Error::usage("a matrix of FLIRT without its reference", "name the image that it was registered to with --like"))
        }
        Some(transform) => {
            let points = transform.from_reference(&placed.grid, grid)?;
            placed.transformed(grid, &points)
        }
    }
}
