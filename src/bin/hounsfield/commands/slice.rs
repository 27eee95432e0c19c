//! `hounsfield slice`: a picture of one slice, or of many.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use hounsfield::findings::words::number;
use hounsfield::findings::{self, Note};
use hounsfield::pipelines::{self, Bins, Counted, Input, Region};
use hounsfield::report::{Picker, Picture, Plane, Shade, View, figure};
use hounsfield::{Error, Result};
use serde_json::json;

use crate::args::{FileArgs, Shared, parse};
use crate::job::{self, Job};
use crate::picture;
use crate::text::print_json;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .png or .svg
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Plane, seen as radiologists do [default: the one the volume was cut in]
    #[arg(long, value_name = "PLANE", value_parser = parse::plane())]
    pub plane: Option<Plane>,
    /// Slice number from 0 along the voxel axis [default: the middle]
    #[arg(long, value_name = "N", conflicts_with_all = ["mm", "montage"])]
    pub index: Option<u64>,
    /// The slice nearest to this position along the patient axis, in mm (towards left, posterior, superior)
    #[arg(long, value_name = "MM", allow_hyphen_values = true, conflicts_with = "montage")]
    pub mm: Option<f64>,
    /// So many slices, evenly spaced, in one picture
    #[arg(long, value_name = "N")]
    pub montage: Option<NonZeroUsize>,
    /// Volume of a time series, from 0
    #[arg(long, value_name = "T", default_value_t = 0)]
    pub volume: u64,
    /// Show real values from LO (black) to HI (white) [default: the file's own window, else the 1st to 99th percentile]
    #[arg(long, value_name = "LO:HI", value_parser = parse::range, allow_hyphen_values = true)]
    pub window: Option<(f64, f64)>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, [])?;
    let target = job.output(&args.output)?;
    picture::check(&target)?;
    let input = job.resolve()?;
    let header = input.header();
    let plane = args.plane.unwrap_or_else(|| View::native(header));
    let view = View::new(header, plane);
    let wanted = wanted(args, &view)?;
    let picks: Vec<(Plane, u64)> = wanted.iter().map(|index| (plane, *index)).collect();
    let picker = Picker::new(header, &picks, args.volume)?;
    let shade = shade(&mut job, args.window, &input.clone().observed(Some(&picker)))?;
    let pictures = picker
        .finish()
        .iter()
        .map(|slice| Ok(Picture::grey(slice, &header.meaning.rescale, &shade)?.captioned(view.caption(slice.index))))
        .collect::<Result<Vec<_>>>()?;
    if header.origin.burned_in_text {
        job.note(&Note::BurntText);
    }
    let staged = match pictures.as_slice() {
        [one] if args.montage.is_none() => {
            let svg = figure::plain(one)?;
            picture::stage(&target, &svg, Some(svg.width()))?
        }
        many => picture::stage(&target, &figure::montage("", many, &[])?, None)?,
    };
    job.stage(staged);
    job.publish()?;
    if shared.json {
        let positions: Vec<_> = wanted.iter().map(|i| view.position_mm(*i)).collect();
        return print_json(
            &json!({"output": job::name(&target), "plane": format!("{plane:?}").to_lowercase(), "index": wanted, "position_mm": positions}),
        );
    }
    Ok(())
}

/// The slices asked for.
fn wanted(args: &Args, view: &View) -> Result<Vec<u64>> {
    let last = view.slices() - 1;
    if let Some(n) = args.montage {
        return Ok(view.evenly(n.get() as u64));
    }
    if let Some(mm) = args.mm {
        let position = |i: u64| view.position_mm(i);
        let (Some(a), Some(b)) = (position(0), position(last)) else {
            return Err(Error::usage("the position of this image is not known", "use --index"));
        };
        let nearest = (0..=last).min_by(|i, j| {
            let distance = |i: u64| position(i).map_or(f64::INFINITY, |p| (p - mm).abs());
            distance(*i).total_cmp(&distance(*j))
        });
        let step = if last > 0 { (b - a).abs() / last as f64 } else { 1.0 };
        if mm < a.min(b) - step || mm > a.max(b) + step {
            return Err(Error::usage(
                format!("{} mm lies outside of the volume", number(mm)),
                format!("give {} to {} mm", number(a.min(b)), number(a.max(b))),
            ));
        }
        return Ok(nearest.into_iter().collect());
    }
    Ok(vec![args.index.unwrap_or(view.middle())])
}

/// Greys for the volume; who looks on at it sees its voxels on the way.
fn shade(job: &mut Job<'_>, window: Option<(f64, f64)>, input: &Input<'_>) -> Result<Shade> {
    let header = input.header();
    let bytes = header.bytes();
    if let Some((low, high)) = window {
        job.pass("read", bytes, |run| pipelines::gather(input, run))?;
        return Ok(Shade::over(header, low, high));
    }
    if input.is_exact() {
        let counted = job.pass("read", bytes, |run| Counted::of(input, &Region::default(), Bins::Following, run))?;
        return Ok(findings::shade(header, counted.statistics().as_ref()));
    }
    let floats = job.pass("read", bytes, |run| pipelines::float_statistics(input, None, run))?;
    Ok(findings::shade(header, floats.statistics.as_ref()))
}
