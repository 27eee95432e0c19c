//! Volumes whose axes run otherwise than those that a network was trained with: turned by whole axes before it, and back after it. Nothing is resampled.

use std::ops::Range;

use hounsfield::Result;
use hounsfield::volume::{Grid, Header, Placement};

/// From the axes of a file to those of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Orient {
    /// For each axis of the network that of the file, and whether it runs the other way.
    axes: [(usize, bool); 3],
    /// Voxels along the axes of the file.
    file: [usize; 3],
    /// As the network sees it.
    grid: Grid,
}

/// Where the voxel axes of an image point, as three letters such as `LPS`; none where the file does not say.
pub fn orientation(header: &Header) -> Option<String> {
    let geometry = header.grid.geometry.as_ref()?;
    geometry.position.as_ref().map(|position| position.orientation_code())
}

impl Orient {
    /// How a volume becomes one whose axes point as this code says. One without a position in the patient is taken as it is.
    ///
    /// # Errors
    /// [`hounsfield::Error::Usage`] for what is no code.
    pub fn new(header: &Header, code: Option<&str>) -> Result<Self> {
        let file = header.grid.shape.xyz().map(|n| n as usize);
        let straight = Self { axes: [(0, false), (1, false), (2, false)], file, grid: header.grid.clone() };
        let (Some(code), Some(own)) = (code, orientation(header)) else { return Ok(straight) };
        if own == code {
            return Ok(straight);
        }
        let placement = Placement::reoriented(&header.grid, code)?;
        let map = placement.to_source.0;
        let axes = [0, 1, 2].map(|of| {
            let axis = (0..3).find(|axis| map[*axis][of] != 0.0).unwrap_or(of);
            (axis, map[axis][of] < 0.0)
        });
        Ok(Self { axes, file, grid: placement.grid })
    }

    /// Whether nothing has to be turned.
    pub fn is_straight(&self) -> bool {
        self.axes == [(0, false), (1, false), (2, false)]
    }

    /// Whether a slice of the file is one of the network's.
    pub fn keeps_slices(&self) -> bool {
        self.axes[2].0 == 2
    }

    /// Voxels along the axes of the network.
    pub fn size(&self) -> [usize; 3] {
        self.axes.map(|(axis, _)| self.file[axis])
    }

    /// The grid as the network sees it.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// For some slices of the network those of the file, where slices are kept; and the way for these alone.
    pub fn slab(&self, slices: Range<usize>) -> (Range<usize>, Self) {
        let count = self.file[2];
        let range = if self.axes[2].1 { count - slices.end..count - slices.start } else { slices };
        let slab = Self { file: [self.file[0], self.file[1], range.len()], ..self.clone() };
        (range, slab)
    }

    /// Calls `each` with the place in the network's order and that in the file's, of every voxel.
    fn places(&self, mut each: impl FnMut(usize, usize)) {
        let strides = [1, self.file[0] as isize, (self.file[0] * self.file[1]) as isize];
        let mut first = 0;
        let steps = self.axes.map(|(axis, flipped)| {
            first += if flipped { strides[axis] * (self.file[axis] as isize - 1) } else { 0 };
            if flipped { -strides[axis] } else { strides[axis] }
        });
        let [nx, ny, nz] = self.size();
        let mut to = 0;
        for z in 0..nz as isize {
            for y in 0..ny as isize {
                let mut from = first + y * steps[1] + z * steps[2];
                for _ in 0..nx {
                    each(to, from as usize);
                    to += 1;
                    from += steps[0];
                }
            }
        }
    }

    /// Voxels of the file as the network sees them.
    pub fn turned<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        if self.is_straight() {
            return values;
        }
        let mut out = vec![T::default(); values.len()];
        self.places(|to, from| out[to] = values[from]);
        out
    }

    /// Voxels of the network in the order of the file.
    pub fn back<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        if self.is_straight() {
            return values;
        }
        let mut out = vec![T::default(); values.len()];
        self.places(|to, from| out[from] = values[to]);
        out
    }
}

#[cfg(test)]
mod tests {
    use hounsfield::volume::{Dtype, Geometry, Shape};

    use super::*;

    /// A volume of 2 x 3 x 4 voxels in LPS.
    fn header() -> Header {
        let mut header = Header::new(Shape::new(&[2, 3, 4]).unwrap(), Dtype::U8);
        let matrix = [[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]];
        header.grid.geometry = Geometry::from_lps_matrix(matrix);
        header
    }

    #[test]
    fn axes_are_turned_and_turned_back() {
        let header = header();
        assert_eq!(orientation(&header).as_deref(), Some("LPS"));
        let values: Vec<u32> = (0..24).collect();
        for code in ["LPS", "RAI", "SLP", "PIL", "ASR", "RPS"] {
            let orient = Orient::new(&header, Some(code)).unwrap();
            let seen = orient.turned(values.clone());
            assert_eq!(orient.back(seen.clone()), values, "{code}");
            assert_eq!(orient.is_straight(), seen == values, "{code}");
            let turned = Header { grid: orient.grid().clone(), ..header.clone() };
            assert_eq!(orientation(&turned).as_deref(), Some(code));
            assert_eq!(orient.size(), turned.grid.shape.xyz().map(|n| n as usize));
        }
        // RAI: every axis runs the other way.
        let orient = Orient::new(&header, Some("RAI")).unwrap();
        assert_eq!(orient.turned(values.clone()), values.iter().rev().copied().collect::<Vec<_>>());
        // SLP: z first, then x, then y.
        let seen = Orient::new(&header, Some("SLP")).unwrap().turned(values.clone());
        assert_eq!(seen[..8], [0, 6, 12, 18, 1, 7, 13, 19]);
        assert!(Orient::new(&header, Some("SLP")).is_ok_and(|orient| !orient.keeps_slices()));
        assert!(Orient::new(&header, Some("LLS")).is_err());
    }

    #[test]
    fn slabs_are_turned_like_the_whole() {
        let header = header();
        let values: Vec<u32> = (0..24).collect();
        for code in ["LPS", "RAI", "PLS", "ARI"] {
            let orient = Orient::new(&header, Some(code)).unwrap();
            let whole = orient.turned(values.clone());
            for (a, b) in [(0, 1), (1, 3), (0, 4), (3, 4)] {
                let (range, slab) = orient.slab(a..b);
                let own = slab.turned(values[range.start * 6..range.end * 6].to_vec());
                assert_eq!(own, whole[a * 6..b * 6], "{code} {a} {b}");
            }
        }
    }
}
