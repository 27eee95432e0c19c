//! `hounsfield distance`: how far voxels lie from the edge of a mask.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hounsfield::findings::words::number;
use hounsfield::findings::{DistanceFinding, Rows};
use hounsfield::io::{Role, Source};
use hounsfield::pipelines::{self, DistanceMap, DistanceOf, DistanceOutput, Input, Labels, Mask};
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Observe};
use hounsfield::{Error, Result};

use crate::args::{FileArgs, ScratchArgs, Shared};
use crate::job::{self, Job};
use crate::labels;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write, float32 in mm: .nii, .nii.gz, .nrrd, .mha, .npy, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Only this label of the mask is inside
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "nearest")]
    pub label: Option<f64>,
    /// Measure voxels outside, to the nearest one inside; those inside are 0 [default: the other way round]
    #[arg(long, conflicts_with = "signed")]
    pub outside: bool,
    /// Measure both sides; inside distances are negative
    ///
    /// Each is that to the nearest centre on the other side, so that none is 0. ITK's SignedMaurerDistanceMap measures inside to the nearest voxel at the edge of the mask,
    /// which is itself 0.
    #[arg(long)]
    pub signed: bool,
    /// Write squared distances, in mm2
    #[arg(long)]
    pub squared: bool,
    /// With --outside or --signed: write which label of the mask is nearest to each voxel; of equally near voxels the first one's
    #[arg(long, value_name = "OUT")]
    pub nearest: Option<PathBuf>,
    #[command(flatten)]
    pub scratch: ScratchArgs,
    /// Slices of the distances with the outline of the mask: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let role = if args.nearest.is_some() { Role::Labels } else { job::role(args.label) };
    let mut job = Job::new(shared, &args.input, [])?.role(role);
    let target = job.output(&args.output)?;
    let nearest_target = job.maybe(args.nearest.as_deref())?;
    let figure_file = job.figure(args.figure.as_deref())?;

    let input = inside(&mut job, args)?;
    let of = match (args.outside, args.signed) {
        (_, true) => DistanceOf::Signed,
        (true, _) => DistanceOf::Outside,
        _ => DistanceOf::Inside,
    };
    let mask = input.header();
    job.costs(DistanceMap::cost(mask));
    let map = DistanceMap::new(mask, of, args.squared)?;
    let header = map.header(mask);
    let nearest_header = map.nearest_header(mask);
    let plain = |path: &Path| path.extension().is_none_or(|end| !end.eq_ignore_ascii_case("gz"));
    let written = if plain(&args.output) { header.bytes() } else { 0 };
    let written = written + args.nearest.as_deref().filter(|path| plain(path)).map_or(0, |_| nearest_header.bytes());

    let slices = job::middles(figure_file.is_some(), &header)?;
    let sink = job.begin(&target, &header)?;
    let nearest = nearest_target.as_ref().map(|target| job.begin(target, &nearest_header)).transpose()?;
    let look = |at: u64, bytes: &[u8]| {
        slices.iter().for_each(|picker| picker.see(at, Block { dtype: header.meaning.dtype, bytes }));
        Ok(())
    };
    let tap =
        Tap { inner: sink.as_ref(), voxel_bytes: header.meaning.dtype.bytes(), mask: None, background: 0, look: Some(&look) };
    let to = DistanceOutput {
        distances: &tap,
        nearest: nearest.as_ref().map(|sink| sink.as_ref() as _),
        scratch: args.scratch.place(&args.output, written)?,
    };
    let measured = job.pass("distance", mask.bytes(), |run| pipelines::distance(&input, &map, &to, run))?;
    job.stage(sink.finish()?);
    if let Some(sink) = nearest {
        job.stage(sink.finish()?);
    }
    let finding = DistanceFinding { header: &header, map: &map, measured };
    finding.notes().iter().for_each(|note| job.note(note));
    if let (Some(file), Some(slices)) = (&figure_file, slices) {
        job.draw(file, &finding.figure(&slices.finish())?)?;
    }
    job.publish()?;

    let provenance = job.provenance()?;
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("nearest", nearest_target.as_ref().map(job::name));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.extend(finding.rows(&provenance));
    let more: String = nearest_target.iter().chain(&figure_file).map(|file| job::name(file) + "\n").collect();
    job.tell(&format!("{}: {}{more}", job::name(&target), finding.text(&provenance)), rows)
}

/// The mask, as numbers that are not 0 inside.
fn inside(job: &mut Job<'_>, args: &Args) -> Result<Input<'static>> {
    let source: Arc<dyn Source> = job.open()?.into();
    let header = source.header().clone();
    if header.origin.format == "JPEG" {
        job.warn("JPEG blurs the edge of a mask, and all but 0 is inside");
    }
    if args.nearest.is_some() {
        let labels = job.prepare("labels", 0, |run| Labels::new(source, &header, run))?;
        return Ok(Input::of(labels.into_source()));
    }
    let mask = job.prepare("mask", 0, |run| Mask::new(source.clone(), args.label, &header, run))?;
    if let Some(label) = args.label {
        let held = job.prepare("labels", header.grid.shape.voxels(), |run| labels::missing(&mask, label, &[source], run))?;
        if let Some(held) = held {
            return Err(Error::usage(format!("the mask has no voxel of label {}", number(label)), held));
        }
    }
    Ok(Input::of(mask.into_source()))
}
