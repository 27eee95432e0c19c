//! What the axes of a NRRD file are: space, time, colours, or a list.

use std::path::Path;

use super::header::{HeaderText, vector};
use crate::io::stored::broken;
use crate::{Error, Result};

/// One axis, as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileAxis {
    pub(super) size: u64,
    pub(super) kind: AxisKind,
    /// From one sample to the next, in the header's space; none if the axis does not lie in it.
    pub(super) step: Option<Vec<f64>>,
    /// NaN if there is none.
    pub(super) spacing: f64,
    /// What the spacing is counted in.
    pub(super) unit: String,
}

/// What an axis runs along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AxisKind {
    Space,
    Time,
    /// Red, green, blue, and perhaps alpha.
    Colour,
    /// Numbers that belong to one place.
    List,
    /// The header does not say.
    Unstated,
}

/// The kinds of the format with what they mean here, and how long such an axis is (0: any length).
const KINDS: [(&str, AxisKind, u64); 27] = [
    ("domain", AxisKind::Space, 0),
    ("space", AxisKind::Space, 0),
    ("time", AxisKind::Time, 0),
    ("rgb-color", AxisKind::Colour, 3),
    ("rgba-color", AxisKind::Colour, 4),
    ("list", AxisKind::List, 0),
    ("point", AxisKind::List, 0),
    ("vector", AxisKind::List, 0),
    ("covariant-vector", AxisKind::List, 0),
    ("normal", AxisKind::List, 0),
    ("stub", AxisKind::List, 1),
    ("scalar", AxisKind::List, 1),
    ("2-vector", AxisKind::List, 2),
    ("3-vector", AxisKind::List, 3),
    ("3-gradient", AxisKind::List, 3),
    ("3-normal", AxisKind::List, 3),
    ("4-vector", AxisKind::List, 4),
    ("quaternion", AxisKind::List, 4),
    ("2d-symmetric-matrix", AxisKind::List, 3),
    ("2d-masked-symmetric-matrix", AxisKind::List, 4),
    ("2d-matrix", AxisKind::List, 4),
    ("2d-masked-matrix", AxisKind::List, 5),
    ("3d-symmetric-matrix", AxisKind::List, 6),
    ("3d-masked-symmetric-matrix", AxisKind::List, 7),
    ("3d-matrix", AxisKind::List, 9),
    ("3d-masked-matrix", AxisKind::List, 10),
    ("???", AxisKind::Unstated, 0),
];

/// Colours that are not red, green and blue, or do not say so.
const OTHER_COLOURS: [&str; 4] = ["3-color", "4-color", "hsv-color", "xyz-color"];

/// The axes in the order of the file, fastest first.
///
/// # Errors
/// [`Error::Format`] and [`Error::Unsupported`], with the path.
pub(super) fn read(path: &Path, text: &HeaderText) -> Result<Vec<FileAxis>> {
    let dimension = match text.integer(path, "dimension")? {
        // What the format allows.
        Some(n @ 1..=16) => n as usize,
        Some(n) => return Err(broken(path, format!("{n} axes, a NRRD file has 1 to 16"))),
        None => return Err(broken(path, "the header has no field dimension")),
    };
    let sizes = text.per_axis(path, "sizes", dimension)?.ok_or_else(|| broken(path, "the header has no field sizes"))?;
    let kinds = text.per_axis(path, "kinds", dimension)?;
    let spacings = text.numbers(path, "spacings", dimension)?;
    let units = text.per_axis(path, "units", dimension)?;
    let steps = text.per_axis(path, "spacedirections", dimension)?;
    let mut axes = Vec::with_capacity(dimension);
    for (i, size) in sizes.iter().enumerate() {
        let size = size.parse().ok().filter(|n| *n > 0);
        let size: u64 = size.ok_or_else(|| broken(path, format!("the size of axis {} is no number from 1 on", i + 1)))?;
        let kind = match &kinds {
            Some(kinds) => kind(path, &kinds[i], i, size)?,
            None => AxisKind::Unstated,
        };
        let step = match &steps {
            Some(steps) => {
                vector(&steps[i]).map_err(|()| broken(path, format!("the direction of axis {} is no vector", i + 1)))?
            }
            None => None,
        };
        axes.push(FileAxis {
            size,
            kind,
            step,
            spacing: spacings.as_ref().map_or(f64::NAN, |s| s[i]),
            unit: units.as_ref().map_or_else(String::new, |u| u[i].clone()),
        });
    }
    Ok(axes)
}

