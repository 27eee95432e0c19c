//! Voxels into NRRD files: a header and raw voxels in one file.

use std::fmt::Write;

use super::source::TYPES;
use crate::Result;
use crate::io::{Loss, Output, stored};
use crate::io::output::Target;
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
    let space = axes.len().min(3);
    let per_axis = |each: &dyn Fn(usize) -> String| (0..axes.len()).map(each).collect::<Vec<_>>().join(" ");
    let names = TYPES.iter().find(|(dtype, _)| *dtype == header.meaning.dtype).map_or("", |(_, names)| names[0]);
    let mut text = format!("NRRD0004\ntype: {names}\ndimension: {}\n", axes.len());
    // Nothing fails that writes into a string.
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name}: {value}");
    };
    let vector = |v: [f64; 3]| format!("({},{},{})", v[0], v[1], v[2]);
    if matrix.is_some() {
        line("space", "left-posterior-superior".into());
    }
    line("sizes", per_axis(&|a| axes[a].to_string()));
    if let Some(m) = matrix {
        let step = |a: usize| if a < 3 { vector([m[0][a], m[1][a], m[2][a]]) } else { "none".into() };
        line("space directions", per_axis(&step));
    }
    let time_step = header.grid.time_step_s.filter(|_| axes.len() > 3);
    let spacing = |a: usize| match (geometry, time_step) {
        (Some(g), _) if a < 3 && matrix.is_none() => g.spacing_mm[a].to_string(),
        (_, Some(s)) if a == 3 => s.to_string(),
        _ => "NaN".into(),
    };
    if time_step.is_some() || (geometry.is_some() && matrix.is_none()) {
        line("spacings", per_axis(&spacing));
        let unit = |a: usize| if spacing(a) == "NaN" { "\"\"" } else if a < 3 { "\"mm\"" } else { "\"s\"" };
        line("units", per_axis(&|a| unit(a).into()));
    }
    let beyond = if header.grid.time_step_s.is_some() { "time" } else { "list" };
    let kind = |a: usize| if a < space { "domain" } else if a == 3 { beyond } else { "list" };
    line("kinds", per_axis(&|a| kind(a).into()));
    line("endian", "little".into());
    line("encoding", "raw".into());
    if let Some(m) = matrix {
        line("space units", "\"mm\" \"mm\" \"mm\"".into());
        line("space origin", vector([m[0][3], m[1][3], m[2][3]]));
    }
    if header.meaning.unit == Unit::Hounsfield {
        line("sample units", "HU".into());
    }
    text + "\n"
}
