//! Distance maps: of each voxel on one side of a mask how far it is to the other side, in millimetres.
//!
//! Three passes over a volume, each of which any number of threads share: rows (and, where they fit, whole slices) as the mask is read, columns through the slices, and the
//! numbers in millimetres into the file. Between them the squared distances lie in memory where they fit it, else in a scratch file; the bits are the same.

mod layout;
mod plan;
mod store;
mod volume;

use std::path::PathBuf;

use super::{Cost, Input, Run};
use crate::io::Sink;
use crate::ops::distance::Units;
use crate::volume::{Dtype, Geometry, Grid, Header};
use crate::{Error, Hint, Result};

/// Which voxels get a distance, and what becomes of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistanceOf {
    /// Those inside, to the nearest outside; 0 outside.
    Inside,
    /// Those outside, to the nearest inside; 0 inside.
    Outside,
    /// Both: those inside have a negative one.
    Signed,
}

/// What a distance map holds.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceMap {
    /// Of which voxels.
    pub of: DistanceOf,
    /// Squared distances, in mm².
    pub squared: bool,
    /// The spacing that distances are measured by; none if it is not known: then a voxel is 1 long.
    pub spacing_mm: Option<[f64; 3]>,
    /// The same as whole numbers.
    pub units: Units,
}

/// Where a distance map goes.
pub struct DistanceOutput<'a> {
    /// Takes the distances, float32.
    pub distances: &'a dyn Sink,
    /// Takes for each voxel what the nearest voxel inside holds, in the input's type; a voxel inside is its own nearest. Of equally near ones the first.
    pub nearest: Option<&'a dyn Sink>,
    /// Where room is found for what does not fit the memory.
    pub scratch: ScratchPlace,
}

/// Where a scratch file may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScratchPlace {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes that are written to the same disk meanwhile.
    pub beside: u64,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// Voxels inside.
    pub inside: u64,
    /// Voxels outside.
    pub outside: u64,
    /// The largest squared distance of a voxel inside, in units; 0 if they were not measured.
    pub deepest: u64,
    /// The same outside.
    pub farthest: u64,
    /// Bytes of the scratch file; 0 if everything fitted the memory.
    pub scratch_bytes: u64,
}

impl DistanceMap {
    /// For a mask with this header.
    ///
    /// # Errors
    /// [`Error::Usage`] for axes that are not at right angles.
    pub fn new(mask: &Header, of: DistanceOf, squared: bool) -> Result<Self> {
        let (spacing_mm, units) = measures(&mask.grid, mask.grid.shape.xyz().map(|n| n as usize))?;
        Ok(Self { of, squared, spacing_mm, units })
    }

    /// What a map of a mask costs: nanoseconds for each voxel of a mask of organs on one thread, and steps of the search of the kernel along three axes.
    pub fn cost(mask: &Header) -> Cost {
        Cost::each(mask.grid.shape.voxels(), (8.0, 60), 5 * mask.grid.shape.voxels())
    }

    /// The header of the map of a mask.
    pub fn header(&self, mask: &Header) -> Header {
        mask.derived(Dtype::F32).with(|h| h.display.inverted = false)
    }

    /// The header of the map of what is nearest, for labels with this one.
    pub fn nearest_header(&self, labels: &Header) -> Header {
        let dtype = labels.meaning.dtype;
        labels.derived(dtype).with(|h| (h.display.inverted, h.meaning.labels) = (false, true))
    }

    /// A squared distance in units as the map has it, without a sign.
    pub fn real(&self, square: u64) -> f32 {
        if self.squared { self.units.square_millimetres(square) } else { self.units.millimetres(square) }
    }
}