fn kind(path: &Path, name: &str, axis: usize, size: u64) -> Result<AxisKind> {
    let (name, number) = (name.to_ascii_lowercase(), axis + 1);
    let unsupported =
        |what| Error::unsupported(path, format!("{what} (axis {number})"), "convert it to numbers of one component");
    if name == "complex" {
        return Err(unsupported("complex voxels"));
    }
    if OTHER_COLOURS.contains(&name.as_str()) {
        return Err(unsupported("colours that are not said to be red, green and blue"));
    }
    // An axis of one number is no list, whatever it would be a list of.
    if name == "none" {
        return Ok(AxisKind::Unstated);
    }
    match KINDS.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, 0)) => Ok(*kind),
        Some((_, kind, length)) if *length == size => Ok(*kind),
        Some((known, _, length)) => Err(broken(path, format!("axis {number} has size {size}, {known} has {length}"))),
        None => Err(broken(path, format!("the kind of axis {number} is none of the format's"))),
    }
}

/// The axes in the order of a volume.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Order {
    /// One to three axes of space.
    pub(super) space: Vec<FileAxis>,
    /// What follows them.
    pub(super) beyond: Vec<FileAxis>,
    /// What lies within each place: numbers before the first axis of space.
    pub(super) within: Option<FileAxis>,
}

/// Sorts the axes. Those of one sample that are not of space say nothing and are left out.
///
/// # Errors
/// [`Error::Format`] and [`Error::Unsupported`], with the path.
pub(super) fn order(path: &Path, axes: Vec<FileAxis>, directed: bool, notes: &mut Vec<String>) -> Result<Order> {
    let unsupported = |what: String| Error::unsupported(path, what, "reorder the axes: those of space first");
    let mut order = Order::default();
    for (i, axis) in axes.into_iter().enumerate() {
        let number = i + 1;
        // A direction says more than a kind: `domain` is also what an axis of time or of a list is called.
        let of_space = if directed { axis.step.is_some() } else { matches!(axis.kind, AxisKind::Space | AxisKind::Unstated) };
        if of_space && matches!(axis.kind, AxisKind::List | AxisKind::Colour) && axis.size > 1 {
            return Err(broken(path, format!("axis {number} is a list of numbers and has a direction in space")));
        }
        if of_space && order.space.len() < 3 {
            if !order.beyond.is_empty() {
                return Err(unsupported(format!("axis {} lies between axes of space", number - 1)));
            }
            order.space.push(axis);
        } else if of_space && directed {
            return Err(broken(path, format!("axis {number} is a fourth axis of space")));
        } else if axis.size == 1 {
        } else if axis.kind == AxisKind::Colour && !order.space.is_empty() {
            return Err(Error::unsupported(path, "colours in separate planes", "write red, green and blue of a voxel together"));
        } else if order.space.is_empty() {
            if order.within.replace(axis).is_some() {
                return Err(unsupported(format!("axis {number} is the second before those of space")));
            }
        } else {
            if axis.kind != AxisKind::Time {
                notes.push(format!("axis {number} of the file, {} samples, is not said to be time; each is a volume", axis.size));
            }
            order.beyond.push(axis);
        }
    }
    if order.space.is_empty() {
        return Err(unsupported("no axis of space".into()));
    }
    Ok(order)
}
