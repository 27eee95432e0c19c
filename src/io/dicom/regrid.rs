//! Slices that make no regular grid, interpolated onto one: unevenly spaced ones, missing ones, and such that a tilted gantry moved sideways.
//!
//! The grid has the rows, columns and pixel spacing of the slices and runs along their normal from the first slice to the last, at the steps nearest to
//! the usual distance that divide this length. It is as wide as all slices together; what no slice covers is padding. Between slices, and between pixels
//! where slices lie beside each other, values are weighted linearly in f64 and rounded once; labels are taken from the nearest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::frames::{ImageFrame, dot};
use super::{OpenOptions, Series};
use crate::io::slices::SliceSource;
use crate::io::{Role, Source};
use crate::volume::{Dtype, Geometry, Header, Padding, Position, Rescale, Rescales, Shape, Volume};
use crate::{Error, Result};

/// Where the slices of a volume lie against its first one: along rows and columns in pixels, along the normal in mm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places(Vec<[f64; 3]>);

/// A slice this near to where one is wanted, as a share of the distance of slices or pixels, is that one: positions are rounded in files.
const SAME: f64 = 1e-3;
/// Instead of a value where no slice is.
const UNCOVERED: f64 = f64::MIN;
/// Numbers kept, of slices between which the next ones lie; of larger slices two.
const KEPT: usize = 1 << 23;

impl Places {
    /// Of frames that ascend along `normal`; none without positions, orientation and spacing.
    pub(super) fn of(frames: &[&ImageFrame], normal: [f64; 3]) -> Option<Self> {
        let first = frames.first()?;
        let (origin, [x, y], spacing) = (first.position?, first.orientation?, first.spacing?);
        let place = |frame: &&ImageFrame| {
            let off: [f64; 3] = std::array::from_fn(|a| frame.position.unwrap_or(origin)[a] - origin[a]);
            [snapped(dot(off, x) / spacing[0]), snapped(dot(off, y) / spacing[1]), dot(off, normal)]
        };
        Some(Self(frames.iter().map(place).collect()))
    }

    /// The least and the largest offset along rows or columns, in whole pixels.
    fn ends(&self, axis: usize) -> (i64, i64) {
        let all = || self.0.iter().map(|place| place[axis]);
        (all().fold(0.0, f64::min).floor() as i64, all().fold(0.0, f64::max).ceil() as i64)
    }

    /// How many slices there will be, and their distance in mm.
    fn steps(&self) -> (u64, f64) {
        let mut gaps: Vec<f64> = self.0.windows(2).map(|w| w[1][2] - w[0][2]).collect();
        gaps.sort_by(f64::total_cmp);
        let (Some(&usual), Some(last)) = (gaps.get(gaps.len() / 2), self.0.last()) else { return (1, 1.0) };
        let steps = (last[2] / usual).round().max(1.0);
        ((steps as u64).saturating_add(1), last[2] / steps)
    }

    /// The slices between which `at_mm` lies, and the weight of the second.
    fn around(&self, at_mm: f64) -> ([usize; 2], f64) {
        let above = self.0.partition_point(|place| place[2] <= at_mm).min(self.0.len() - 1);
        let below = above.saturating_sub(1);
        let gap = self.0[above][2] - self.0[below][2];
        let weight = if gap > 0.0 { ((at_mm - self.0[below][2]) / gap).clamp(0.0, 1.0) } else { 0.0 };
        ([below, above], snapped(weight))
    }
}

/// A number that rounding in the file keeps from being whole.
fn snapped(value: f64) -> f64 {
    if (value - value.round()).abs() < SAME { value.round() } else { value }
}

/// A series as a regular grid.
pub(super) struct Regridded {
    slices: Series,
    places: Places,
    header: Header,
    /// Pixels by which the grid begins before the first slice.
    start: [i64; 2],
    nearest: bool,
    /// What stands where no slice is, as it is stored here.
    outside: f64,
    /// Slices of the series by number, the oldest first, as numbers: real ones where slices differ in rescale.
    decoded: Mutex<VecDeque<(u64, Arc<[f64]>)>>,
}

