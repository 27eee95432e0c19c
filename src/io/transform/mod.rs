//! Transforms that other programs write, as affine maps of points in LPS+ millimetres.
//!
//! A resampling asks where each point of the target lies in the source, so all become maps from the target (the reference) to the source:
//!
//! - **ITK** text (`.tfm`, `.txt`; first line `#Insight Transform File V1.0`): as they are. ITK, SimpleITK and ANTs map points of the fixed image to the moving one, in LPS+.
//! - **FSL** `.mat` of FLIRT, four lines of four numbers: maps the source to the reference, in voxels times spacing, with x counted from the other end where a grid's axes are right-handed in
//!   RAS+ (a determinant above 0). It is inverted, and needs both grids.
//! - **4 x 4** text, four lines of four numbers under any other name (`.txt`, `.xfm`): maps points of the reference to the source, in RAS+, as nibabel counts them and ANTs directs them.
//!
//! Warps, which are no affine maps, are refused by name.

mod itk;
mod text;

use std::io::Read;
use std::path::Path;

use crate::volume::{Affine, Geometry, Grid};
use crate::{Error, Result};

/// What a file of a transform says.
#[derive(Debug, Clone, PartialEq)]
pub enum SpatialTransform {
    /// Points of the reference to points of the source, LPS+ mm.
    Points(Affine),
    /// The source's voxels times spacing to the reference's, as FLIRT counts them.
    Flirt(Affine),
}

/// A text of a transform is far smaller.
const MOST_BYTES: u64 = 1 << 20;

/// Reads a transform.
///
/// # Errors
/// [`Error::Read`]; [`Error::Format`] for what is none; [`Error::Unsupported`] for warps and for kinds that are not known; all with the path.
pub fn read(path: &Path) -> Result<SpatialTransform> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::read(path))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(Error::read(path))?;
    let binary = || {
        let hint = "save it as text: .tfm of ITK (SimpleITK.WriteTransform, ConvertTransformFile), or four lines of four numbers";
        Error::unsupported(path, "no text of a transform", hint)
    };
    if bytes.len() as u64 > MOST_BYTES {
        return Err(binary());
    }
    let text = String::from_utf8(bytes).map_err(|_| binary())?;
    if text.trim_start().starts_with("#Insight Transform File") {
        return itk::read(path, &text).map(SpatialTransform::Points);
    }
    let matrix = text::matrix(path, &text)?;
    let is_flirt = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("mat"));
    let transform =
        if is_flirt { SpatialTransform::Flirt(matrix) } else { SpatialTransform::Points(matrix.with_x_and_y_turned()) };
    let flat = || Error::format(path, "a singular matrix: it maps space onto a plane, a line or a point", "check its numbers");
    matrix.inverse().ok_or_else(flat)?;
    Ok(transform)
}

impl SpatialTransform {
    /// Points of the reference to points of the source, LPS+ mm.
    ///
    /// # Errors
    /// [`Error::Usage`] where one of the grids has no place in the patient and the transform counts in voxels.
    pub fn from_reference(&self, reference: &Grid, source: &Grid) -> Result<Affine> {
        let matrix = match self {
            Self::Points(points) => return Ok(*points),
            Self::Flirt(matrix) => matrix,
        };
        let unknown =
            || Error::usage("a FLIRT matrix for grids whose place in the patient is not known", "give files that know it");
        let scaled = |grid: &Grid| Some((flirt(grid)?, Affine::of_grid(grid)?));
        let ((from, from_lps), (to, to_lps)) = (scaled(reference).ok_or_else(unknown)?, scaled(source).ok_or_else(unknown)?);
        let flat = || Error::usage("the transform is singular, or a grid's axes lie in one plane", "check its matrix");
        let back = |map: &Affine| map.inverse().ok_or_else(flat);
        let in_voxels = back(&to)?.after(&back(matrix)?).after(&from);
        Ok(to_lps.after(&in_voxels).after(&back(&from_lps)?))
    }
}

/// Voxel indices of a grid as FLIRT counts them: times the spacing, x from the other end where the determinant of voxels to RAS+ is above 0.
fn flirt(grid: &Grid) -> Option<Affine> {
    let Geometry { spacing_mm, position } = grid.geometry.as_ref()?;
    let [x, y, z] = position.as_ref()?.direction;
    // Turning two axes leaves the sign: it is that of LPS+, too.
    let determinant =
        x[0] * (y[1] * z[2] - y[2] * z[1]) + x[1] * (y[2] * z[0] - y[0] * z[2]) + x[2] * (y[0] * z[1] - y[1] * z[0]);
    let mut map = Affine::scaled(*spacing_mm, [0.0; 3]);
    if determinant > 0.0 {
        map.0[0][0] = -spacing_mm[0];
        map.0[0][3] = spacing_mm[0] * (grid.shape.axis(0) - 1) as f64;
    }
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Shape;

    fn file(name: &str, text: &str) -> Result<SpatialTransform> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    const ROWS: &str = "1 0 0 5\n0 1 0 -7\n0 0 1 2\n0 0 0 1\n";

    #[test]
    fn four_lines_are_ras_or_flirts() {
        let moved = |x, y, z| Affine::scaled([1.0; 3], [x, y, z]);
        assert_eq!(file("a.txt", ROWS).unwrap(), SpatialTransform::Points(moved(-5.0, 7.0, 2.0)));
        assert_eq!(file("a.mat", ROWS).unwrap(), SpatialTransform::Flirt(moved(5.0, -7.0, 2.0)));
        for (text, words) in [
            ("1 0 0 5\n0 1 0 -7\n0 0 1 2\n", "12 numbers"),
            ("1 0 0 5\n0 1 0 -7\n0 0 1 2\n0 0 1 1\n", "last line"),
            ("1 0 0 5\n0 1 0 x\n0 0 1 2\n0 0 0 1\n", "no number"),
            ("1 0 0 5\n0 1 0 nan\n0 0 1 2\n0 0 0 1\n", "no number"),
            ("1 0 0 5\n1 0 0 -7\n0 0 1 2\n0 0 0 1\n", "singular"),
            ("", "0 numbers"),
        ] {
            let error = file("a.txt", text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    /// A shift of 5 mm along x of a grid that FLIRT counts from the other end is one of -5 mm along its axis, and the source is found by going back.
    #[test]
    fn flirt_counts_x_from_the_end_of_right_handed_grids() {
        let grid = |x: f64| {
            let matrix = [[x, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]];
            Grid { geometry: Geometry::from_lps_matrix(matrix), ..Grid::new(Shape::new(&[10, 10, 10]).unwrap()) }
        };
        let flirt = file("a.mat", ROWS).unwrap();
        let origin = |x: f64| flirt.from_reference(&grid(x), &grid(x)).unwrap().apply([0.0; 3]);
        assert_eq!(origin(2.0), [5.0, 7.0, -2.0]);
        assert_eq!(origin(-2.0), [5.0, 7.0, -2.0]);
        let bare = Grid::new(Shape::new(&[10, 10, 10]).unwrap());
        assert!(flirt.from_reference(&bare, &grid(2.0)).is_err());
    }
}
