//! A grid that is to be filled from another one: what it is, and where its voxels lie there.

use std::ops::Range;

use super::{Affine, Geometry, Grid, Header, Position, Rescales, Shape};
use crate::{Error, Result};

/// A target grid, and where its voxels lie in a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Of the target. It has as many volumes as the source.
    pub grid: Grid,
    /// Voxel indices of the target to those of the source.
    pub to_source: Affine,
}

/// What stays where it is when voxels get another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// The centre of the field of view, as IBSI has it.
    #[default]
    Center,
    /// The centre of the first voxel.
    First,
}

/// A field of view that is so little larger than whole voxels takes no voxel more: spacings are rounded in files.
const SLACK: f64 = 1e-3;

impl Placement {
    /// The source's field of view in voxels of another size: as many as cover it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a spacing that is not positive, a source of unknown spacing, or a target of too many voxels.
    pub fn spaced(source: &Grid, spacing_mm: [f64; 3], align: Align) -> Result<Self> {
        let Some(geometry) = &source.geometry else {
            return Err(Error::usage(
                "another spacing for an image whose spacing is not known",
                "give the shape wanted instead, or an image that says its spacing",
            ));
        };
        if !spacing_mm.iter().all(|s| s.is_finite() && *s > 0.0) {
            let what = format!("a spacing of {} mm", times(&spacing_mm.map(|s| s.to_string())));
            return Err(Error::usage(what, "give millimetres above 0"));
        }
        let view = geometry.field_of_view_mm(source.shape.xyz());
        let count = |a: usize| {
            let exact = view[a] / spacing_mm[a];
            // Casts of floats stop at the limits of the type.
            if exact < 1.0 { 1 } else { (exact - SLACK).ceil() as u64 }
        };
        let step = [0, 1, 2].map(|a| spacing_mm[a] / geometry.spacing_mm[a]);
        let mut placed = Self::scaled(source, [count(0), count(1), count(2)], step, align)?;
        // To the last digit.
        placed.grid.geometry.iter_mut().for_each(|own| own.spacing_mm = spacing_mm);
        Ok(placed)
    }

    /// The source's field of view in so many voxels.
    ///
    /// # Errors
    /// [`Error::Usage`] for no voxels, or too many of them.
    pub fn sized(source: &Grid, shape: [u64; 3], align: Align) -> Result<Self> {
        let own = source.shape.xyz();
        Self::scaled(source, shape, [0, 1, 2].map(|a| own[a] as f64 / shape[a] as f64), align)
    }

    /// Voxels of `step` voxels of the source along each axis.
    fn scaled(source: &Grid, shape: [u64; 3], step: [f64; 3], align: Align) -> Result<Self> {
        let own = source.shape.xyz();
        let first = |a: usize| match align {
            Align::First => 0.0,
            Align::Center => ((own[a] as f64 - 1.0) - (shape[a] as f64 - 1.0) * step[a]) / 2.0,
        };
        let to_source = Affine::scaled(step, [first(0), first(1), first(2)]);
        let mut grid = with_axes(source, shape)?;
        grid.geometry = source.geometry.as_ref().map(|geometry| moved(geometry, &to_source, [0, 1, 2].map(|a| (a, false))));
        Ok(Self { grid, to_source })
    }

    /// The grid of a reference image, with as many volumes as the source has. Points of the reference become points of the source by `transform` (LPS+ mm), where one
    /// is given.
    ///
    /// # Errors
    /// [`Error::Usage`] where one of the two has no place in the patient, for a reference of several volumes, a transform that is flat, or a grid that does not touch the source.
    pub fn like(source: &Grid, reference: &Grid, transform: Option<&Affine>) -> Result<Self> {
        if reference.shape.volumes() > 1 {
            return Err(Error::usage(
                format!("a reference of {} voxels, which is {} volumes", reference.shape, reference.shape.volumes()),
                "give one volume of it as a file of its own",
            ));
        }
        let unknown = |which: &str| {
            Error::usage(
                format!("the {which} does not say where its voxels lie in the patient"),
                "give another spacing or shape instead of a reference, or files that know their position (NIfTI, DICOM, NRRD, MetaImage)",
            )
        };
        let own = Affine::of_grid(source).ok_or_else(|| unknown("image"))?;
        let other = Affine::of_grid(reference).ok_or_else(|| unknown("reference"))?;
        let flat =
            || Error::usage("the transform is singular: it maps space onto a plane, a line or a point", "check its matrix");
        if let Some(transform) = transform {
            transform.inverse().ok_or_else(flat)?;
        }
        let back = own.inverse().ok_or_else(|| Error::usage("the image's axes lie in one plane", "check its header"))?;
        let to_source = back.after(&transform.map_or(other, |t| t.after(&other)));
        let mut grid = with_axes(source, reference.shape.xyz())?;
        grid.geometry = reference.geometry.clone();
        let placed = Self { grid, to_source };
        if !placed.touches(source) {
            let moved = if transform.is_some() { ", moved by the transform," } else { "" };
            return Err(Error::usage(
                format!("the target grid{moved} does not touch the image: {reference} and {source}"),
                "check that both files are of one patient and position, and which way the transform maps",
            ));
        }
        Ok(placed)
    }

