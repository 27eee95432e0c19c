//! Where voxels lie, in millimetres.
//!
//! One convention: patient coordinates are LPS+ (x grows to the patient's Left, y to the Posterior, z to the Superior), as in
//! DICOM and ITK. NIfTI's RAS+ is converted at the io border. An orientation code such as `LPS` names the directions in
//! which the voxel axes x, y, z *point* (nibabel's way of reading it).

/// The geometry of a volume: spacing is always known once a geometry exists, the position in the patient only sometimes.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// Distance of neighbouring voxel centres along x, y, z in mm; positive and finite.
    pub spacing_mm: [f64; 3],
    /// Position in the patient, where the file gives it.
    pub position: Option<Position>,
}

/// Position and orientation of the voxel grid in the patient, LPS+ millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Centre of voxel (0, 0, 0).
    pub origin_mm: [f64; 3],
    /// `direction[a]` is the unit vector along which voxel axis `a` points. Not necessarily orthogonal (tilted gantry).
    pub direction: [[f64; 3]; 3],
}

impl Geometry {
    /// Spacing alone.
    pub fn spacing(spacing_mm: [f64; 3]) -> Self {
        Self { spacing_mm, position: None }
    }

    /// The volume of one voxel in mm³: the determinant of the voxel-to-patient matrix, or the product of the spacings.
    pub fn voxel_mm3(&self) -> f64 {
        let product: f64 = self.spacing_mm.iter().product();
        match &self.position {
            Some(p) => product * determinant(&p.direction).abs(),
            None => product,
        }
    }

    /// Extent of the grid along each axis in mm: voxels × spacing.
    pub fn field_of_view_mm(&self, shape: [u64; 3]) -> [f64; 3] {
        std::array::from_fn(|a| self.spacing_mm[a] * shape[a] as f64)
    }

    /// The 3 × 4 matrix that takes voxel indices (i, j, k, 1) to LPS+ millimetres.
    pub fn lps_matrix(&self) -> Option<[[f64; 4]; 3]> {
        let p = self.position.as_ref()?;
        Some(std::array::from_fn(|row| {
            let step = |axis: usize| p.direction[axis][row] * self.spacing_mm[axis];
            [step(0), step(1), step(2), p.origin_mm[row]]
        }))
    }

    /// The geometry whose voxel-to-LPS+ matrix is given; none if a column is zero or not finite.
    pub fn from_lps_matrix(matrix: [[f64; 4]; 3]) -> Option<Self> {
        let mut spacing_mm = [0.0; 3];
        let mut direction = [[0.0; 3]; 3];
        for axis in 0..3 {
            let column: [f64; 3] = std::array::from_fn(|row| matrix[row][axis]);
            let length = column.iter().map(|c| c * c).sum::<f64>().sqrt();
            if !(length.is_finite() && length > 0.0) {
                return None;
            }
            spacing_mm[axis] = length;
            direction[axis] = column.map(|c| c / length);
        }
        let origin_mm = [matrix[0][3], matrix[1][3], matrix[2][3]];
        let flat = determinant(&direction).abs() < 1e-6;
        if flat || origin_mm.iter().any(|o| !o.is_finite()) {
            return None;
        }
        Some(Self { spacing_mm, position: Some(Position { origin_mm, direction }) })
    }
}

impl Position {
    /// Three letters naming the direction in which each voxel axis points: L or R, P or A, S or I, nearest axis first.
    pub fn orientation_code(&self) -> String {
        self.closest_axes()
            .iter()
            .map(|&(axis, positive)| match (axis, positive) {
                (0, true) => 'L',
                (0, false) => 'R',
                (1, true) => 'P',
                (1, false) => 'A',
                (_, true) => 'S',
                (_, false) => 'I',
            })
            .collect()
    }

    /// For each voxel axis: the patient axis (0 = L, 1 = P, 2 = S) it runs along most nearly, each used once, and whether it
    /// points to the positive end.
    pub fn closest_axes(&self) -> [(usize, bool); 3] {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let fit = |order: &[usize; 3]| -> f64 { (0..3).map(|a| self.direction[a][order[a]].abs()).sum() };
        let mut best = ORDERS[0];
        for order in ORDERS {
            if fit(&order) > fit(&best) + 1e-12 {
                best = order;
            }
        }
        std::array::from_fn(|a| (best[a], self.direction[a][best[a]] >= 0.0))
    }
}

fn determinant(d: &[[f64; 3]; 3]) -> f64 {
    d[0][0] * (d[1][1] * d[2][2] - d[1][2] * d[2][1]) - d[0][1] * (d[1][0] * d[2][2] - d[1][2] * d[2][0])
        + d[0][2] * (d[1][0] * d[2][1] - d[1][1] * d[2][0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axial_ct_points_left_posterior_superior() {
        let matrix = [[0.7, 0.0, 0.0, -180.0], [0.0, 0.7, 0.0, -190.0], [0.0, 0.0, 2.5, 40.0]];
        let g = Geometry::from_lps_matrix(matrix).unwrap();
        assert_eq!(g.spacing_mm, [0.7, 0.7, 2.5]);
        assert_eq!(g.position.as_ref().unwrap().orientation_code(), "LPS");
        assert_eq!(g.lps_matrix().unwrap(), matrix);
        assert!((g.voxel_mm3() - 0.7 * 0.7 * 2.5).abs() < 1e-12);
    }

    #[test]
    fn a_degenerate_matrix_is_no_geometry() {
        assert!(Geometry::from_lps_matrix([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]).is_none());
        assert!(Geometry::from_lps_matrix([[f64::NAN; 4]; 3]).is_none());
    }

    #[test]
    fn an_oblique_axis_takes_the_nearest_free_letter() {
        let s = std::f64::consts::FRAC_1_SQRT_2;
        let p = Position { origin_mm: [0.0; 3], direction: [[-s, s * 0.99, 0.0], [0.0, 0.0, -1.0], [s, s, 0.0]] };
        assert_eq!(p.orientation_code(), "RIP");
    }
}