impl Regridded {
    /// Puts the slices of a series at these places onto a grid.
    ///
    /// # Errors
    /// [`Error::Limit`] for a grid of too many voxels.
    pub(super) fn new(slices: Series, places: Places, options: &OpenOptions) -> Result<Self> {
        let mut header = slices.header().clone();
        let own = header.grid.shape.xyz();
        let (x, y, (depth, step_mm)) = (places.ends(0), places.ends(1), places.steps());
        let volumes = header.grid.shape.voxels() / own.iter().product::<u64>().max(1);
        let sides = [own[0].saturating_add(x.1.abs_diff(x.0)), own[1].saturating_add(y.1.abs_diff(y.0))];
        let mut axes = vec![sides[0], sides[1], depth];
        axes.extend((volumes > 1).then_some(volumes));
        let path = slices.path();
        let too_large = || Error::limit(path, "the regular grid has too many voxels", "check the positions of the slices");
        header.grid.shape = Shape::new(&axes).ok_or_else(too_large)?;
        options.limits(super::FORMAT.limits).check_volume(path, &header)?;
        let start = [x.0, y.0];
        header.grid.geometry = header.grid.geometry.as_ref().map(|geometry| upright(geometry, start, step_mm));
        let nearest = header.meaning.labels || options.role != Role::Image;
        if header.meaning.rescale.uniform().is_none() {
            // Numbers of slices mean the same only as real values.
            header.origin.file_dtype.get_or_insert(header.meaning.dtype);
            header.meaning.dtype = Dtype::F32;
            header.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
            header.meaning.padding =
                header.meaning.padding.map(|_| Padding { low: f64::from(f32::MIN), high: f64::from(f32::MIN) });
        }
        let wider = sides != [own[0], own[1]];
        let outside = header.meaning.outside();
        let how = if nearest { "taken from the nearest" } else { "interpolated linearly" };
        let [dx, dy, dz] = [sides[0], sides[1], depth];
        let mut note = format!("slices were {how} onto a regular grid of {dx} x {dy} x {dz}, {step_mm:.3} mm apart");
        if wider {
            let real = header.meaning.rescale.of_slice(0).real(outside);
            let unit = header.meaning.unit.symbol();
            note += &match header.meaning.padding {
                Some(_) => "; what no slice covers is padding".to_owned(),
                None => format!("; what no slice covers is {real} {unit}").trim_end().to_owned(),
            };
        }
        header.origin.notes.push(note);
        Ok(Self { slices, places, header, start, nearest, outside, decoded: Mutex::default() })
    }

    /// Slice `z` of the series as numbers.
    fn decode(&self, z: u64) -> Result<Arc<[f64]>> {
        let lock = || self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = lock().iter().find(|(known, _)| *known == z) {
            return Ok(found.clone());
        }
        let Header { meaning, grid, .. } = self.slices.header();
        let (voxels, size) = (grid.shape.slice_voxels(), meaning.dtype.bytes());
        let mut bytes = vec![0; voxels as usize * size];
        self.slices.read(z * voxels, &mut bytes)?;
        let stored = bytes.chunks_exact(size).map(|one| meaning.dtype.decode(one));
        let slice: Arc<[f64]> = if meaning.rescale.uniform().is_some() {
            stored.collect()
        } else {
            let (rescale, padding) = (meaning.rescale.of_slice(z), meaning.padding);
            let real = |value| if padding.is_some_and(|p| holds(p, value)) { f64::from(f32::MIN) } else { rescale.real(value) };
            stored.map(real).collect()
        };
        let mut kept = lock();
        while kept.len() >= (KEPT / slice.len().max(1)).clamp(2, 8) {
            kept.pop_front();
        }
        kept.push_back((z, slice.clone()));
        Ok(slice)
    }

    /// The grid, its slices made when they are asked for.
    pub(super) fn into_source(self) -> SliceSource {
        SliceSource::new(self.header.clone(), Box::new(move |z| self.slice(z as u64)))
    }

    /// Slice `z` of the grid, through all volumes.
    fn slice(&self, z: u64) -> Result<Volume> {
        let depth = self.header.grid.shape.axis(2);
        let (_, step_mm) = self.places.steps();
        let (between, weight) = self.places.around((z % depth) as f64 * step_mm);
        let first = z / depth * self.slices.header().grid.shape.axis(2);
        let weight = if self.nearest { weight.round() } else { weight };
        let layer = |which: usize| self.layer(first, between[which]);
        let values: Vec<f64> = if weight == 0.0 {
            layer(0)?
        } else if weight == 1.0 {
            layer(1)?
        } else {
            let blend = |(a, b)| self.blend([a, b], weight);
            layer(0)?.into_iter().zip(layer(1)?).map(blend).collect()
        };
        let [width, height, _] = self.header.grid.shape.xyz();
        let dtype = self.header.meaning.dtype;
        let path = self.slices.path();
        let shape = Shape::new(&[width, height])
            .ok_or_else(|| Error::limit(path, "a slice of too many pixels", "check the positions"))?;
        let mut bytes = vec![0; values.len() * dtype.bytes()];
        let covered = |value| if value == UNCOVERED { self.outside } else { value };
        bytes.chunks_exact_mut(dtype.bytes()).zip(values).for_each(|(out, value)| dtype.encode(covered(value), out));
        Volume::new(Header::new(shape, dtype), bytes)
    }