    /// The same target with its points moved by a transform (LPS+ mm) before they are looked for in the source.
    ///
    /// # Errors
    /// As [`Placement::like`].
    pub fn transformed(&self, source: &Grid, transform: &Affine) -> Result<Self> {
        let mut one = self.grid.clone();
        one.shape = shape_of(&one.shape.xyz())?;
        Ok(Self { grid: self.grid.clone(), ..Self::like(source, &one, Some(transform))? })
    }

    /// The voxels of a box, which may reach beyond the source, counted from its first voxel.
    ///
    /// # Errors
    /// [`Error::Usage`] for a box without voxels, with too many, or beside the source.
    pub fn boxed(source: &Grid, wanted: &[Range<i64>; 3]) -> Result<Self> {
        let own = source.shape.xyz();
        let text = || times(&wanted.each_ref().map(|r| format!("{}:{}", r.start, r.end)));
        if wanted.iter().any(Range::is_empty) {
            return Err(Error::usage(
                format!("the box {} holds no voxel", text()),
                "give a first and a larger end for each axis",
            ));
        }
        if (0..3).any(|a| wanted[a].start >= own[a] as i64 || wanted[a].end <= 0) {
            let what = format!("the box {} lies beside the image of {} voxels", text(), source.shape);
            return Err(Error::usage(what, "give one that holds voxels of it"));
        }
        let to_source = Affine::scaled([1.0; 3], [0, 1, 2].map(|a| wanted[a].start as f64));
        let mut grid = with_axes(source, wanted.each_ref().map(|r| r.end.abs_diff(r.start)))?;
        grid.geometry = source.geometry.as_ref().map(|geometry| moved(geometry, &to_source, [0, 1, 2].map(|a| (a, false))));
        Ok(Self { grid, to_source })
    }

    /// The same voxels with axes that point as nearly as they can in the directions that a code such as `RAS` names.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is no code, or a source whose place in the patient is not known.
    pub fn reoriented(source: &Grid, code: &str) -> Result<Self> {
        let wanted = directions(code).ok_or_else(|| {
            Error::usage(
                format!("{code:?} is no orientation"),
                "give one letter of L or R, one of A or P and one of S or I, such as RAS or LPS",
            )
        })?;
        let Some((geometry, position)) = source.geometry.as_ref().and_then(|g| Some((g, g.position.as_ref()?))) else {
            return Err(Error::usage("the image does not say how it lies in the patient", "give a file that does"));
        };
        let own = position.closest_axes();
        // For each axis of the target the source's, and whether it runs the other way.
        let axes = wanted.map(|(patient, positive)| {
            let axis = (0..3).find(|a| own[*a].0 == patient).unwrap_or(patient);
            (axis, own[axis].1 != positive)
        });
        let size = source.shape.xyz();
        let mut to_source = Affine([[0.0; 4]; 3]);
        for (of, (axis, flipped)) in axes.into_iter().enumerate() {
            to_source.0[axis][of] = if flipped { -1.0 } else { 1.0 };
            to_source.0[axis][3] = if flipped { (size[axis] - 1) as f64 } else { 0.0 };
        }
        let mut grid = with_axes(source, axes.map(|(axis, _)| size[axis]))?;
        grid.geometry = Some(moved(geometry, &to_source, axes));
        Ok(Self { grid, to_source })
    }

    /// Whether the target's field of view may touch the source's, seen along the axes of each.
    fn touches(&self, source: &Grid) -> bool {
        let overlap = |map: &Affine, from: [u64; 3], to: [u64; 3]| {
            let corners =
                (0..8).map(|i| map.apply(std::array::from_fn(|a| if i >> a & 1 == 1 { from[a] as f64 - 0.5 } else { -0.5 })));
            let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
            for corner in corners {
                for a in 0..3 {
                    (low[a], high[a]) = (low[a].min(corner[a]), high[a].max(corner[a]));
                }
            }
            (0..3).all(|a| low[a] < to[a] as f64 - 0.5 && high[a] > -0.5)
        };
        let (own, other) = (self.grid.shape.xyz(), source.shape.xyz());
        overlap(&self.to_source, own, other) && self.to_source.inverse().is_some_and(|back| overlap(&back, other, own))
    }

