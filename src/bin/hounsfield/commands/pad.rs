//! `hounsfield pad`: voxels around an image.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::io::Source;
use hounsfield::volume::Placement;
use hounsfield::{Error, Result};

use super::crop::voxels;
use super::onto::{self, Onto};
use crate::args::lengths::{Margin, VoxelCounts};
use crate::args::{FileArgs, Shared, lengths};
use crate::job::Job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// So much on each side: 5 (voxels), 10mm, or one for each axis, 8x8x2
    #[arg(long, value_name = "M", value_parser = lengths::margin, conflicts_with = "to")]
    pub by: Option<Margin>,
    /// To this many voxels, as many on either side; one more at the end where that is odd
    #[arg(long, value_name = "AxBxC", value_parser = lengths::counts)]
    pub to: Option<VoxelCounts>,
    /// Real value (HU) of the new voxels [default: the image's padding, else -1000 HU in CT, else 0]
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    pub fill: Option<f64>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, [])?.on_cpu();
    let target = job.output(&args.output)?;
    let source: Arc<dyn Source> = job.open()?.into();
    let grid = &source.header().grid;
    let own = grid.shape.xyz();
    let ends: [(i64, i64); 3] = match (&args.by, &args.to) {
        (Some(margin), _) => voxels(margin, grid)?.map(|n| (n, n)),
        (None, Some(VoxelCounts(wanted))) => {
            let more = |a: usize| wanted.get(a).map_or(Some(0), |n| n.checked_sub(own[a]));
            let (Some(x), Some(y), Some(z)) = (more(0), more(1), more(2)) else {
                let what = format!("the image has {} voxels, more than asked for", grid.shape);
                return Err(Error::usage(what, "give a size that is not smaller along any axis, or crop first"));
            };
            [x, y, z].map(|n| ((n / 2) as i64, n.div_ceil(2) as i64))
        }
        (None, None) => return Err(Error::usage("no size is given", "give --by or --to")),
    };
    let wide = [0, 1, 2].map(|a| own[a] as i64);
    // A box whose ends 64 bits cannot count has too many voxels in any case.
    let wanted = [0, 1, 2].map(|a| -ends[a].0..wide[a].saturating_add(ends[a].1));
    let placement = Placement::boxed(grid, &wanted)?;
    onto::write(job, &target, source, Onto { placement, sampling: None, fill: args.fill })
}
