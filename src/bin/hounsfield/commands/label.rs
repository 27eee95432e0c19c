//! `hounsfield label`: connected components, numbered, with a table.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::findings::ComponentsFinding;
use hounsfield::io::{Role, Source};
use hounsfield::ops::components::Connectivity;
use hounsfield::pipelines::{ComponentMap, Holes, LabelOrder, Labelling, LeastSize};
use hounsfield::report::Picker;
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Header, Observe};
use hounsfield::{Error, Result};

use super::places;
use super::table::{TableKind, write_table};
use crate::args::lengths::{Ball, Extents, Point};
use crate::args::{FileArgs, Shared, lengths, parse};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Label map to write, uint8, uint16 or uint32 as the number of components asks: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    ///
    /// Components are numbered from 1 in the order of their first voxels, x fastest; 0 is all else. Each volume of a time series is numbered by itself.
    #[arg(long, short, value_name = "LABELS")]
    pub output: PathBuf,
    /// How many neighbours a voxel has: 6, 18 or 26 in a volume, 4 or 8 in a picture [default: 26 or 8]
    #[arg(long, value_name = "N", value_parser = ["4", "6", "8", "18", "26"])]
    pub connectivity: Option<String>,
    /// Components of the voxels whose real values lie from LO to HI, inclusive, without padding [default: of all that is not 0]
    #[arg(long, value_name = "LO:HI", value_parser = parse::range_or_one, allow_hyphen_values = true)]
    pub r#where: Option<(f64, f64)>,
    /// Only what lies in this box counts: from voxel to before voxel along each axis, or with mm at the end patient coordinates (LPS+), as for crop
    #[arg(long, value_name = "X0:X1,Y0:Y1,Z0:Z1", value_parser = lengths::extents, allow_hyphen_values = true)]
    pub r#box: Option<Extents>,
    /// Only voxels count whose centres lie in this ball: its centre in patient coordinates (LPS+) and its radius, in mm
    #[arg(long, value_name = "X,Y,Z:R", value_parser = lengths::ball, allow_hyphen_values = true, conflicts_with = "box")]
    pub ball: Option<Ball>,
    /// Keep only the component at this place, of each volume of a time series: a voxel counted from 0, or with mm at the end patient coordinates (LPS+); may be given several times
    #[arg(long, value_name = "X,Y,Z", value_parser = lengths::point, allow_hyphen_values = true)]
    pub seed: Vec<Point>,
    /// The input is a label map, and only voxels of the same label hang together
    #[arg(long)]
    pub per_label: bool,
    /// Keep only components of at least so much: 0.5mL, 30mm3, 100vox, or in a single slice 12mm2
    #[arg(long, value_name = "SIZE", value_parser = lengths::least, allow_hyphen_values = true)]
    pub min_size: Option<LeastSize>,
    /// Keep only the N largest components; with --per-label of each label
    ///
    /// Of equally large ones those are kept whose first voxel comes first.
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub keep_largest: Option<NonZeroUsize>,
    /// Fill the holes of the components that are kept: of the volume, or slice by slice [default: none; 3d without a value]
    ///
    /// A hole is what does not reach the border of the volume, or of the slice, by faces of voxels around the component. Of holes in each other the smallest counts. No voxel of a component is overwritten.
    #[arg(long, value_name = "HOW", value_parser = holes(), num_args = 0..=1, require_equals = true, default_missing_value = "3d")]
    pub fill_holes: Option<Holes>,
    /// How components are numbered
    #[arg(long, value_name = "ORDER", value_parser = order(), default_value = "raster")]
    pub order: LabelOrder,
    /// Table to write, a row for each component: .csv, .tsv or .json
    #[arg(long, value_name = "T.csv")]
    pub table: Option<PathBuf>,
    /// Slices through the middle of the largest component, in the colours of labels: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

fn holes() -> impl clap::builder::TypedValueParser<Value = Holes> {
    parse::words(&[
        ("3d", "What does not reach the border of the volume", Holes::Volume),
        ("2d", "In each slice by itself what does not reach its border", Holes::Slices),
    ])
}

