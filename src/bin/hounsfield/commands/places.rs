//! Places that a command line names, on the grid of an image: boxes, balls and points.

use std::ops::Range;

use hounsfield::views::Zone;
use hounsfield::volume::{Affine, Grid};
use hounsfield::{Error, Result};

use crate::args::lengths::{Ball, Extents, Point};

/// A box in voxels; it may reach beyond the image.
pub fn voxels_of(extents: &Extents, grid: &Grid) -> Result<[Range<i64>; 3]> {
    let own = grid.shape.xyz();
    if !extents.in_mm {
        return Ok([0, 1, 2].map(|a| extents.along[a].map_or(0..own[a] as i64, |(low, high)| low as i64..high as i64)));
    }
    let to_mm = placed(grid, "a box in mm", "give the box in voxels")?;
    let nowhere = || Error::usage("the box in mm holds no voxel of the image", BOUNDS);
    let back = to_mm.inverse().ok_or_else(nowhere)?;
    // The corners of the box along the patient's axes, in voxels; an open axis reaches as far as the image does.
    let corner = |map: &Affine, i: usize, ends: &[(f64, f64); 3]| {
        map.apply(std::array::from_fn(|a| if i >> a & 1 == 1 { ends[a].1 } else { ends[a].0 }))
    };
    let bounds = |map: &Affine, ends: &[(f64, f64); 3]| {
        let mut all = [(f64::INFINITY, f64::NEG_INFINITY); 3];
        for point in (0..8).map(|i| corner(map, i, ends)) {
            all.iter_mut().zip(point).for_each(|(end, p)| *end = (end.0.min(p), end.1.max(p)));
        }
        all
    };
    let image = bounds(&to_mm, &own.map(|n| (0.0, (n - 1) as f64)));
    let ends = [0, 1, 2].map(|a| extents.along[a].unwrap_or(image[a]));
    let voxels = bounds(&back, &ends);
    // What rounding moves by less than a thousandth of a voxel.
    let found = [0, 1, 2].map(|a| {
        let (low, high) = ((voxels[a].0 - 1e-3).ceil(), (voxels[a].1 + 1e-3).floor());
        (low as i64).max(0)..(high as i64 + 1).min(own[a] as i64)
    });
    if found.iter().any(Range::is_empty) { Err(nowhere()) } else { Ok(found) }
}

/// The part of a box that lies in the image.
pub fn boxed(extents: &Extents, grid: &Grid) -> Result<Zone> {
    let (wanted, own) = (voxels_of(extents, grid)?, grid.shape.xyz());
    let inside = [0, 1, 2].map(|a| wanted[a].start.clamp(0, own[a] as i64) as u64..wanted[a].end.clamp(0, own[a] as i64) as u64);
    if inside.iter().any(Range::is_empty) {
        let what = format!("the box holds no voxel of the image of {}", grid.shape);
        return Err(Error::usage(what, "give one that does: voxels are counted from 0"));
    }
    Ok(Zone::Box(inside))
}

/// A ball around a point of the patient.
pub fn ball(ball: &Ball, grid: &Grid) -> Result<Zone> {
    let to_mm = placed(grid, "a ball", "give --box in voxels")?;
    let within = Zone::Ball { to_mm, centre_mm: ball.centre_mm, radius_mm: ball.radius_mm };
    let [nx, ny, nz] = grid.shape.xyz();
    let mut rows = (0..nz).flat_map(|z| (0..ny).map(move |y| [y, z]));
    if rows.all(|row| within.of_row(row, nx).is_empty()) {
        return Err(Error::usage("the ball holds no voxel of the image", BOUNDS));
    }
    Ok(within)
}

/// The voxel at a point.
pub fn voxel_at(point: &Point, grid: &Grid) -> Result<[u64; 3]> {
    let at = if point.in_mm {
        let to_mm = placed(grid, "a place in mm", "give it in voxels")?;
        to_mm.inverse().map_or([f64::NAN; 3], |back| back.apply(point.at))
    } else {
        point.at
    };
    let (rounded, own) = (at.map(f64::round), grid.shape.xyz());
    if (0..3).any(|a| !(0.0..own[a] as f64).contains(&rounded[a])) {
        let unit = if point.in_mm { " mm" } else { "" };
        let what = format!("{:?}{unit} lies outside of the image of {}", point.at, grid.shape);
        return Err(Error::usage(what, BOUNDS));
    }
    Ok(rounded.map(|at| at as u64))
}

const BOUNDS: &str = "see where it lies with `hounsfield info`; coordinates are LPS+";

fn placed(grid: &Grid, what: &str, remedy: &'static str) -> Result<Affine> {
    Affine::of_grid(grid).ok_or_else(|| Error::usage(format!("{what} for an image that does not say where it lies"), remedy))
}
