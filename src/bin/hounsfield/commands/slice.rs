//! `hounsfield slice`: a picture of one slice, or of many.

use hounsfield::analysis::statistics;
use hounsfield::io::output;
use hounsfield::pipelines::{self, Resolved};
use hounsfield::report::{Picker, Picture, Plane, Shade, View, display_window, figure};
use hounsfield::volume::{Header, Rescale};
use hounsfield::{Error, Result};
use serde_json::json;

use crate::args::{self, Shared, Slice};
use crate::progress::Progress;
use crate::text::{number, print_json};
use crate::{job, picture};

pub fn run(shared: &Shared, command: &Slice) -> Result<()> {
    let target = job::targets(shared, &command.input, None, [])?.add(&command.output)?;
    picture::check(&target)?;
    let input = job::resolve(shared, &command.input)?.as_float32();
    let header = input.header();
    let plane = match command.plane {
        Some(args::Plane::Axial) => Plane::Axial,
        Some(args::Plane::Coronal) => Plane::Coronal,
        Some(args::Plane::Sagittal) => Plane::Sagittal,
        None => View::native(header),
    };
    let view = View::new(header, plane);
    let wanted = wanted(command, &view)?;
    let picks: Vec<(Plane, u64)> = wanted.iter().map(|index| (plane, *index)).collect();
    let picker = Picker::new(header, &picks, command.volume)?;
    let shade = shade(shared, command, &input, &picker)?;
    let pictures = picker
        .finish()
        .iter()
        .map(|slice| Ok(Picture::grey(slice, &header.rescale, &shade)?.captioned(view.caption(slice.index))))
        .collect::<Result<Vec<_>>>()?;
    if header.origin.burned_in_text {
        job::warn(shared, "text may be burnt into the pixels: look at the picture before sharing it");
    }
    let staged = match pictures.as_slice() {
        [one] if command.montage.is_none() => {
            let svg = figure::plain(one)?;
            picture::stage(&target, &svg, Some(svg.width()))?
        }
        many => picture::stage(&target, &figure::montage("", many, &[])?, None)?,
    };
    output::publish(vec![staged])?;
    if shared.json {
        let positions: Vec<_> = wanted.iter().map(|i| view.position_mm(*i)).collect();
        return print_json(
            &json!({"output": target.path(), "plane": format!("{plane:?}").to_lowercase(), "index": wanted, "position_mm": positions}),
        );
    }
    Ok(())
}

/// The slices asked for.
fn wanted(command: &Slice, view: &View) -> Result<Vec<u64>> {
    let last = view.slices() - 1;
    if let Some(n) = command.montage {
        return Ok(view.evenly(n.get() as u64));
    }
    if let Some(mm) = command.mm {
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
    Ok(vec![command.index.unwrap_or(view.middle())])
}

/// Greys for the volume; its voxels pass the picker on the way.
fn shade(shared: &Shared, command: &Slice, input: &Resolved, picker: &Picker) -> Result<Shade> {
    let header = input.header();
    let observer = |at: u64, bytes: &[u8]| picker.take(at, bytes);
    let watch = Progress::new(shared, "read", header.bytes());
    let shade = match (command.window, input) {
        (Some((low, high)), _) => {
            pipelines::gather(input.source(), &observer, &watch)?;
            Shade::over(header, low, high)
        }
        (None, Resolved::Exact(source)) => {
            let groups = pipelines::count(source.as_ref(), None, &job::device(shared)?, Some(&observer), &watch)?;
            let region = pipelines::Region::default();
            let selected = pipelines::select(groups, header.padding, &region);
            let groups: Vec<(Rescale, _)> = selected.groups.iter().map(|g| (g.rescale, &g.counts)).collect();
            chosen(header, statistics::of(&groups).as_ref())
        }
        (None, Resolved::Floats(source, _)) => {
            let found = pipelines::float_statistics(source.as_ref(), None, None, Some(&observer), &watch)?;
            chosen(header, found.statistics.as_ref())
        }
    };
    watch.finish();
    Ok(shade)
}

fn chosen(header: &Header, statistics: Option<&statistics::Statistics>) -> Shade {
    let (low, high, min, max) = statistics.map_or((0.0, 1.0, 0.0, 1.0), |s| (s.percentiles[0], s.percentiles[5], s.min, s.max));
    Shade::new(header, display_window(header, low, high, min, max))
}
