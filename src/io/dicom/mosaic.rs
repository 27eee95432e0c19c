//! Siemens mosaics: the slices of one time side by side in one image.

use std::path::Path;

use super::dataset::Dataset;
use super::frames::{ImageFrame, cross};
use super::{CONVERT, broken, marks, tags};
use crate::{Error, Result};

/// How slices lie in a mosaic: row by row, from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mosaic {
    /// Slices in one row of the mosaic, and rows of slices.
    pub(super) across: u64,
    /// Slices; the last places of the square may be empty.
    pub(super) slices: u64,
}

/// Whether the file says so.
pub(super) fn is_one(set: &Dataset) -> bool {
    set.text(tags::IMAGE_TYPE).is_some_and(|kinds| kinds.split('\\').any(|kind| kind.trim() == "MOSAIC"))
}

/// The slices of each frame as frames of their own. The position of a mosaic is that of a slice as large as the mosaic about the centre of
/// the first slice; slices follow each other along the normal of the image plane.
pub(super) fn split(
    path: &Path,
    set: &Dataset,
    [columns, rows]: [u64; 2],
    frames: &[ImageFrame],
) -> Result<(Option<Mosaic>, Vec<ImageFrame>)> {
    let unknown = |what: &str| Error::unsupported(path, format!("a Siemens mosaic of which {what}"), CONVERT);
    let slices = set.number(tags::MOSAIC_IMAGES).filter(|_| marks::is_siemens(set)).unwrap_or(0.0) as u64;
    if slices == 0 {
        return Err(unknown("the number of slices is not known"));
    }
    let across = slices.isqrt() + u64::from(slices.isqrt().pow(2) < slices);
    if !columns.is_multiple_of(across) || !rows.is_multiple_of(across) {
        return Err(broken(path, format!("a mosaic of {slices} slices cannot have {columns} x {rows} pixels")));
    }
    let share = (across - 1) as f64 / across as f64 / 2.0;
    let mut all = Vec::new();
    for frame in frames {
        let Some(step) = frame.between.or(frame.thickness) else { return Err(unknown("the distance of slices is not known")) };
        for k in 0..slices {
            let mut slice = frame.clone();
            if let (Some(p), Some([x, y]), Some([dx, dy])) = (&mut slice.position, frame.orientation, frame.spacing) {
                let normal = cross(x, y);
                let (right, down) = (columns as f64 * share * dx, rows as f64 * share * dy);
                *p = std::array::from_fn(|a| p[a] + x[a] * right + y[a] * down + normal[a] * step * k as f64);
            }
            all.push(slice);
        }
    }
    Ok((Some(Mosaic { across, slices }), all))
}

impl Mosaic {
    /// The samples of slice `k` out of those of a whole mosaic of this many columns and rows.
    pub(super) fn slice(self, k: u64, samples: &[u8], columns: u64, rows: u64) -> Vec<u8> {
        let (width, height) = (columns / self.across, rows / self.across);
        let size = samples.len() as u64 / (columns * rows).max(1);
        let (left, top) = (k % self.across * width, k / self.across * height);
        let mut out = Vec::with_capacity((width * height * size) as usize);
        for y in top..top + height {
            let from = (y * columns + left) * size;
            out.extend_from_slice(&samples[from as usize..(from + width * size) as usize]);
        }
        out
    }
}
