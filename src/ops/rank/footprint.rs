//! Which voxels are a footprint: runs along x, one for each row that it cuts.

use std::ops::RangeInclusive;

use crate::{Error, Result};

/// No footprint goes further from its centre than this, along any axis.
pub const MAX_REACH: u32 = 10;

/// What a radius in mm forgives: 2.1 mm holds three steps of 0.7 mm, though 3 * 0.7 > 2.1 in floats.
const TOLERANCE: f64 = 1e-9;

/// The form of a footprint of given reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FootprintShape {
    /// All voxels within reach of each axis.
    Box,
    /// Those with (dx/rx)² + (dy/ry)² + (dz/rz)² ≤ 1: of one reach r along all axes, dx² + dy² + dz² ≤ r². An axis of reach 0 is flat.
    Ball,
}

/// A run of the footprint along x, from -`half` to +`half`, in one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FootprintRow {
    /// The row's slice, counted from the centre's.
    pub dz: i32,
    /// The row's place in its slice, counted from the centre's.
    pub dy: i32,
    /// How far the run goes to both sides of the centre.
    pub half: u32,
}

/// The voxels around a centre that an operation looks at, the same at every place and on both sides of each axis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Footprint {
    reach: [u32; 3],
    rows: Vec<FootprintRow>,
}

impl Footprint {
    /// A footprint that reaches so many voxels from its centre, along x, y and z. A reach of 0 along all axes is the centre alone.
    ///
    /// # Errors
    /// [`Error::Usage`] if a reach is greater than [`MAX_REACH`].
    pub fn new(reach: [u32; 3], shape: FootprintShape) -> Result<Self> {
        check(reach)?;
        let axis = |a: usize, d: i32| {
            u64::from(d.unsigned_abs()).pow(2) * reach_squared(reach[(a + 1) % 3]) * reach_squared(reach[(a + 2) % 3])
        };
        let limit: u64 = reach.iter().map(|r| reach_squared(*r)).product();
        let inside = |d: [i32; 3]| shape == FootprintShape::Box || (0..3).map(|a| axis(a, d[a])).sum::<u64>() <= limit;
        Ok(Self { reach, rows: rows(reach, inside) })
    }

    /// A footprint of so many mm on each side, where voxels lie `spacing_mm` apart along x, y and z: of a ball the voxels whose centre is no further than that
    /// from the middle one's. Along axes that are not `there` it is flat. Distances are compared in floats; the reach is taken as 1e-9 of itself longer, so that
    /// what decimal numbers say holds.
    ///
    /// # Errors
    /// [`Error::Usage`] if a number is not positive and finite, the footprint would be its centre alone, or would go further than [`MAX_REACH`].
    pub fn in_mm(reach_mm: f64, spacing_mm: [f64; 3], there: [bool; 3], shape: FootprintShape) -> Result<Self> {
        if [reach_mm, spacing_mm[0], spacing_mm[1], spacing_mm[2]].iter().any(|v| !v.is_finite() || *v <= 0.0) {
            return Err(Error::usage(
                format!("a reach of {reach_mm} mm among voxels of {spacing_mm:?} mm"),
                "give positive numbers",
            ));
        }
        let wide = reach_mm * (1.0 + TOLERANCE);
        let within = |d: [u32; 3]| (0..3).map(|a| (f64::from(d[a]) * spacing_mm[a]).powi(2)).sum::<f64>() <= wide * wide;
        let along = |axis: usize, d: u32| within(std::array::from_fn(|a| if a == axis { d } else { 0 }));
        let reach_of = |axis: usize| (1..=MAX_REACH + 1).take_while(|d| there[axis] && along(axis, *d)).last().unwrap_or(0);
        let reach = std::array::from_fn(reach_of);
        check(reach)?;
        if reach == [0; 3] {
            return Err(Error::usage(
                format!("a reach of {reach_mm} mm, where the nearest voxels are further apart"),
                "give a longer one",
            ));
        }
        Ok(Self { reach, rows: rows(reach, |d| shape == FootprintShape::Box || within(d.map(i32::unsigned_abs))) })
    }

    /// How many voxels the footprint goes from its centre along x, y and z.
    pub fn reach(&self) -> [u32; 3] {
        self.reach
    }

    /// How many voxels the footprint has: odd, as it is the same on both sides.
    pub fn count(&self) -> u32 {
        self.rows.iter().map(|row| 2 * row.half + 1).sum()
    }

    /// The runs that make up the footprint, by z, then y.
    pub fn rows(&self) -> &[FootprintRow] {
        &self.rows
    }

    /// The box of 3 x 3 x 3 voxels.
    pub fn nearest_27() -> Self {
        Self::new([1; 3], FootprintShape::Box).expect("a small reach")
    }

    /// Whether a rank, from 0, is that of the least or of the greatest value.
    pub fn is_end(&self, rank: u32) -> bool {
        rank == 0 || rank + 1 == self.count()
    }

    /// Whether it holds all voxels within its reach; so do balls that are flat along two axes.
    pub fn is_box(&self) -> bool {
        self.count() == self.reach.iter().map(|r| 2 * r + 1).product::<u32>()
    }

    /// Whether it is small enough for the CPU to sort all its voxels: a box of 3 x 3 or of 3 x 3 x 3.
    pub fn is_sorted(&self) -> bool {
        self.is_box() && matches!(self.reach, [1, 1, 0 | 1])
    }
}

fn check(reach: [u32; 3]) -> Result<()> {
    match reach.iter().max() {
        Some(most) if *most > MAX_REACH => {
            Err(Error::usage(format!("a footprint that reaches {most} voxels"), format!("{MAX_REACH} are the most")))
        }
        _ => Ok(()),
    }
}

/// A flat axis is a factor of one, since no voxel of the footprint leaves the plane.
fn reach_squared(reach: u32) -> u64 {
    u64::from(reach.max(1)).pow(2)
}

/// Every row that holds a voxel of the footprint. Runs are symmetric and without gaps as the footprints are convex.
fn rows(reach: [u32; 3], inside: impl Fn([i32; 3]) -> bool) -> Vec<FootprintRow> {
    let both = |r: u32| -> RangeInclusive<i32> { -(r as i32)..=r as i32 };
    let half = |dz: i32, dy: i32| (0..=reach[0]).rev().find(|dx| inside([*dx as i32, dy, dz]));
    both(reach[2])
        .flat_map(|dz| both(reach[1]).map(move |dy| (dz, dy)))
        .filter_map(|(dz, dy)| Some(FootprintRow { dz, dy, half: half(dz, dy)? }))
        .collect()
}
