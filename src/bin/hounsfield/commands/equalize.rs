//! `hounsfield equalize`: count, decide, write; and show what it did.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::findings::{EqualizationFinding, Rows};
use hounsfield::pipelines::{self, Adaptive, Mapping, Pointwise, Tiling};
use hounsfield::volume::Dtype;

use super::adaptive::{self, Route};
use crate::args::{FileArgs, RegionArgs, Shared, parse};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Equalise real values from LO to HI; below becomes 0, above the largest level
    #[arg(long, value_name = "LO:HI", value_parser = parse::range, allow_hyphen_values = true)]
    pub range: Option<(f64, f64)>,
    /// Bits of the output [default: 8 for 8-bit input, else 16]
    #[arg(long, value_name = "BITS", value_parser = parse::depth())]
    pub depth: Option<Dtype>,
    /// Original and equalised side by side, with histogram and cumulative curve: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// The same with statistics and method as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub tiles: TileArgs,
    #[command(flatten)]
    pub region: RegionArgs,
}

/// Tile by tile instead of over the whole image.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Tile by tile (CLAHE)")]
pub struct TileArgs {
    /// Equalise by the histograms of tiles, mixed between their middles, as OpenCV's createCLAHE does for pictures
    #[arg(long, conflicts_with = "report")]
    pub adaptive: bool,
    /// So many tiles along x and y of each slice, or along x, y and z of the volume [default: 8x8]
    #[arg(long, value_name = "8x8|8x8x4", requires = "adaptive", value_parser = Tiling::parse_counts)]
    pub tiles: Option<Tiling>,
    /// Tiles near this size along every axis of the volume instead
    #[arg(long, value_name = "40mm", requires = "adaptive", conflicts_with = "tiles", value_parser = Tiling::parse_size)]
    pub tile: Option<Tiling>,
    /// Most that a bin keeps of a tile's voxels, in even shares; what is above it is spread over all bins; 0 for no limit
    #[arg(long, value_name = "C", requires = "adaptive", default_value_t = Adaptive::USUAL.clip, allow_negative_numbers = true)]
    pub clip: f64,
    /// So many bins over the range, or over all values that count [default: one for each stored value]
    #[arg(long, value_name = "N", requires = "adaptive", value_parser = clap::value_parser!(u32).range(2..=65_536))]
    pub bins: Option<u32>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    if args.tiles.adaptive {
        let TileArgs { tiles, tile, clip, bins, .. } = args.tiles;
        let (tiling, region) = (tiles.or(tile).unwrap_or(Tiling::USUAL), job::region(&args.region));
        let work = Adaptive { tiling, clip, bins, to: args.depth, range: args.range, region };
        let (output, figure) = (args.output.as_path(), args.figure.as_deref());
        return adaptive::run(shared, &work, &Route { input: &args.input, region: &args.region, output, figure });
    }
    // Every output is checked before the first voxel is read.
    let mut job = Job::new(shared, &args.input, &args.region.mask)?;
    let image = job.output(&args.output)?;
    let figure_file = job.figure(args.figure.as_deref())?;
    let report_file = job.maybe(args.report.as_deref())?;

    let input = job.resolve()?;
    let header = input.header().clone();
    let mask = job.mask(&args.region, &header)?;
    let input = input.masked(mask);
    job.device()?;
    let picker = job::middles(figure_file.is_some() || report_file.is_some(), &header)?;
    let floats = if report_file.is_some() && !input.is_exact() {
        let range = args.region.r#where;
        job.pass("statistics", header.bytes(), |run| pipelines::float_statistics(&input, range, run))?.statistics
    } else {
        None
    };

    let work = Pointwise::equalize(args.depth, args.range, job::region(&args.region));
    let observed = input.observed(picker.as_ref().map(|p| p as _));
    let mapping = job.pass("count", header.bytes(), |run| Mapping::new(&observed, &work, run))?;
    drop(observed);
    let finding = EqualizationFinding::new(&mapping, args.depth, floats);
    finding.notes().iter().for_each(|note| job.note(note));
    job.write((&image, mapping.header()), header.bytes(), |sink, run| mapping.write(sink, run))?;
    let provenance = job.provenance()?;
    if let Some(picker) = picker {
        let slices = picker.finish();
        if let Some(file) = &figure_file {
            job.draw(file, &finding.figure("Histogram equalisation", &slices)?)?;
        }
        if let Some(file) = &report_file {
            job.page(file, &finding.page(&slices, &provenance)?)?;
        }
    }
    job.publish()?;

    let mut rows = Rows::new();
    rows.key("output", job::name(&image));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.key("report", report_file.as_ref().map(job::name));
    rows.extend(finding.rows(&provenance));
    let mut text = format!("{}: {}\n", job::name(&image), finding.line(&provenance));
    figure_file.iter().chain(&report_file).for_each(|file| text += &format!("{}\n", job::name(file)));
    job.tell(&text, rows)
}
