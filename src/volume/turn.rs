//! Whether two volumes lie on one grid, whatever the order of their axes.

use super::Grid;
use crate::{Error, Result};

/// How the axes of a mask run through the image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// For each axis of the image: the mask's axis, and whether it runs the other way.
    axes: [(usize, bool); 3],
    /// The mask is one volume, the image several.
    repeated: bool,
}

const STRAIGHT: [(usize, bool); 3] = [(0, false), (1, false), (2, false)];
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

impl Turn {
    /// How to read `what` (a mask) for an image.
    ///
    /// Where both have a position in the patient, axes may be flipped and permuted; else the shapes must agree as they are. A mask of three axes
    /// serves all volumes of a time series.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both geometries, if they do not lie on one grid.
    pub fn of(what: &str, mask: &Grid, image: &Grid) -> Result<Self> {
        let (own, wanted) = (mask.shape.volumes(), image.shape.volumes());
        let shapes = || {
            Err(Error::usage(
                format!("the {what} has {} voxels, the image {}", mask.shape, image.shape),
                format!("give a {what} of the image's shape"),
            ))
        };
        if own != wanted && own != 1 {
            return shapes();
        }
        let axes = match (matrix(mask), matrix(image)) {
            (Some(m), Some(i)) => {
                let fits = |axes: &[(usize, bool); 3]| {
                    (0..3).all(|a| mask.shape.axis(axes[a].0) == image.shape.axis(a)) && together(&m, &i, axes, image)
                };
                turns().find(fits)
            }
            _ => return if mask.shape.xyz() == image.shape.xyz() { Ok(Self::new(STRAIGHT, own, wanted)) } else { shapes() },
        };
        match axes {
            Some(axes) => Ok(Self::new(axes, own, wanted)),
            None => Err(Error::usage(
                format!("{what} and image lie on different grids: {} and {}", mask, image),
                format!("resample the {what} to the image"),
            )),
        }
    }

    fn new(axes: [(usize, bool); 3], own: u64, wanted: u64) -> Self {
        Self { axes, repeated: own != wanted }
    }

    /// Whether voxel n of the mask is voxel n of the image.
    pub fn is_straight(self) -> bool {
        self.axes == STRAIGHT && !self.repeated
    }

    /// Whether the axes differ.
    pub fn reorients(self) -> bool {
        self.axes != STRAIGHT
    }

    /// For each axis of the image: the mask's axis, and whether it runs the other way.
    pub fn axes(self) -> [(usize, bool); 3] {
        self.axes
    }

    /// Whether the mask is one volume and the image several.
    pub fn repeats(self) -> bool {
        self.repeated
    }
}

/// All 48, the plain one first.
fn turns() -> impl Iterator<Item = [(usize, bool); 3]> {
    ORDERS.into_iter().flat_map(|order| (0..8u8).map(move |flips| std::array::from_fn(|a| (order[a], flips >> a & 1 == 1))))
}

type Matrix = [[f64; 4]; 3];

fn matrix(grid: &Grid) -> Option<Matrix> {
    grid.geometry.as_ref()?.lps_matrix()
}

/// Whether no voxel of the image lies more than a hundredth of its finest spacing from the mask's voxel of the same place.
fn together(mask: &Matrix, image: &Matrix, axes: &[(usize, bool); 3], grid: &Grid) -> bool {
    let shape = grid.shape.xyz();
    let finest = (0..3).map(|a| (0..3).map(|row| image[row][a].powi(2)).sum::<f64>().sqrt()).fold(f64::INFINITY, f64::min);
    (0..3).all(|row| {
        let mut origin = mask[row][3] - image[row][3];
        let mut far = 0.0;
        for (a, (axis, flipped)) in axes.iter().enumerate() {
            let last = (shape[a] - 1) as f64;
            let step = if *flipped { -mask[row][*axis] } else { mask[row][*axis] };
            origin += if *flipped { mask[row][*axis] * last } else { 0.0 };
            far += (step - image[row][a]).abs() * last;
        }
        origin.abs() + far <= 0.01 * finest
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Geometry, Shape};

    const IMAGE: [u64; 3] = [5, 3, 4];

    /// An oblique grid with a spacing of its own along each axis.
    fn matrix_of_image() -> Matrix {
        let (s, c) = (0.3f64.sin(), 0.3f64.cos());
        [[0.7 * c, -0.9 * s, 0.0, -11.0], [0.7 * s, 0.9 * c, 0.0, 20.0], [0.0, 0.0, 2.5, 5.0]]
    }

    fn grid(axes: &[u64], matrix: Option<Matrix>) -> Grid {
        Grid { geometry: matrix.map(|m| Geometry::from_lps_matrix(m).unwrap()), ..Grid::new(Shape::new(axes).unwrap()) }
    }

    #[test]
    fn other_grids_are_refused_with_both_geometries() {
        let image = grid(&IMAGE, Some(matrix_of_image()));
        let refused = |mask: &Grid| Turn::of("mask", mask, &image).unwrap_err().to_string();
        let mut shifted = matrix_of_image();
        shifted[2][3] += 0.02;
        let text = refused(&grid(&IMAGE, Some(shifted)));
        assert!(text.contains("5.02") && text.contains("5.00") && text.contains("0.700 x 0.900 x 2.500"), "{text}");
        let mut stretched = matrix_of_image();
        stretched[2][2] *= 1.01;
        refused(&grid(&IMAGE, Some(stretched)));
        refused(&grid(&[5, 3, 5], Some(matrix_of_image())));
        refused(&grid(&[5, 3, 4, 2], Some(matrix_of_image())));
        // A permutation that fits the shape alone.
        assert!(Turn::of("mask", &grid(&[3, 5, 4], None), &image).unwrap_err().to_string().contains("3 x 5 x 4"));
        // A hundredth of a voxel is a matter of rounding in files; no position is no contradiction.
        let mut close = matrix_of_image();
        close[0][3] += 0.005;
        assert!(Turn::of("mask", &grid(&IMAGE, Some(close)), &image).unwrap().is_straight());
        assert!(Turn::of("mask", &grid(&IMAGE, None), &image).unwrap().is_straight());
        let flat = grid(&[6, 7], None);
        assert!(Turn::of("mask", &grid(&[6, 7, 1], None), &flat).unwrap().is_straight());
    }
}
