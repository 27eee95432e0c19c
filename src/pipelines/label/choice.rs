//! Which components stay.

use std::cmp::Reverse;
use std::ops::Range;

use crate::ops::components::{ComponentFacts, Numbered};
use crate::volume::Grid;
use crate::{Error, Result};

/// How large a component must be at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LeastSize {
    /// In voxels.
    Voxels(u64),
    /// In mm³.
    CubicMm(f64),
    /// In mm², for a single slice.
    SquareMm(f64),
}

/// What sizes may differ by and still be equal, relative: spacings are rounded in files, to float32.
const ROUNDING: f64 = 1e-6;

impl LeastSize {
    /// The fewest voxels that are as large on this grid.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size in millimetres where the spacing is not known, an area of more than one slice, or a volume of one slice.
    pub fn voxels(self, grid: &Grid) -> Result<u64> {
        let flat = grid.shape.axis(2) == 1;
        let (size, unit) = match self {
            Self::Voxels(voxels) => return Ok(voxels),
            Self::CubicMm(_) if flat => {
                return Err(Error::usage("a volume as the least size in a single slice", "give mm2 or voxels"));
            }
            Self::SquareMm(_) if !flat => {
                return Err(Error::usage("an area as the least size in a volume", "give mL, mm3 or voxels"));
            }
            Self::CubicMm(size) => (size, grid.geometry.as_ref().map(|geometry| geometry.voxel_mm3())),
            Self::SquareMm(size) => (size, grid.geometry.as_ref().map(|g| g.spacing_mm[0] * g.spacing_mm[1])),
        };
        let unit = unit.filter(|unit| *unit > 0.0);
        let unit =
            unit.ok_or_else(|| Error::usage("a least size in millimetres for an image of unknown spacing", "give voxels"))?;
        // Casts of floats stop at the limits of the type.
        Ok((size / unit * (1.0 - ROUNDING)).ceil() as u64)
    }
}

/// The label of the component that holds a voxel, if any does and it lies in these slices, whose runs are at hand.
pub(super) fn holder(numbered: &Numbered, slices: Range<usize>, [x, y, z]: [u64; 3]) -> Option<u32> {
    let [x, y, z] = [x, y, z].map(|at| at as usize);
    let mut found = None;
    if slices.contains(&z) {
        numbered.runs_of(z, |row, start, end, label| {
            if row == y && (start..end).contains(&x) {
                found = Some(label);
            }
        });
    }
    found
}

/// For each component whether it is `wanted` and large enough, and among the `largest` ones of its value that are; of equally large ones those of lower labels are.
pub(super) fn stay(table: &[ComponentFacts], wanted: Vec<bool>, least: u64, largest: Option<usize>) -> Vec<bool> {
    let mut stay = wanted;
    stay.iter_mut().zip(table).for_each(|(stay, facts)| *stay &= facts.voxels >= least);
    let Some(largest) = largest else { return stay };
    let mut order: Vec<usize> = (0..table.len()).filter(|i| stay[*i]).collect();
    // Stable: what is alike stays in the order of labels.
    order.sort_by_key(|i| (table[*i].value, Reverse(table[*i].voxels)));
    let (mut value, mut rank) = (None, 0);
    for i in order {
        if value != Some(table[i].value) {
            (value, rank) = (Some(table[i].value), 0);
        }
        stay[i] &= rank < largest;
        rank += 1;
    }
    stay
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Geometry, Shape};

    #[test]
    fn sizes_become_voxels() {
        let grid = |axes: &[u64], spacing| {
            let mut grid = Grid::new(Shape::new(axes).unwrap());
            grid.geometry = Some(Geometry::spacing(spacing));
            grid
        };
        let volume = grid(&[4, 4, 4], [f64::from(0.7f32), f64::from(0.7f32), 2.0]);
        // 0.98 mm³ a voxel, but for what float32 rounds.
        assert_eq!(LeastSize::CubicMm(9.8).voxels(&volume).unwrap(), 10);
        assert_eq!(LeastSize::CubicMm(9.81).voxels(&volume).unwrap(), 11);
        assert_eq!((LeastSize::CubicMm(0.0).voxels(&volume).unwrap(), LeastSize::Voxels(7).voxels(&volume).unwrap()), (0, 7));
        assert_eq!(LeastSize::CubicMm(1e300).voxels(&volume).unwrap(), u64::MAX);
        let slice = grid(&[4, 4], [0.5, 0.5, 1.0]);
        assert_eq!(LeastSize::SquareMm(1.0).voxels(&slice).unwrap(), 4);
        let unknown = Grid::new(Shape::new(&[4, 4, 4]).unwrap());
        for (size, grid) in
            [(LeastSize::SquareMm(1.0), &volume), (LeastSize::CubicMm(1.0), &slice), (LeastSize::CubicMm(1.0), &unknown)]
        {
            assert!(matches!(size.voxels(grid), Err(Error::Usage { .. })), "{size:?}");
        }
    }
}
