//! How thick slabs are, and what a volume of them is.

use std::ops::Range;

use super::How;
use crate::volume::{Dtype, Header, Rescale, Rescales, Shape, Unit};
use crate::{Error, Result};

/// How thick a slab is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Thickness {
    /// All that there is along the axis.
    Whole,
    /// So many voxels.
    Voxels(u64),
    /// The whole number of voxels that is nearest to it, of two the greater; at least one.
    Millimetres(f64),
}

impl std::str::FromStr for Thickness {
    type Err = String;

    /// `10mm`, or a number of voxels.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is no thickness: give millimetres as 10mm, or a number of slices from 1 on");
        match text.strip_suffix("mm") {
            Some(mm) => {
                let mm: f64 = mm.trim().parse().map_err(|_| wrong())?;
                if mm.is_finite() && mm > 0.0 { Ok(Self::Millimetres(mm)) } else { Err(wrong()) }
            }
            None => match text.parse() {
                Ok(n @ 1..) => Ok(Self::Voxels(n)),
                _ => Err(wrong()),
            },
        }
    }
}

impl Thickness {
    /// In voxels along an axis, never more than there are.
    ///
    /// # Errors
    /// [`Error::Usage`] for millimetres where the spacing is not known.
    pub fn voxels(self, header: &Header, axis: usize) -> Result<u64> {
        let all = header.grid.shape.axis(axis);
        Ok(match self {
            Self::Whole => all,
            Self::Voxels(n) => n.clamp(1, all),
            Self::Millimetres(mm) => {
                let spacing = header.grid.geometry.as_ref().map(|g| g.spacing_mm[axis]).ok_or_else(|| {
                    Error::usage("a slab in mm of an image whose spacing is not known", "give the slab as a number of slices")
                })?;
                ((mm / spacing).round() as u64).clamp(1, all)
            }
        })
    }

    /// Slabs of this thickness one behind the other from the first voxel on; what is left over is the last.
    ///
    /// # Errors
    /// As [`Thickness::voxels`].
    pub(super) fn slabs(self, header: &Header, axis: usize) -> Result<Vec<Range<u64>>> {
        let (all, step) = (header.grid.shape.axis(axis), self.voxels(header, axis)?);
        Ok((0..all).step_by(step as usize).map(|at| at..(at + step).min(all)).collect())
    }
}

/// The header of a volume of slabs: where they lie is exact for slabs that follow each other, the last of which may be thinner than the others.
pub(super) fn described(header: &Header, axis: usize, slabs: &[Range<u64>], how: How) -> Result<Header> {
    let mut axes = header.grid.shape.axes().to_vec();
    axes[axis] = slabs.len() as u64;
    let (first, thick) = (&slabs[0], slabs[0].end - slabs[0].start);
    let mut out = header.clone();
    out.grid.shape = Shape::new(&axes).ok_or_else(|| Error::usage("so many slabs", "make them thicker"))?;
    if let Some(geometry) = &mut out.grid.geometry {
        let middle = (first.start + first.end - 1) as f64 / 2.0 * geometry.spacing_mm[axis];
        geometry.spacing_mm[axis] *= thick as f64;
        if let Some(position) = &mut geometry.position {
            for (origin, along) in position.origin_mm.iter_mut().zip(position.direction[axis]) {
                *origin += along * middle;
            }
        }
    }
    // No longer the files that the slices came from.
    out.origin.extensions = Default::default();
    if let Some(mm) = out.origin.acquisition.slice_thickness_mm.as_mut().filter(|_| axis == 2) {
        *mm *= thick as f64;
    }
    if how == How::Sum {
        let most = slabs.iter().map(|slab| slab.end - slab.start).max().unwrap_or(1);
        out.meaning.dtype = sum_type(header, most);
        out.meaning.rescale = Rescales::Uniform(Rescale::IDENTITY);
        (out.meaning.unit, out.meaning.padding, out.meaning.labels) = (Unit::Unknown, None, false);
        (out.display.windows, out.display.voi_luts) = (Vec::new(), Vec::new());
        (out.origin.bits_stored, out.origin.file_dtype) = (None, None);
    }
    Ok(out)
}

