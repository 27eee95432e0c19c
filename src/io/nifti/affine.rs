//! NIfTI's three ways of saying where voxels lie, to and from one [`Geometry`].
//!
//! NIfTI counts to the patient's Right, Anterior, Superior; a [`Geometry`] to Left, Posterior, Superior: the first two rows
//! change sign on the way in and on the way out.

use super::fields::Fields;
use crate::volume::Geometry;

type Affine = [[f64; 4]; 3];

/// The geometry that a header gives, in mm, with notes on what was odd.
pub(super) fn read(fields: &Fields, mm_per_unit: f64, notes: &mut Vec<String>) -> Option<Geometry> {
    let mut note = |text: &str| notes.push(text.to_owned());
    let geometry = |matrix: &Affine| Geometry::from_lps_matrix(flip(matrix, mm_per_unit));
    let sform = (fields.sform_code > 0).then_some(fields.srow);
    let qform = (fields.qform_code > 0).then(|| qform_matrix(fields));
    match (sform.as_ref().and_then(geometry), qform.as_ref().and_then(geometry)) {
        (Some(s), q) => {
            if let Some(text) = q.and_then(|q| disagreement(&s, &q, fields)) {
                note(&format!("sform and qform disagree ({text}); the sform is used"));
            }
            return Some(s);
        }
        (None, Some(q)) => {
            if sform.is_some() {
                note("the sform is degenerate; the qform is used");
            }
            return Some(q);
        }
        (None, None) if sform.is_some() || qform.is_some() => note("the orientation matrix is degenerate; orientation unknown"),
        (None, None) => note("the header gives no orientation"),
    }
    spacing(fields, mm_per_unit, notes)
}

/// The spacing alone.
pub(super) fn spacing(fields: &Fields, mm_per_unit: f64, notes: &mut Vec<String>) -> Option<Geometry> {
    let spacing_mm: [f64; 3] = std::array::from_fn(|a| {
        // Axes that the image does not have carry no spacing; those of an image are one slice thick.
        let given = fields.pixdim[a + 1].abs() * mm_per_unit;
        if fields.dim[0] <= a as i64 && !(given.is_finite() && given > 0.0) { 1.0 } else { given }
    });
    if spacing_mm.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Some(Geometry::spacing(spacing_mm));
    }
    notes.push("the voxel spacing is zero or not a number; spacing unknown".into());
    None
}

/// How far two places of one voxel may lie apart before it is said.
const TOLERANCE_MM: f64 = 0.1;

/// How two geometries of one grid differ, if they do: in orientation, or at some corner by more than a tenth of a millimetre (and more than float32 keeps
/// of a far origin).
fn disagreement(a: &Geometry, b: &Geometry, fields: &Fields) -> Option<String> {
    let (ma, mb) = (a.lps_matrix()?, b.lps_matrix()?);
    let codes = [a, b].map(|g| g.position.as_ref().map(|p| p.orientation_code()).unwrap_or_default());
    let last: [f64; 3] = std::array::from_fn(|axis| (fields.dim[axis + 1].max(1) - 1) as f64);
    let place = |m: &Affine, corner: u8, row: usize| {
        (0..3).fold(m[row][3], |sum, axis| sum + if corner >> axis & 1 == 1 { m[row][axis] * last[axis] } else { 0.0 })
    };
    let (mut apart, mut far) = (0.0f64, 0.0f64);
    for corner in 0..8 {
        let moved: f64 = (0..3).map(|row| (place(&ma, corner, row) - place(&mb, corner, row)).powi(2)).sum();
        apart = apart.max(moved.sqrt());
        far = (0..3).fold(far, |far, row| far.max(place(&ma, corner, row).abs()));
    }
    if codes[0] != codes[1] {
        return Some(format!("they point to {} and {}, up to {apart:.1} mm apart", codes[0], codes[1]));
    }
    (apart > TOLERANCE_MM.max(1e-5 * far)).then(|| format!("up to {apart:.2} mm apart"))
}

fn flip(matrix: &Affine, scale: f64) -> Affine {
    std::array::from_fn(|row| matrix[row].map(|v| if row < 2 { -v * scale } else { v * scale }))
}

