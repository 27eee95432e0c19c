//! How many tiles, and over what.

use crate::ops::clahe::Lattice;
use crate::volume::Header;
use crate::{Error, Result};

/// Tiles as people ask for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tiling {
    /// So many along x and y, slice by slice: each slice for itself.
    Slices([u32; 2]),
    /// So many along x, y and z of each volume.
    Space([u32; 3]),
    /// Tiles near this size along every axis of each volume.
    Millimetres(f64),
}

impl Tiling {
    /// OpenCV's grid.
    pub const USUAL: Self = Self::Slices([8, 8]);

    /// Such as `8x8` for slices and `8x8x4` for volumes.
    ///
    /// # Errors
    /// In words.
    pub fn parse_counts(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("{text:?} are no tiles: give 8x8 for each slice, or 8x8x4 for the volume");
        let counts: Option<Vec<u32>> =
            text.split('x').map(|n| n.trim().parse().ok().filter(|n| (1..=4096).contains(n))).collect();
        match counts.ok_or_else(wrong)?.as_slice() {
            [x, y] => Ok(Self::Slices([*x, *y])),
            [x, y, z] => Ok(Self::Space([*x, *y, *z])),
            _ => Err(wrong()),
        }
    }

    /// Such as `40mm`.
    ///
    /// # Errors
    /// In words.
    pub fn parse_size(text: &str) -> std::result::Result<Self, String> {
        let mm = text.strip_suffix("mm").and_then(|mm| mm.trim().parse::<f64>().ok()).filter(|mm| mm.is_finite() && *mm > 0.0);
        mm.map(Self::Millimetres).ok_or_else(|| format!("{text:?} is no size of a tile: give millimetres, as 40mm"))
    }

    /// The tiles over an image, and whether they lie over each slice for itself.
    ///
    /// # Errors
    /// [`Error::Usage`] for millimetres where the spacing is not known; as [`Lattice::new`].
    pub(super) fn over(self, header: &Header) -> Result<(Lattice, bool)> {
        let shape = header.grid.shape.xyz();
        if shape.iter().any(|n| *n > 1 << 30) {
            return Err(Error::usage(format!("tiles over {} voxels", header.grid.shape), "crop the image first"));
        }
        let [nx, ny, nz] = shape.map(|n| n as u32);
        match self {
            Self::Slices([x, y]) => Ok((Lattice::new([nx, ny, 1], [x, y, 1])?, true)),
            // A single slice is a slice.
            Self::Space(tiles) => Ok((Lattice::new([nx, ny, nz], tiles)?, nz == 1 && tiles[2] == 1)),
            Self::Millimetres(mm) => {
                let unknown =
                    || Error::usage("tiles in mm over an image whose spacing is not known", "give their number instead");
                let spacing = header.grid.geometry.as_ref().ok_or_else(unknown)?.spacing_mm;
                let of = |axis: usize| ((shape[axis] as f64 * spacing[axis] / mm).round() as u32).clamp(1, 4096);
                Self::Space([0, 1, 2].map(of)).over(header)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Geometry, Shape};

    #[test]
    fn tiles_are_what_was_typed() {
        assert_eq!(Tiling::parse_counts("8x8"), Ok(Tiling::Slices([8, 8])));
        assert_eq!(Tiling::parse_counts("8x6x4"), Ok(Tiling::Space([8, 6, 4])));
        for text in ["8", "0x8", "8x8x8x8", "ax8", "8x", "-1x2", "5000x1", ""] {
            assert!(Tiling::parse_counts(text).is_err(), "{text}");
        }
        assert_eq!(Tiling::parse_size("40mm"), Ok(Tiling::Millimetres(40.0)));
        for text in ["40", "0mm", "-1mm", "mm", "infmm"] {
            assert!(Tiling::parse_size(text).is_err(), "{text}");
        }
        let mut header = Header::new(Shape::new(&[100, 60, 20]).unwrap(), Dtype::I16);
        assert!(Tiling::Millimetres(10.0).over(&header).unwrap_err().to_string().contains("spacing is not known"));
        header.grid.geometry = Some(Geometry::spacing([1.0, 1.0, 5.0]));
        let (lattice, by_slice) = Tiling::Millimetres(40.0).over(&header).unwrap();
        assert_eq!((lattice.tiles(), by_slice), ([3, 2, 3], false));
        let (lattice, by_slice) = Tiling::USUAL.over(&header).unwrap();
        assert_eq!((lattice.shape(), by_slice), ([100, 60, 1], true));
    }
}
