//! Where the voxels of a NRRD file lie.

use std::path::Path;

use super::axes::{AxisKind, FileAxis, Order};
use super::header::{HeaderText, vector};
use crate::io::stored::broken;
use crate::volume::{Geometry, Header};
use crate::{Error, Result};

/// A space that a header names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Space {
    pub(super) dimension: usize,
    /// What the first two axes are to be multiplied by for LPS+; none if the space is not the patient's.
    lps: Option<[f64; 2]>,
}

/// The three spaces of patients that the format knows, long and short, and what LPS+ takes.
const PATIENT: [(&str, &str, [f64; 2]); 3] = [
    ("right-anterior-superior", "ras", [-1.0, -1.0]),
    ("left-anterior-superior", "las", [1.0, -1.0]),
    ("left-posterior-superior", "lps", [1.0, 1.0]),
];

/// Those of machines and of mathematics.
const OTHER: [&str; 3] = ["scanner-xyz", "3d-right-handed", "3d-left-handed"];

impl Space {
    /// The space of a header; none if it has none.
    pub(super) fn of(path: &Path, text: &HeaderText) -> Result<Option<Self>> {
        let Some(name) = text.get("space") else {
            return match text.integer(path, "spacedimension")? {
                None => Ok(None),
                Some(n @ 1..=3) => Ok(Some(Self { dimension: n as usize, lps: None })),
                Some(n) => Err(Error::unsupported(path, format!("a space of {n} dimensions"), "write a volume in one to three")),
            };
        };
        let name = name.to_ascii_lowercase();
        for (long, short, lps) in PATIENT {
            if name == long || name == short {
                return Ok(Some(Self { dimension: 3, lps: Some(lps) }));
            }
            if name.strip_suffix("-time") == Some(long) || name.strip_suffix('t') == Some(short) {
                return Ok(Some(Self { dimension: 4, lps: Some(lps) }));
            }
        }
        match OTHER.into_iter().find(|known| name.strip_prefix(known).is_some_and(|rest| matches!(rest, "" | "-time" | "t"))) {
            Some(known) => Ok(Some(Self { dimension: if name == known { 3 } else { 4 }, lps: None })),
            None => Err(broken(path, "the space is none of the format's")),
        }
    }
}

/// Millimetres in a unit of length; none for any other text.
fn millimetres(unit: &str) -> Option<f64> {
    match unit.trim() {
        "mm" | "millimeter" | "millimetre" | "millimeters" | "millimetres" => Some(1.0),
        "m" | "meter" | "metre" | "meters" | "metres" => Some(1000.0),
        "cm" | "centimeter" | "centimetre" | "centimeters" | "centimetres" => Some(10.0),
        "um" | "\u{b5}m" | "\u{3bc}m" | "micron" | "microns" | "micrometer" | "micrometre" => Some(0.001),
        "nm" | "nanometer" | "nanometre" => Some(1e-6),
        _ => None,
    }
}

/// So many of a unit of length as millimetres, or unchanged with a note.
fn length(value: f64, unit: &str, notes: &mut Vec<String>) -> f64 {
    let note = match (millimetres(unit), unit.is_empty()) {
        (Some(mm), _) => return value * mm,
        (None, true) => "the unit of length is not stated; millimetres are assumed",
        (None, false) => "the unit of length is none of m, cm, mm, um and nm; millimetres are assumed",
    };
    if !notes.iter().any(|n| n == note) {
        notes.push(note.into());
    }
    value
}

/// Gives the axes of time their step: in a space with time that of the fourth dimension. Leaves axes of space with three dimensions.
///
/// # Errors
/// [`crate::Error::Format`] for a direction that is of another dimension than the space, or in space and time, with the path.
pub(super) fn split_time(path: &Path, text: &HeaderText, space: Space, axes: &mut [FileAxis]) -> Result<()> {
    let units = text.per_axis(path, "spaceunits", space.dimension)?;
    for (i, axis) in axes.iter_mut().enumerate() {
        let Some(step) = &mut axis.step else { continue };
        if step.len() != space.dimension {
            return Err(broken(path, format!("axis {} has {} coordinates, the space {}", i + 1, step.len(), space.dimension)));
        }
        let Some((time, rest)) = step.split_last().filter(|_| space.dimension == 4) else { continue };
        if *time == 0.0 {
            step.pop();
        } else if rest.iter().all(|c| *c == 0.0) {
            (axis.kind, axis.spacing) = (AxisKind::Time, *time);
            axis.unit = units.as_ref().and_then(|u| u.last()).cloned().unwrap_or_default();
            axis.step = None;
        } else {
            return Err(broken(path, format!("axis {} runs through space and time at once", i + 1)));
        }
    }
    Ok(())
}