    /// A slice of the volume that begins with slice `first`, moved to where it lies on the grid.
    fn layer(&self, first: u64, slice: usize) -> Result<Vec<f64>> {
        let from = self.decode(first + slice as u64)?;
        let [nx, ny, _] = self.slices.header().grid.shape.xyz();
        let [dx, dy, _] = self.places.0[slice];
        let [width, height, _] = self.header.grid.shape.xyz();
        // Where the grid's pixel lies in the slice: a whole number and a share, the same for all.
        let along = |start: i64, offset: f64| {
            let at = start as f64 - offset;
            let at = if self.nearest { at.round() } else { at };
            (at.floor() as i64, at - at.floor())
        };
        let ((x0, wx), (y0, wy)) = (along(self.start[0], dx), along(self.start[1], dy));
        let get = |x: i64, y: i64| {
            let inside = x >= 0 && y >= 0 && x < nx as i64 && y < ny as i64;
            if inside { from[(y * nx as i64 + x) as usize] } else { UNCOVERED }
        };
        let row = |x: i64, y: i64| if wx == 0.0 { get(x, y) } else { self.blend([get(x, y), get(x + 1, y)], wx) };
        let mut out = Vec::with_capacity((width * height) as usize);
        for y in (0..height as i64).map(|y| y + y0) {
            for x in (0..width as i64).map(|x| x + x0) {
                out.push(if wy == 0.0 { row(x, y) } else { self.blend([row(x, y), row(x, y + 1)], wy) });
            }
        }
        Ok(out)
    }

    /// Between two values; what is no value is not blended with one.
    fn blend(&self, [a, b]: [f64; 2], weight: f64) -> f64 {
        let void = |v: f64| v == UNCOVERED || self.header.meaning.padding.is_some_and(|p| holds(p, v));
        if void(a) || void(b) {
            return if void(a) { a } else { b };
        }
        a + (b - a) * weight
    }
}

fn holds(padding: Padding, value: f64) -> bool {
    padding.low <= value && value <= padding.high
}

/// The geometry without its lean, begun `start` pixels from the first slice.
fn upright(geometry: &Geometry, start: [i64; 2], step_mm: f64) -> Geometry {
    let [sx, sy, _] = geometry.spacing_mm;
    let position = geometry.position.as_ref().map(|p| {
        let [x, y, _] = p.direction;
        let normal = super::frames::cross(x, y);
        let length = dot(normal, normal).sqrt();
        let moved = |a: usize| p.origin_mm[a] + x[a] * sx * start[0] as f64 + y[a] * sy * start[1] as f64;
        Position { origin_mm: std::array::from_fn(moved), direction: [x, y, normal.map(|n| n / length)] }
    });
    Geometry { spacing_mm: [sx, sy, step_mm], position }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(all: &[[f64; 3]]) -> Places {
        Places(all.to_vec())
    }

    #[test]
    fn steps_divide_the_whole_and_fill_gaps() {
        let even = places(&[[0.0; 3], [0.0, 0.0, 2.0], [0.0, 0.0, 4.0], [0.0, 0.0, 8.0]]);
        assert_eq!(even.steps(), (5, 2.0));
        assert_eq!(even.around(6.0), ([2, 3], 0.5));
        assert_eq!(even.around(4.0), ([2, 3], 0.0));
        assert_eq!(even.around(8.0), ([2, 3], 1.0));
        assert_eq!(even.around(3.9999), ([1, 2], 1.0));
        let uneven = places(&[[0.0; 3], [0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 4.5]]);
        assert_eq!(uneven.steps(), (6, 0.9));
        assert_eq!(places(&[[0.0; 3]]).steps(), (1, 1.0));
        assert_eq!(places(&[[0.0; 3]]).around(0.0), ([0, 0], 0.0));
    }

    #[test]
    fn the_grid_is_as_wide_as_all_slices() {
        let leaning = places(&[[0.0; 3], [-0.5, 1.0, 2.0], [-1.0, 2.2, 4.0]]);
        assert_eq!((leaning.ends(0), leaning.ends(1)), ((-1, 0), (0, 3)));
    }
}
