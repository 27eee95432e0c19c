//! The arguments of the program: what all commands share is here, what one takes stands beside it. Help, completions and man pages come from these
//! definitions.

mod groups;
pub mod parse;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hounsfield::pipelines::DeviceChoice;

use crate::commands::{convert, demo, equalize, guest, histogram, info, map, mask, segment, slice, stats, threshold, window};
pub use groups::{FileArgs, RegionArgs};

/// Exact histograms, statistics and equalisation of medical images and volumes, the same bits on CPU and GPU
#[derive(Debug, Parser)]
#[command(name = "hounsfield", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 2 usage, 3 input, 4 output, 5 device.\nNot a medical device.")]
pub struct Cli {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Command,
}

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
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Memory for voxels in MiB: host, staging and device buffers together; results do not depend on it
    #[arg(long, global = true, value_name = "MIB", default_value = "256")]
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
    /// Say what is done and why
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show format, shape, geometry and acquisition; no patient data
    Info(info::Args),
    /// Print statistics in real units (HU)
    Stats(stats::Args),
    /// Draw or export the histogram and its cumulative curve
    Histogram(histogram::Args),
    /// Equalise the histogram, exactly, for 8 or 16 bits
    Equalize(equalize::Args),
    /// Apply a chain of point-wise steps in one pass: windows, normalisation, clipping, gamma, ...
    Map(map::Args),
    /// Apply a display window: a CT preset, centre and width, or the file's own
    Window(window::Args),
    /// Divide into classes: Otsu's thresholds, fixed ones, or percentiles
    Threshold(threshold::Args),
    /// Keep what lies inside a mask; statistics inside and outside
    Mask(mask::Args),
    /// Segment into classes by a Gaussian mixture
    Segment(segment::Args),
    /// Save a slice, or many, as a picture
    Slice(slice::Args),
    /// Convert between formats
    Convert(convert::Args),
    /// List GPUs, check that they compute right, and say what auto takes
    Devices,
    /// Compare CPU and GPUs on this machine, and their results
    Bench(crate::bench::Args),
    /// Make a CT phantom and run the whole way on it
    Demo(demo::Args),
    /// Look at a scan in a window (the program hounsfield-view)
    #[command(disable_help_flag = true)]
    View(guest::Args),
    /// Train and use networks (the program hounsfield-learn)
    #[command(disable_help_flag = true)]
    Learn(guest::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages
    Man {
        /// Folder to write them to
        folder: PathBuf,
    },
}