    /// The header of the target: all that `source` says, on this grid.
    ///
    /// # Errors
    /// [`Error::Usage`] for slices of different rescale that are not taken over one by one, for their numbers do not mean the same.
    pub fn header(&self, source: &Header) -> Result<Header> {
        let mut header = source.clone();
        header.grid = self.grid.clone();
        if let Some(one) = source.meaning.rescale.uniform() {
            header.meaning.rescale = Rescales::Uniform(one);
            return Ok(header);
        }
        let [_, _, depth] = source.grid.shape.xyz();
        let [across, _, [a, b, step, first]] = self.to_source.0;
        let kept = a == 0.0 && b == 0.0 && step.abs() == 1.0 && first.fract() == 0.0 && across[2] == 0.0;
        let slice = |z: u64| first + step * z as f64;
        let count = self.grid.shape.axis(2);
        if !kept || [0, count - 1].iter().any(|z| slice(*z) < 0.0 || slice(*z) >= depth as f64) {
            return Err(Error::usage(
                "voxels of slices of different rescale together",
                "convert the image first: real values are written",
            ));
        }
        let slices = (0..self.grid.shape.volumes()).flat_map(|volume| (0..count).map(move |z| volume * depth + slice(z) as u64));
        header.meaning.rescale = Rescales::PerSlice(slices.map(|s| source.meaning.rescale.of_slice(s)).collect());
        if let Some(one) = header.meaning.rescale.uniform() {
            header.meaning.rescale = Rescales::Uniform(one);
        }
        Ok(header)
    }
}

/// The geometry of a target whose axes run along those of `geometry` that `axes` names.
fn moved(geometry: &Geometry, to_source: &Affine, axes: [(usize, bool); 3]) -> Geometry {
    let step = |of: usize| to_source.0[axes[of].0][of].abs();
    let spacing_mm = [0, 1, 2].map(|of| geometry.spacing_mm[axes[of].0] * step(of));
    let place = |p: &Position| {
        let first = to_source.apply([0.0; 3]);
        let along = |row: usize| (0..3).map(|a| p.direction[a][row] * geometry.spacing_mm[a] * first[a]).sum::<f64>();
        // Adding 0 turns -0 into 0.
        let direction = axes.map(|(axis, flipped)| p.direction[axis].map(|d| if flipped { 0.0 - d } else { d }));
        Position { origin_mm: [0, 1, 2].map(|row| p.origin_mm[row] + along(row)), direction }
    };
    Geometry { spacing_mm, position: geometry.position.as_ref().map(place) }
}

/// The grid with other axes of space.
fn with_axes(source: &Grid, xyz: [u64; 3]) -> Result<Grid> {
    let own = source.shape.axes();
    let mut axes = xyz.to_vec();
    // An image of two axes stays one.
    axes.truncate(if xyz[2] == 1 { own.len().max(if xyz[1] == 1 { 1 } else { 2 }) } else { 3 }.min(3));
    axes.extend(own.iter().skip(3));
    Ok(Grid { shape: shape_of(&axes)?, ..source.clone() })
}

fn shape_of(axes: &[u64]) -> Result<Shape> {
    Shape::new(axes).ok_or_else(|| {
        let what = format!("a target of {} voxels", times(&axes.iter().map(u64::to_string).collect::<Vec<_>>()));
        Error::usage(
            what,
            "give at least one voxel along each axis, and no more than any computer holds: a coarser spacing, a smaller shape",
        )
    })
}

fn times(all: &[String]) -> String {
    all.join(" x ")
}

/// The patient axes (0 = L, 1 = P, 2 = S) that three letters name, each once, and whether each points to the positive end.
fn directions(code: &str) -> Option<[(usize, bool); 3]> {
    let letters: Vec<char> = code.trim().to_ascii_uppercase().chars().collect();
    let [a, b, c] = letters.as_slice() else { return None };
    let one =
        |letter: &char| ["RL", "AP", "IS"].iter().enumerate().find_map(|(axis, ends)| Some((axis, ends.find(*letter)? == 1)));
    let all = [one(a)?, one(b)?, one(c)?];
    (0..3).all(|axis| all.iter().any(|(own, _)| *own == axis)).then_some(all)
}

#[cfg(test)]
#[path = "placement/tests.rs"]
mod tests;