fn order() -> impl clap::builder::TypedValueParser<Value = LabelOrder> {
    parse::words(&[
        ("raster", "In the order of their first voxels, x fastest", LabelOrder::Raster),
        ("size", "The largest first; equally large ones in the order of their first voxels", LabelOrder::Size),
    ])
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, [])?.role(role(args)).on_cpu();
    let target = job.output(&args.output)?;
    let table = job.maybe(args.table.as_deref())?;
    let kind = TableKind::of(args.table.as_deref())?;
    let figure_file = job.figure(args.figure.as_deref())?;
    job::say(shared, "device: CPU (what hangs together is found as voxels are read)");

    let source: Arc<dyn Source> = job.open()?.into();
    if source.header().origin.format == "JPEG" && args.r#where.is_none() {
        job.warn("JPEG blurs the edge of a mask, and all but 0 counts");
    }
    let what = labelling(args, source.header())?;
    let chosen = what.chosen(source);
    let bytes = chosen.header().bytes();
    let mut map = job.pass("connect", bytes, |run| ComponentMap::new(chosen, &what, run))?;
    let header = map.header().clone();
    warn_of_seedless(&mut job, &map);

    let finding = ComponentsFinding { map: &map, what: &what };
    let slices = figure_file.is_some().then(|| Picker::new(&header, &finding.picks(), 0)).transpose()?;
    let look = |at: u64, bytes: &[u8]| {
        slices.iter().for_each(|picker| picker.see(at, Block { dtype: header.meaning.dtype, bytes }));
        Ok(())
    };
    job.write((&target, &header), header.bytes(), |sink, run| {
        let voxel_bytes = header.meaning.dtype.bytes();
        map.write(&Tap { inner: sink, voxel_bytes, mask: None, background: 0, look: Some(&look) }, run)
    })?;

    let finding = ComponentsFinding { map: &map, what: &what };
    if finding.left_out() > 0 && (shared.json || matches!(kind, Some(TableKind::Json))) {
        job.warn(&format!("JSON leaves out {} rows: a table as .csv or .tsv has all", finding.left_out()));
    }
    if let (Some(file), Some(slices)) = (&figure_file, slices) {
        job.draw(file, &finding.figure(&slices.finish())?)?;
    }
    let provenance = job.provenance()?;
    let mut rows = hounsfield::findings::Rows::new();
    rows.key("output", job::name(&target));
    rows.key("table", table.as_ref().map(job::name));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.extend(finding.rows(&provenance));
    if let (Some(table), Some(kind)) = (&table, kind) {
        write_table(&mut job, table, kind, (|| finding.csv(), &finding.rows(&provenance)))?;
    }
    job.publish()?;
    let more: String = table.iter().chain(&figure_file).map(|file| job::name(file) + "\n").collect();
    job.tell(&format!("{}: {}{more}", job::name(&target), finding.text(&provenance)), rows)
}

/// Says where nothing was found at the seeds.
fn warn_of_seedless(job: &mut Job<'_>, map: &ComponentMap) {
    let (none, all) = (&map.seedless, map.header().grid.shape.volumes());
    if all == 1 && !none.is_empty() {
        job.warn("no component is at the seed");
    } else if !none.is_empty() {
        let first: Vec<String> = none.iter().take(8).map(u64::to_string).collect();
        let more = if none.len() > 8 { ", ..." } else { "" };
        job.warn(&format!("no component is at the seed in {} of {all} volumes: {}{more}", none.len(), first.join(", ")));
    }
}

/// What the numbers of the input are.
fn role(args: &Args) -> Role {
    match (args.per_label, args.r#where) {
        (true, _) => Role::Labels,
        (_, Some(_)) => Role::Image,
        _ => Role::Mask,
    }
}

fn labelling(args: &Args, header: &Header) -> Result<Labelling> {
    let flat = header.grid.shape.axis(2) == 1;
    let connectivity = match args.connectivity.as_deref() {
        Some("4" | "8") if !flat => {
            let what = format!("{} neighbours in a volume", args.connectivity.as_deref().unwrap_or_default());
            return Err(Error::usage(what, "give 6, 18 or 26"));
        }
        Some("4" | "6") => Connectivity::Faces,
        Some("18") => Connectivity::Edges,
        _ => Connectivity::Corners,
    };
    let within = match (&args.r#box, &args.ball) {
        (Some(extents), _) => Some(places::boxed(extents, &header.grid)?),
        (None, Some(ball)) => Some(places::ball(ball, &header.grid)?),
        (None, None) => None,
    };
    Ok(Labelling {
        connectivity,
        range: args.r#where,
        within,
        seeds: args.seed.iter().map(|point| places::voxel_at(point, &header.grid)).collect::<Result<_>>()?,
        per_label: args.per_label,
        least: args.min_size,
        keep_largest: args.keep_largest.map(NonZeroUsize::get),
        fill: args.fill_holes,
        order: args.order,
    })
}
