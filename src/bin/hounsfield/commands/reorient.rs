//! `hounsfield reorient`: the same voxels with their axes in another order and direction.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::Result;
use hounsfield::io::Source;
use hounsfield::volume::Placement;

use super::onto::{self, Onto};
use crate::args::{FileArgs, Shared};
use crate::job::Job;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Where the voxel axes point: to the Right or Left, Anterior or Posterior, Superior or Inferior, in any order, such as RAS or LPS
    #[arg(long, value_name = "CODE")]
    pub to: String,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, [])?.on_cpu();
    let target = job.output(&args.output)?;
    let source: Arc<dyn Source> = job.open()?.into();
    let placement = Placement::reoriented(&source.header().grid, &args.to)?;
    onto::write(job, &target, source, Onto { placement, sampling: None, fill: None })
}
