//! The command line as a whole: its commands, and which file answers for each. Help, completions and man pages come from these definitions.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use hounsfield::{Error, Result};

use crate::args::Shared;
use crate::bench;
use crate::commands::{
    bias, brain, compare, completions, convert, crop, curve, demo, devices, distance, equalize, group, guest, histogram, info,
    label, man, map, mask, pad, project, reduce, regions, reorient, resample, segment, slice, stats, threshold, tissue, window,
};
use crate::exit::Answer;
use crate::line;

/// Exact histograms, statistics and equalisation of medical images and volumes, the same bits on CPU and GPU
#[derive(Debug, Parser)]
#[command(name = "hounsfield", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 1 compare says no, 2 usage, 3 input, 4 output, 5 device.\nNot a medical device.")]
pub struct Cli {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Command,
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
    /// Apply a chain of steps: filters and morphology in 3-D among windows, normalisation, thresholds, ...
    Map(map::Args),
    /// Apply a display window: a CT preset, centre and width, or the file's own
    Window(window::Args),
    /// Divide into classes: Otsu's thresholds, fixed ones, or percentiles
    Threshold(threshold::Args),
    /// Keep what lies inside a mask; statistics inside and outside
    Mask(mask::Args),
    /// Number what hangs together in a mask, a label map or a range of values, with a table of sizes and places
    Label(label::Args),
    /// Measure how far voxels lie from the edge of a mask, exactly, in millimetres
    Distance(distance::Args),
    /// Measure the regions of a label map: place, shape, and the intensities of an image
    Regions(regions::Args),
    /// Follow labels over time: volumes, intensities, and what a ventricle ejects
    Curve(curve::Args),
    /// Reduce a 4-D image over time: mean, standard deviation, temporal SNR, differences
    Reduce(reduce::Args),
    /// Compare two label maps or two images: overlap, surface distances, differences
    Compare(compare::Args),
    /// Segment into classes by a Gaussian mixture
    Segment(segment::Args),
    /// Tell CSF, grey and white matter apart: neighbours, gain of the coil, partial volumes
    Tissue(tissue::Args),
    /// Take the smooth gain of the coil out of an image
    Bias(bias::Args),
    /// Find the brain in a T1-weighted image of a head
    Brain(brain::Args),
    /// Ask of a table whether a group matters: tests, adjusted differences, effect sizes, box plots
    Group(group::Args),
    /// Project slabs along an axis: the greatest, least, mean, sum or median of each ray
    Project(project::Args),
    /// Save a slice, or many, as a picture
    Slice(slice::Args),
    /// Put an image onto another grid: another spacing, another shape, the grid of another image, moved by a transform
    Resample(resample::Args),
    /// Cut a box out, in voxels, in mm, or around a mask
    Crop(crop::Args),
    /// Add voxels around an image
    Pad(pad::Args),
    /// Turn the axes to an orientation such as RAS, voxels unchanged
    Reorient(reorient::Args),
    /// Convert between formats
    Convert(convert::Args),
    /// List GPUs, check that they compute right, and say what auto takes
    Devices(devices::Args),
    /// Compare CPU and GPUs on this machine, and their results
    Bench(bench::Args),
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

impl Cli {
    /// What was typed, with how a report may show it.
    pub fn read(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> std::result::Result<Self, clap::Error> {
        let mut program = Self::command();
        let matches = program.try_get_matches_from_mut(words)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.shared.line = line::of(&program, &matches, cli.shared.show_names);
        Ok(cli)
    }
}

/// Shows a mistake on the command line, and what is meant where a number was taken for an option.
pub fn complain(error: &clap::Error) -> ExitCode {
    use clap::error::{ContextKind, ContextValue};
    let _ = error.print();
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg)
        && error.kind() == clap::error::ErrorKind::UnknownArgument
        && word.starts_with('-')
        && word[1..].starts_with(|c: char| c.is_ascii_digit())
    {
        eprintln!("\nNumbers follow their step or each other without spaces: --steps clip:-1000:400, --where -1000:400.");
    }
    ExitCode::from(error.exit_code() as u8)
}

/// Does what was typed.
pub fn dispatch(cli: &Cli) -> Result<Answer> {
    let shared = &cli.shared;
    let done = match &cli.command {
        Command::Compare(args) => return compare::run(shared, args),
        Command::Info(args) => info::run(shared, args),
        Command::Stats(args) => stats::run(shared, args),
        Command::Histogram(args) => histogram::run(shared, args),
        Command::Equalize(args) => equalize::run(shared, args),
        Command::Map(args) => map::run(shared, args),
        Command::Window(args) => window::run(shared, args),
        Command::Threshold(args) => threshold::run(shared, args),
        Command::Mask(args) => mask::run(shared, args),
        Command::Label(args) => label::run(shared, args),
        Command::Distance(args) => distance::run(shared, args),
        Command::Regions(args) => regions::run(shared, args),
        Command::Curve(args) => curve::run(shared, args),
        Command::Reduce(args) => reduce::run(shared, args),
        Command::Segment(args) => segment::run(shared, args),
        Command::Tissue(args) => tissue::run(shared, args),
        Command::Bias(args) => bias::run(shared, args),
        Command::Brain(args) => brain::run(shared, args),
        Command::Group(args) => group::run(shared, args),
        Command::Project(args) => project::run(shared, args),
        Command::Slice(args) => slice::run(shared, args),
        Command::Resample(args) => resample::run(shared, args),
        Command::Crop(args) => crop::run(shared, args),
        Command::Pad(args) => pad::run(shared, args),
        Command::Reorient(args) => reorient::run(shared, args),
        Command::Convert(args) => convert::run(shared, args),
        Command::Devices(args) => devices::run(shared, args),
        Command::Bench(args) => bench::run(shared, args),
        Command::Demo(args) => demo::run(shared, args, &typed),
        // Handed over before arguments are read; these are for help, completions and man pages.
        Command::View(_) | Command::Learn(_) => guest::typed_behind_options(),
        Command::Completions { shell } => completions::run(*shell, Cli::command()),
        Command::Man { folder } => man::run(shared, folder, Cli::command()),
    };
    done.map(|()| Answer::Yes)
}

/// Does what these words would, with the shared options given, as if they had been typed.
fn typed(words: &[&str], shared: Shared) -> Result<()> {
    let line = std::iter::once(&"hounsfield").chain(words);
    let cli = Cli::read(line).map_err(|e| Error::usage(e.to_string(), "report this as a bug"))?;
    dispatch(&Cli { shared: Shared { line: cli.shared.line, ..shared }, ..cli }).map(|_| ())
}
