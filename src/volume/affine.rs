//! Affine maps of points in space.

use super::Grid;

/// An affine map of points, applied to (x, y, z, 1): each row gives one coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 4]; 3]);

impl Affine {
    /// Every point stays.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);

    /// Each coordinate scaled, then moved.
    pub fn scaled(scale: [f64; 3], moved: [f64; 3]) -> Self {
        let mut all = Self([[0.0; 4]; 3]);
        for a in 0..3 {
            (all.0[a][a], all.0[a][3]) = (scale[a], moved[a]);
        }
        all
    }

    /// Voxel indices of a grid to LPS+ millimetres; none where its place in the patient is not known.
    pub fn of_grid(grid: &Grid) -> Option<Self> {
        grid.geometry.as_ref()?.lps_matrix().map(Self)
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        self.0.map(|[a, b, c, d]| a * x + b * y + c * z + d)
    }

    /// First `first`, then this.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let column = |c: usize| first.0.map(|row| row[c]);
        let [x, y, z] = [0, 1, 2].map(|c| {
            let [a, b, d] = column(c);
            self.0.map(|row| row[0] * a + row[1] * b + row[2] * d)
        });
        let moved = self.apply(column(3));
        Self(std::array::from_fn(|row| [x[row], y[row], z[row], moved[row]]))
    }

    /// The way back; none where there is none: the map is flat, or holds what is no number.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        let cofactor = |r: usize, c: usize| {
            let ([r1, r2], [c1, c2]) = ([(r + 1) % 3, (r + 2) % 3], [(c + 1) % 3, (c + 2) % 3]);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
        // Against the product of the columns' lengths, so that the unit does not matter.
        let lengths: f64 = (0..3).map(|c| m.iter().map(|row| row[c] * row[c]).sum::<f64>().sqrt()).product();
        if !m.iter().flatten().all(|v| v.is_finite()) || determinant.abs() <= 1e-9 * lengths {
            return None;
        }
        let linear: [[f64; 3]; 3] = std::array::from_fn(|r| std::array::from_fn(|c| cofactor(c, r) / determinant));
        let moved = linear.map(|[a, b, c]| -(a * m[0][3] + b * m[1][3] + c * m[2][3]));
        Some(Self(std::array::from_fn(|r| [linear[r][0], linear[r][1], linear[r][2], moved[r]])))
    }

    /// The same map for coordinates whose first two axes point the other way: from RAS+ to LPS+ and back.
    #[must_use]
    pub fn with_x_and_y_turned(&self) -> Self {
        let sign = |a: usize| if a < 2 { -1.0 } else { 1.0 };
        Self(std::array::from_fn(|r| std::array::from_fn(|c| self.0[r][c] * sign(r) * sign(c))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let map = Affine([[0.5, -0.2, 0.1, 7.0], [0.3, 0.9, 0.0, -20.0], [0.0, 0.4, -2.0, 3.5]]);
        let back = map.inverse().unwrap();
        let same = back.after(&map);
        for (row, want) in same.0.iter().zip(Affine::IDENTITY.0) {
            row.iter().zip(want).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{same:?}"));
        }
        let (p, q) = ([1.0, 2.0, 3.0], map.after(&back).apply([1.0, 2.0, 3.0]));
        assert!(p.iter().zip(q).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(map.with_x_and_y_turned().0[0], [0.5, -0.2, -0.1, -7.0]);
        let tiny = Affine::scaled([1e-7; 3], [0.0; 3]);
        assert!(tiny.inverse().is_some());
    }

    #[test]
    fn what_is_flat_has_no_way_back() {
        assert!(Affine([[1.0, 2.0, 0.0, 0.0], [2.0, 4.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]).inverse().is_none());
        assert!(Affine([[f64::NAN; 4]; 3]).inverse().is_none());
        assert!(Affine([[0.0; 4]; 3]).inverse().is_none());
    }
}
