//! Voxels into NRRD files: a header and raw voxels in one file.

use std::fmt::Write;

use super::source::TYPES;
use crate::Result;
use crate::io::output::Target;
use crate::io::{Loss, Output, stored};
use crate::volume::{Header, Unit};

pub(super) fn create(target: &Target, header: &Header) -> Result<Box<dyn Output>> {
    let losses = Loss::of_placed_values(header).into_iter().filter(|loss| *loss != Loss::Unit).collect();
    stored::begin(target, header, losses, |real| text(real).into_bytes())
}

/// The header. Number 4 of the format is the first with spaces.
fn text(header: &Header) -> String {
    let geometry = header.grid.geometry.as_ref();
    let matrix = geometry.and_then(|g| g.lps_matrix());
    let mut axes = header.grid.shape.axes().to_vec();
    if matrix.is_some() && axes.len() < 3 {
        // A slice in space is a volume of one slice: not every reader knows flat images that lie in three dimensions.
        axes.resize(3, 1);
    }
    let per_axis = |each: &dyn Fn(usize) -> String| (0..axes.len()).map(each).collect::<Vec<_>>().join(" ");
    let names = TYPES.iter().find(|(dtype, _)| *dtype == header.meaning.dtype).map_or("", |(_, names)| names[0]);
    let mut text = format!("NRRD0004\ntype: {names}\ndimension: {}\n", axes.len());
    // Nothing fails that writes into a string.
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name}: {value}");
    };
    let time_step = header.grid.time_step_s.filter(|_| axes.len() > 3);
    // A space with time is what ITK takes an axis of time in; it knows none beside a space of three dimensions.
    let timed = if time_step.is_some() { "-time" } else { "" };
    let vector =
        |[x, y, z]: [f64; 3], t: f64| if timed.is_empty() { format!("({x},{y},{z})") } else { format!("({x},{y},{z},{t})") };
    if matrix.is_some() {
        line("space", format!("left-posterior-superior{timed}"));
    }
    line("sizes", per_axis(&|a| axes[a].to_string()));
    if let Some(m) = matrix {
        let step = |a: usize| match (a, time_step) {
            (0..=2, _) => vector([m[0][a], m[1][a], m[2][a]], 0.0),
            (3, Some(step)) => vector([0.0; 3], step),
            _ => "none".into(),
        };
        line("space directions", per_axis(&step));
    } else if geometry.is_some() || time_step.is_some() {
        let spacing = |a: usize| match (a, geometry, time_step) {
            (0..=2, Some(g), _) => Some((g.spacing_mm[a], "mm")),
            (3, _, Some(step)) => Some((step, "s")),
            _ => None,
        };
        line("spacings", per_axis(&|a| spacing(a).map_or("NaN".into(), |(step, _)| step.to_string())));
        line("units", per_axis(&|a| format!("\"{}\"", spacing(a).map_or("", |(_, unit)| unit))));
    }
    let kind = |a: usize| match a {
        0..=2 => "domain",
        3 if time_step.is_some() => "time",
        _ => "list",
    };
    line("kinds", per_axis(&|a| kind(a).into()));
    line("endian", "little".into());
    line("encoding", "raw".into());
    if let Some(m) = matrix {
        let units = if timed.is_empty() { "" } else { " \"s\"" };
        line("space units", format!("\"mm\" \"mm\" \"mm\"{units}"));
        line("space origin", vector([m[0][3], m[1][3], m[2][3]], 0.0));
    }
    if header.meaning.unit == Unit::Hounsfield {
        line("sample units", "HU".into());
    }
    text + "\n"
}