/// Method 2 of the standard: a rotation as three parts of a unit quaternion, the spacings, and a handedness in pixdim[0].
fn qform_matrix(fields: &Fields) -> Affine {
    let [mut b, mut c, mut d] = fields.quaternion;
    let squares = b * b + c * c + d * d;
    let a = if squares > 1.0 {
        // Rounding, or nonsense: the nearest rotation is a half turn about the given axis.
        let length = squares.sqrt();
        (b, c, d) = (b / length, c / length, d / length);
        0.0
    } else {
        (1.0 - squares).sqrt()
    };
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - c * c - b * b],
    ];
    let handedness = if fields.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let scale = [fields.pixdim[1].abs(), fields.pixdim[2].abs(), fields.pixdim[3].abs() * handedness];
    std::array::from_fn(|row| {
        [rotation[row][0] * scale[0], rotation[row][1] * scale[1], rotation[row][2] * scale[2], fields.offset[row]]
    })
}

/// Puts a geometry into a header: both forms where the position is known and the axes are orthogonal, the sform alone where
/// they are not (a qform cannot shear), the spacing alone where there is no position.
pub(super) fn write(geometry: Option<&Geometry>, fields: &mut Fields) {
    let Some(geometry) = geometry else { return };
    fields.pixdim[1..4].copy_from_slice(&geometry.spacing_mm);
    let Some(matrix) = geometry.lps_matrix() else { return };
    fields.srow = flip(&matrix, 1.0);
    fields.sform_code = 1;
    fields.offset = std::array::from_fn(|row| fields.srow[row][3]);
    // Columns are the directions of the voxel axes, in RAS+.
    let columns: [[f64; 3]; 3] = std::array::from_fn(|a| std::array::from_fn(|row| fields.srow[row][a] / geometry.spacing_mm[a]));
    let skewed = [(0, 1), (0, 2), (1, 2)].iter().any(|&(a, b)| dot(columns[a], columns[b]).abs() > 1e-4);
    if skewed {
        return;
    }
    // The first axis is kept and the others are made exactly orthogonal to it: within 1e-4 there is nothing to distribute.
    let x = columns[0];
    let xy = dot(x, columns[1]);
    let y = unit(std::array::from_fn(|i| columns[1][i] - xy * x[i]));
    let z = cross(x, y);
    fields.pixdim[0] = if dot(z, columns[2]) < 0.0 { -1.0 } else { 1.0 };
    fields.quaternion = quaternion([x, y, z]);
    fields.qform_code = 1;
}

/// The last three parts of the unit quaternion, first part not negative, of a rotation given by its columns.
fn quaternion([x, y, z]: [[f64; 3]; 3]) -> [f64; 3] {
    // Four times the square of each part; dividing by the largest keeps all digits.
    let squares = [1.0 + x[0] + y[1] + z[2], 1.0 + x[0] - y[1] - z[2], 1.0 - x[0] + y[1] - z[2], 1.0 - x[0] - y[1] + z[2]];
    let products = [
        [squares[0], y[2] - z[1], z[0] - x[2], x[1] - y[0]],
        [y[2] - z[1], squares[1], x[1] + y[0], z[0] + x[2]],
        [z[0] - x[2], x[1] + y[0], squares[2], y[2] + z[1]],
        [x[1] - y[0], z[0] + x[2], y[2] + z[1], squares[3]],
    ];
    let largest = (0..4).fold(0, |best, i| if squares[i] > squares[best] { i } else { best });
    let row = products[largest];
    let scale = if row[0] < 0.0 { -0.5 } else { 0.5 } / squares[largest].sqrt();
    [row[1] * scale, row[2] * scale, row[3] * scale]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = dot(v, v).sqrt();
    v.map(|c| c / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quaternion_gives_the_rotation_it_was_made_of() {
        let steps = [-0.9, -0.5, -0.1, 0.0, 0.1, 0.4, 0.8, 0.99];
        let mut seen = 0;
        for b in steps {
            for c in steps {
                for d in steps.into_iter().filter(|d| b * b + c * c + d * d < 1.0) {
                    let mut fields = crate::io::nifti::tests::plain(crate::io::nifti::fields::Version::Two);
                    fields.pixdim[1..4].fill(1.0);
                    fields.quaternion = [b, c, d];
                    let matrix = qform_matrix(&fields);
                    let again = quaternion(std::array::from_fn(|a| std::array::from_fn(|row| matrix[row][a])));
                    for (x, y) in again.into_iter().zip([b, c, d]) {
                        assert!((x - y).abs() < 1e-12, "{b} {c} {d}: {again:?}");
                    }
                    seen += 1;
                }
            }
        }
        assert!(seen > 100);
    }
}
