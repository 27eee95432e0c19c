//! How large a region is where the spacing is known: an area for one slice, a volume for more; of one point in time.

use crate::volume::Header;

/// What a voxel adds to the size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// `mm2` or `mL`.
    pub unit: &'static str,
    /// The key in JSON: `mm2` or `ml`.
    pub key: &'static str,
    /// None where the spacing is not known. Of a time series a voxel counts as its share of one point in time.
    of_voxel: Option<f64>,
}

impl Size {
    /// Of the voxels of an image with this header.
    pub fn new(header: &Header) -> Self {
        let geometry = header.grid.geometry.as_ref();
        let times = header.grid.shape.volumes() as f64;
        match header.grid.shape.axis(2) {
            1 => {
                let each = geometry.map(|g| g.spacing_mm[0] * g.spacing_mm[1] / times);
                Self { unit: "mm2", key: "mm2", of_voxel: each }
            }
            _ => Self { unit: "mL", key: "ml", of_voxel: geometry.map(|g| g.voxel_mm3() / 1000.0 / times) },
        }
    }

    /// The size of so many voxels.
    pub fn of(self, voxels: u64) -> Option<f64> {
        self.of_voxel.map(|size| size * voxels as f64)
    }
}

#[cfg(test)]
mod tests {
    use crate::volume::{Dtype, Geometry, Shape};

    use super::*;

    #[test]
    fn one_slice_has_an_area_and_a_film_the_volume_of_one_moment() {
        let size = |axes: &[u64]| {
            let mut header = Header::new(Shape::new(axes).unwrap(), Dtype::U8);
            header.grid.geometry = Some(Geometry::spacing([2.0, 5.0, 100.0]));
            Size::new(&header)
        };
        assert_eq!((size(&[4, 4]).unit, size(&[4, 4]).of(3)), ("mm2", Some(30.0)));
        assert_eq!((size(&[4, 4, 4]).unit, size(&[4, 4, 4]).of(3)), ("mL", Some(3.0)));
        assert_eq!(size(&[4, 4, 4, 6]).of(6), Some(1.0));
        let unknown = Header::new(Shape::new(&[4, 4]).unwrap(), Dtype::U8);
        assert_eq!((Size::new(&unknown).key, Size::new(&unknown).of(3)), ("mm2", None));
    }
}
