//! Arguments that all commands share, or several. What one command takes stands beside it.

mod groups;
pub mod lengths;
pub mod parse;
mod scratch;

use std::num::NonZeroUsize;

use clap::Args;
use hounsfield::pipelines::DeviceChoice;

pub use groups::{FileArgs, RegionArgs};
pub use scratch::ScratchArgs;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shared options")]
pub struct Shared {
    /// Where to compute: auto, cpu, gpu, or an adapter's number or name from `hounsfield devices`
    ///
    /// auto takes a hardware GPU where it can win. For one pass over a file it cannot: the voxels would cross the bus only to
    /// be read once, so the CPU, which gives the same bits, is taken.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// CPU threads [default: all]
    #[arg(long, global = true, value_name = "N", value_parser = parse::count)]
    pub threads: Option<NonZeroUsize>,
    /// Memory for voxels in MiB: host, staging and device buffers together; results do not depend on it
    #[arg(long, global = true, value_name = "MIB", default_value = "256", value_parser = parse::count)]
    pub memory: NonZeroUsize,
    /// Progress and events as JSON lines on stderr
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub events: bool,
    /// Results as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Replace outputs that exist
    #[arg(long, global = true)]
    pub force: bool,
    /// No progress and no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Name files in reports, too: names of files can hold names of people
    #[arg(long, global = true)]
    pub show_names: bool,
    /// The command line as reports show it
    #[arg(skip)]
    pub line: String,
    /// Say what is done and why
    #[arg(long, short, global = true)]
    pub verbose: bool,
}