/// Puts geometry and time into a header.
///
/// # Errors
/// [`crate::Error::Format`], with the path.
pub(super) fn place(path: &Path, text: &HeaderText, space: Option<Space>, order: &Order, header: &mut Header) -> Result<()> {
    let notes = &mut header.origin.notes;
    let first = order.beyond.first().or(order.within.as_ref());
    header.grid.time_step_s = first.filter(|axis| axis.kind == AxisKind::Time).and_then(|axis| seconds(axis, notes));
    header.grid.geometry = match space {
        Some(space) if text.get("spacedirections").is_some() => directed(path, text, space, &order.space, notes)?,
        _ => spaced(text, &order.space, notes),
    };
    Ok(())
}

fn seconds(axis: &FileAxis, notes: &mut Vec<String>) -> Option<f64> {
    let step = Some(axis.spacing).filter(|s| s.is_finite() && *s > 0.0)?;
    match axis.unit.trim() {
        "s" | "sec" | "second" | "seconds" => Some(step),
        // Divided, not multiplied by 0.001: 250 ms is then exactly 0.25 s.
        "ms" | "msec" | "millisecond" | "milliseconds" => Some(step / 1e3),
        "us" | "\u{b5}s" | "\u{3bc}s" | "microsecond" | "microseconds" => Some(step / 1e6),
        "" => {
            notes.push("the time unit is not stated; seconds are assumed".into());
            Some(step)
        }
        _ => {
            notes.push("the time unit is none of s, ms and us; the time step is not read".into());
            None
        }
    }
}

/// Axes without directions: spacings alone.
fn spaced(text: &HeaderText, axes: &[FileAxis], notes: &mut Vec<String>) -> Option<Geometry> {
    if axes.iter().all(|axis| axis.spacing.is_nan()) {
        let more = ["axismins", "axismaxs"].iter().any(|name| text.get(name).is_some());
        notes.push(
            if more { "axis mins and axis maxs are not read; spacing unknown" } else { "the header gives no spacing" }.into(),
        );
        return None;
    }
    let mut spacing_mm = [1.0; 3];
    for (mm, axis) in spacing_mm.iter_mut().zip(axes) {
        *mm = length(axis.spacing.abs(), &axis.unit, notes);
    }
    notes.push("the header gives no orientation".into());
    believed(spacing_mm, notes)
}

fn believed(spacing_mm: [f64; 3], notes: &mut Vec<String>) -> Option<Geometry> {
    if spacing_mm.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Some(Geometry::spacing(spacing_mm));
    }
    notes.push("the voxel spacing is zero or not a number; spacing unknown".into());
    None
}

/// Axes with directions in a space.
fn directed(
    path: &Path,
    text: &HeaderText,
    space: Space,
    axes: &[FileAxis],
    notes: &mut Vec<String>,
) -> Result<Option<Geometry>> {
    let units = text.per_axis(path, "spaceunits", space.dimension)?;
    let unit = |row: usize| units.as_ref().map_or("", |u| u[row].as_str());
    let rows = space.dimension.min(3);
    let mut scaled = |v: &[f64]| -> [f64; 3] {
        std::array::from_fn(|row| if row < rows { v.get(row).map_or(0.0, |c| length(*c, unit(row), notes)) } else { 0.0 })
    };
    let steps: Vec<[f64; 3]> = axes.iter().filter_map(|axis| axis.step.as_deref()).map(&mut scaled).collect();
    let origin = match text.get("spaceorigin").map(vector) {
        None | Some(Ok(None)) => None,
        Some(Ok(Some(v))) if v.len() == space.dimension => Some(scaled(&v)),
        Some(_) => return Err(broken(path, format!("the space origin is no vector of {} coordinates", space.dimension))),
    };
    let norm = |v: &[f64; 3]| v.iter().map(|c| c * c).sum::<f64>().sqrt();
    let mut spacing_mm = [1.0; 3];
    for (mm, step) in spacing_mm.iter_mut().zip(&steps) {
        *mm = norm(step);
    }
    let Some(signs) = space.lps.filter(|_| steps.len() > 1) else {
        // ITK writes flat images in a space of two dimensions, which nobody takes for a patient's.
        if space.dimension > 2 {
            notes.push("the space of the header is not the patient's; orientation unknown".into());
        }
        return Ok(believed(spacing_mm, notes));
    };
    let lps = |v: [f64; 3]| [signs[0] * v[0], signs[1] * v[1], v[2]];
    let [x, y] = [lps(steps[0]), lps(steps[1])];
    // A flat image in space: the third axis is its normal.
    let normal = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
    let z = steps.get(2).map_or_else(|| normal.map(|c| c / norm(&normal)), |z| lps(*z));
    if origin.is_none() {
        notes.push("the header gives no space origin; 0, 0, 0 is assumed".into());
    }
    let origin = lps(origin.unwrap_or_default());
    let matrix = std::array::from_fn(|row| [x[row], y[row], z[row], origin[row]]);
    if let Some(geometry) = Geometry::from_lps_matrix(matrix) {
        return Ok(Some(geometry));
    }
    notes.push("the space directions are degenerate; orientation unknown".into());
    Ok(believed(spacing_mm, notes))
}
