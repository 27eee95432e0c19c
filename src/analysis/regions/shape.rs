//! The shape of a region.

use super::{CubeParts, FarthestPair};

/// Sums over the voxels of a region, exact: from them come centre and axes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegionSums {
    pub voxels: u64,
    /// Of x, y and z.
    pub places: [u128; 3],
    /// Of xx, yy, zz, xy, xz and yz.
    pub products: [u128; 6],
}

impl RegionSums {
    /// Adds a run along x of `n` voxels from (x, y, z) on.
    pub fn add_run(&mut self, [x, y, z]: [u64; 3], n: u64) {
        let [x, y, z, n] = [x, y, z, n].map(u128::from);
        let own = n * x + n * (n - 1) / 2;
        let squares = n * x * x + x * n * (n - 1) + (n - 1) * n * (2 * n - 1) / 6;
        self.voxels += n as u64;
        let places = [own, n * y, n * z];
        let products = [squares, n * y * y, n * z * z, own * y, own * z, n * y * z];
        self.places.iter_mut().zip(places).for_each(|(sum, own)| *sum += own);
        self.products.iter_mut().zip(products).for_each(|(sum, own)| *sum += own);
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: &Self) {
        self.voxels += other.voxels;
        self.places.iter_mut().zip(other.places).for_each(|(sum, own)| *sum += own);
        self.products.iter_mut().zip(other.products).for_each(|(sum, own)| *sum += own);
    }

    /// The mean place of its voxels, as indices.
    pub fn centre(&self) -> [f64; 3] {
        self.places.map(|sum| sum as f64 / self.voxels as f64)
    }

    /// The covariance of places in mm² over n - 1, as IBSI's reference values have it: xx, yy, zz, xy, xz, yz. None of a single voxel.
    fn covariance(&self, spacing_mm: [f64; 3]) -> Option<[f64; 6]> {
        const PAIRS: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];
        let n = u128::from(self.voxels);
        let rest = n.checked_sub(1).filter(|rest| *rest > 0)?;
        Some(std::array::from_fn(|i| {
            let (a, b) = PAIRS[i];
            // n Σab - Σa Σb in whole numbers.
            let (plus, minus) = (n * self.products[i], self.places[a] * self.places[b]);
            let spread = if plus >= minus { (plus - minus) as f64 } else { -((minus - plus) as f64) };
            spread / n as f64 / rest as f64 * spacing_mm[a] * spacing_mm[b]
        }))
    }
}

/// IBSI's morphological features (section 3.1) that follow from mesh, voxels and axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapeFeatures {
    /// Inside of the mesh.
    pub volume_mesh_mm3: f64,
    /// Of the voxels.
    pub volume_mm3: f64,
    pub surface_mm2: f64,
    /// Per mm.
    pub surface_to_volume: f64,
    pub compactness_1: f64,
    pub compactness_2: f64,
    pub spherical_disproportion: f64,
    pub sphericity: f64,
    pub asphericity: f64,
    /// Between vertices of the mesh.
    pub max_diameter_mm: f64,
    /// Four times the root of the greatest eigenvalue of the covariance of places; none of a single voxel.
    pub major_axis_mm: Option<f64>,
    pub minor_axis_mm: Option<f64>,
    pub least_axis_mm: Option<f64>,
    /// Minor axis over major axis.
    pub elongation: Option<f64>,
    /// Least axis over major axis.
    pub flatness: Option<f64>,
}

impl ShapeFeatures {
    /// From sums over voxels that lie `spacing_mm` apart, and the sums of [`CubeParts`] of all cubes: area, and volume as [`CubeParts::moment`] says.
    pub fn new(
        sums: &RegionSums,
        (surface_mm2, volume_mesh_mm3): (f64, f64),
        farthest: FarthestPair,
        spacing_mm: [f64; 3],
    ) -> Self {
        use std::f64::consts::PI;
        let (area, volume) = (surface_mm2, volume_mesh_mm3);
        let sphericity = (36.0 * PI * volume * volume).cbrt() / area;
        let compactness_2 = 36.0 * PI * volume * volume / area.powi(3);
        let axes = sums.covariance(spacing_mm).map(|covariance| eigenvalues(covariance).map(|value| 4.0 * value.max(0.0).sqrt()));
        let share = |of: usize| axes.filter(|axes| axes[0] > 0.0).map(|axes| axes[of] / axes[0]);
        Self {
            volume_mesh_mm3: volume,
            volume_mm3: sums.voxels as f64 * spacing_mm.iter().product::<f64>(),
            surface_mm2: area,
            surface_to_volume: area / volume,
            compactness_1: volume / (PI.sqrt() * area.powf(1.5)),
            compactness_2,
            spherical_disproportion: 1.0 / sphericity,
            sphericity,
            asphericity: 1.0 / sphericity - 1.0,
            max_diameter_mm: farthest.mm,
            major_axis_mm: axes.map(|a| a[0]),
            minor_axis_mm: axes.map(|a| a[1]),
            least_axis_mm: axes.map(|a| a[2]),
            elongation: share(1),
            flatness: share(2),
        }
    }
}

impl CubeParts {
    /// Adds the surface of `n` cubes alike whose corner 0 lies at `x_mm`, to area and volume.
    pub fn add_to(&self, (area, volume): &mut (f64, f64), x_mm: f64) {
        *area += self.area;
        *volume += self.facing * x_mm + self.moment;
    }
}

/// The eigenvalues of a symmetric matrix, given as xx, yy, zz, xy, xz, yz, the greatest first: Jacobi's rotations.
fn eigenvalues([xx, yy, zz, xy, xz, yz]: [f64; 6]) -> [f64; 3] {
    let mut m = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]];
    for _ in 0..64 {
        let off = |p: usize, q: usize| m[p][q].abs();
        let (p, q) =
            [(0, 1), (0, 2), (1, 2)].into_iter().max_by(|a, b| off(a.0, a.1).total_cmp(&off(b.0, b.1))).unwrap_or((0, 1));
        if m[p][q].abs() <= 1e-17 * (m[p][p].abs() + m[q][q].abs()) {
            break;
        }
        let half = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
        let t = half.signum() / (half.abs() + half.hypot(1.0));
        let c = 1.0 / t.hypot(1.0);
        let s = t * c;
        let rotated = |m: [[f64; 3]; 3], rows: bool| {
            let mut out = m;
            for k in 0..3 {
                let (a, b) = if rows { (m[p][k], m[q][k]) } else { (m[k][p], m[k][q]) };
                let (new_a, new_b) = (c * a - s * b, s * a + c * b);
                if rows {
                    (out[p][k], out[q][k]) = (new_a, new_b);
                } else {
                    (out[k][p], out[k][q]) = (new_a, new_b);
                }
            }
            out
        };
        m = rotated(rotated(m, true), false);
    }
    let mut values = [m[0][0], m[1][1], m[2][2]];
    values.sort_by(|a, b| b.total_cmp(a));
    values
}