/// Writes the distances of a mask, whose voxels are whole numbers of 8 or 16 bits without a sign and inside where they are not 0. Volumes of several times one by one.
///
/// What is nearest is carried by the CPU on any device, and so is what does not fit the memory of the run or a buffer of the device.
///
/// # Errors
/// [`Error::Usage`] for a volume without a voxel inside, or without one outside, for voxels of other types, and for labels of what is nearest where only voxels inside are
/// measured; what reading and writing give, also for a disk without room for the scratch file; [`Error::Interrupted`]. A failing GPU is no error: the CPU begins again.
pub fn distance(input: &Input<'_>, map: &DistanceMap, to: &DistanceOutput<'_>, run: &Run<'_>) -> Result<Measured> {
    if !matches!(input.header().meaning.dtype, Dtype::U8 | Dtype::U16) {
        return Err(Error::usage(
            format!("a mask of {}", input.header().meaning.dtype),
            "give one of 8 or 16 bits without a sign",
        ));
    }
    if to.nearest.is_some() && map.of == DistanceOf::Inside {
        return Err(Error::usage("the nearest labels of voxels inside, which lie outside and are all 0", Hint::MeasureOutside));
    }
    if map.units.fits_u32() { volume::all::<u32>(input, map, to, run) } else { volume::all::<u64>(input, map, to, run) }
}

/// The spacing that distances are measured by on a grid, none if it is not known, and whole numbers for a box of `shape` places on it.
///
/// # Errors
/// [`Error::Usage`] for axes that are not at right angles, and for a spacing that is none.
pub(super) fn measures(grid: &Grid, shape: [usize; 3]) -> Result<(Option<[f64; 3]>, Units)> {
    let spacing_mm = grid.geometry.as_ref().map(spacing);
    let units = Units::new(spacing_mm.unwrap_or([1.0; 3]), shape);
    let units = units.ok_or_else(|| Error::usage("a spacing of 0 or less, or beyond float32", "correct it in the file"))?;
    if let Some(degrees) = grid.geometry.as_ref().and_then(|geometry| leaning(geometry, shape)) {
        let what = format!("the axes of the mask meet at {degrees:.1}°, so that distances along them say little");
        return Err(Error::usage(what, "resample it onto a grid of right angles first"));
    }
    Ok((spacing_mm, units))
}

/// How far two axes may lean towards each other, as a cosine: distances are off by less than a two-thousandth.
const LEANING: f64 = 1e-3;

/// The angle in degrees between two axes that are not at right angles.
fn leaning(geometry: &Geometry, shape: [usize; 3]) -> Option<f64> {
    let direction = geometry.position.as_ref()?.direction;
    let pairs = [(0, 1), (0, 2), (1, 2)].into_iter().filter(|(a, b)| shape[*a] > 1 && shape[*b] > 1);
    let cosine = |(a, b): (usize, usize)| (0..3).map(|row| direction[a][row] * direction[b][row]).sum::<f64>();
    let worst = pairs.map(cosine).fold(0.0, |worst: f64, c| if c.abs() > worst.abs() { c } else { worst });
    (worst.abs() > LEANING).then(|| worst.clamp(-1.0, 1.0).acos().to_degrees())
}

/// What an oblique matrix of float32 loses of the length of its columns.
const LOST: f64 = 2e-7;

/// The spacing as it was meant. Of oblique axes a file may have nothing but the columns of a matrix, whose lengths come out a little off: 0.70000004 for 0.7. Then it is the
/// multiple of 2⁻¹² that cannot be told from it, else the shortest such decimal.
fn spacing(geometry: &Geometry) -> [f64; 3] {
    let straight = |axis: [f64; 3]| axis.iter().all(|part| *part == 0.0 || part.abs() == 1.0);
    let Some(position) = &geometry.position else { return geometry.spacing_mm };
    if position.direction.into_iter().all(straight) {
        return geometry.spacing_mm;
    }
    geometry.spacing_mm.map(|mm| {
        let near = |guess: &f64| (guess - mm).abs() <= LOST * mm;
        let decimals = (0..7).filter_map(|places| format!("{mm:.places$e}").parse().ok());
        std::iter::once((mm * 4096.0).round() / 4096.0).chain(decimals).find(near).unwrap_or(mm)
    })
}

#[cfg(test)]
mod tests;