/// The narrowest of uint32 and int32 where sums of so many real values are whole numbers that it always holds; else float32.
fn sum_type(header: &Header, most: u64) -> Dtype {
    let (dtype, rescale) = (header.meaning.dtype, header.meaning.rescale.of_slice(0));
    let (low, high) = dtype.limits();
    let (a, b) = (rescale.real(low) * most as f64, rescale.real(high) * most as f64);
    let whole = dtype.is_integer() && dtype.bytes() < 8 && rescale.slope.fract() == 0.0 && rescale.intercept.fract() == 0.0;
    let fits = |to: Dtype| a.min(b) >= to.limits().0 && a.max(b) <= to.limits().1;
    [Dtype::U32, Dtype::I32].into_iter().find(|to| whole && fits(*to)).unwrap_or(Dtype::F32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Geometry;

    fn ct() -> Header {
        let matrix = [[0.0, -0.5, 0.0, 1.0], [0.5, 0.0, 0.0, 2.0], [0.0, 0.0, 2.5, 3.0]];
        let mut header = Header::new(Shape::new(&[8, 9, 10]).unwrap(), Dtype::I16);
        header.grid.geometry = Geometry::from_lps_matrix(matrix);
        header
    }

    #[test]
    fn slabs_lie_where_their_voxels_do() {
        let slabs = Thickness::Millimetres(10.0).slabs(&ct(), 2).unwrap();
        assert_eq!(slabs, [0..4, 4..8, 8..10]);
        let out = described(&ct(), 2, &slabs, How::Max).unwrap();
        assert_eq!(out.grid.shape.axes(), [8, 9, 3]);
        let matrix = out.grid.geometry.unwrap().lps_matrix().unwrap();
        // The middle of slices 0 to 3 is 1.5 steps on.
        assert_eq!(matrix, [[0.0, -0.5, 0.0, 1.0], [0.5, 0.0, 0.0, 2.0], [0.0, 0.0, 10.0, 3.0 + 1.5 * 2.5]]);
        let out = described(&ct(), 0, &Thickness::Whole.slabs(&ct(), 0).unwrap(), How::Mean).unwrap();
        assert_eq!(
            out.grid.geometry.unwrap().lps_matrix().unwrap(),
            [[0.0, -0.5, 0.0, 1.0], [4.0, 0.0, 0.0, 2.0 + 3.5 * 0.5], [0.0, 0.0, 2.5, 3.0]]
        );
    }

    #[test]
    fn thickness_is_what_was_typed() {
        assert_eq!("10mm".parse(), Ok(Thickness::Millimetres(10.0)));
        assert_eq!("3".parse(), Ok(Thickness::Voxels(3)));
        for text in ["0", "-1", "0mm", "-2mm", "x", "1.5", "infmm", "NaNmm", ""] {
            assert!(text.parse::<Thickness>().is_err(), "{text}");
        }
        assert_eq!(Thickness::Millimetres(0.1).voxels(&ct(), 2).unwrap(), 1);
        assert_eq!(Thickness::Voxels(99).voxels(&ct(), 2).unwrap(), 10);
        let unknown = Header::new(Shape::new(&[8, 9, 10]).unwrap(), Dtype::I16);
        assert!(Thickness::Millimetres(5.0).voxels(&unknown, 2).unwrap_err().to_string().contains("spacing is not known"));
    }

    #[test]
    fn sums_have_a_type_that_holds_them() {
        let of = |dtype: Dtype, slope: f64, intercept: f64, most: u64| {
            let rescale = Rescales::Uniform(Rescale { slope, intercept });
            sum_type(&ct().with(|h| (h.meaning.dtype, h.meaning.rescale) = (dtype, rescale)), most)
        };
        assert_eq!(of(Dtype::U16, 1.0, 0.0, 65_537), Dtype::U32);
        assert_eq!(of(Dtype::U16, 1.0, 0.0, 65_538), Dtype::F32);
        assert_eq!(of(Dtype::I16, 1.0, 0.0, 65_536), Dtype::I32);
        assert_eq!(of(Dtype::I16, 1.0, -1024.0, 65_536), Dtype::F32);
        assert_eq!(of(Dtype::U16, 1.0, -1024.0, 500), Dtype::I32);
        assert_eq!(of(Dtype::I16, 0.5, 0.0, 3), Dtype::F32);
        assert_eq!(of(Dtype::F32, 1.0, 0.0, 1), Dtype::F32);
    }
}
