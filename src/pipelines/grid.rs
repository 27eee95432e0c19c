//! Whether two volumes lie on one grid, and reading one in the other's order of axes.

use crate::io::Source;
use crate::volume::Header;
use crate::{Error, Result};

/// How the axes of a mask run through the image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// For each axis of the image: the mask's axis, and whether it runs the other way.
    axes: [(usize, bool); 3],
    /// The mask is one volume, the image several.
    repeated: bool,
}

const STRAIGHT: [(usize, bool); 3] = [(0, false), (1, false), (2, false)];
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

impl Turn {
    /// How to read `what` (a mask) for an image; an error that gives both shapes, or both geometries, if they do not lie on one grid.
    ///
    /// Where both have a position in the patient, axes may be flipped and permuted; else the shapes must agree as they are. A mask of three axes
    /// serves all volumes of a time series.
    pub fn of(what: &str, mask: &Header, image: &Header) -> Result<Self> {
        let (own, wanted) = (mask.shape.volumes(), image.shape.volumes());
        let shapes = || {
            Err(Error::usage(
                format!("the {what} has {} voxels, the image {}", mask.shape, image.shape),
                format!("give a {what} of the image's shape"),
            ))
        };
        if own != wanted && own != 1 {
            return shapes();
        }
        let axes = match (matrix(mask), matrix(image)) {
            (Some(m), Some(i)) => {
                let fits = |axes: &[(usize, bool); 3]| {
                    (0..3).all(|a| mask.shape.axis(axes[a].0) == image.shape.axis(a)) && together(&m, &i, axes, image)
                };
                turns().find(fits)
            }
            _ => return if mask.shape.xyz() == image.shape.xyz() { Ok(Self::new(STRAIGHT, own, wanted)) } else { shapes() },
        };
        match axes {
            Some(axes) => Ok(Self::new(axes, own, wanted)),
            None => Err(Error::usage(
                format!("{what} and image lie on different grids: {} and {}", described(mask), described(image)),
                format!("resample the {what} to the image"),
            )),
        }
    }

    fn new(axes: [(usize, bool); 3], own: u64, wanted: u64) -> Self {
        Self { axes, repeated: own != wanted }
    }

    /// Whether voxel n of the mask is voxel n of the image.
    pub fn is_straight(self) -> bool {
        self.axes == STRAIGHT && !self.repeated
    }

    /// Whether the axes differ.
    pub fn reorients(self) -> bool {
        self.axes != STRAIGHT
    }
}

/// All 48, the plain one first.
fn turns() -> impl Iterator<Item = [(usize, bool); 3]> {
    ORDERS.into_iter().flat_map(|order| (0..8u8).map(move |flips| std::array::from_fn(|a| (order[a], flips >> a & 1 == 1))))
}

type Matrix = [[f64; 4]; 3];

fn matrix(header: &Header) -> Option<Matrix> {
    header.geometry.as_ref()?.lps_matrix()
}

/// Whether no voxel of the image lies more than a hundredth of its finest spacing from the mask's voxel of the same place.
fn together(mask: &Matrix, image: &Matrix, axes: &[(usize, bool); 3], header: &Header) -> bool {
    let shape = header.shape.xyz();
    let finest = (0..3).map(|a| (0..3).map(|row| image[row][a].powi(2)).sum::<f64>().sqrt()).fold(f64::INFINITY, f64::min);
    (0..3).all(|row| {
        let mut origin = mask[row][3] - image[row][3];
        let mut far = 0.0;
        for (a, (axis, flipped)) in axes.iter().enumerate() {
            let last = (shape[a] - 1) as f64;
            let step = if *flipped { -mask[row][*axis] } else { mask[row][*axis] };
            origin += if *flipped { mask[row][*axis] * last } else { 0.0 };
            far += (step - image[row][a]).abs() * last;
        }
        origin.abs() + far <= 0.01 * finest
    })
}

/// Shape and place, as an error gives them.
pub(super) fn described(header: &Header) -> String {
    let mut text = header.shape.to_string();
    if let Some(geometry) = &header.geometry {
        let [x, y, z] = geometry.spacing_mm;
        text += &format!(" at {x:.3} x {y:.3} x {z:.3} mm");
        if let Some(position) = &geometry.position {
            let [x, y, z] = position.origin_mm;
            text += &format!(", {} from ({x:.2}, {y:.2}, {z:.2}) mm (LPS+)", position.orientation_code());
        }
    }
    text
}

/// A mask that is read in the image's order of axes.
///
/// Held in memory, one bit a voxel: 32 MiB for 512 x 512 x 1,024 voxels. Rows of the image run across those of the mask, and
/// no file gives single voxels at a bearable price.
pub(super) struct Held {
    bits: Vec<u8>,
    turn: Turn,
    /// The mask's own axes of space.
    shape: [u64; 3],
    /// Of the image, but for the type.
    header: Header,
}

impl Held {
    /// Reads all of `mask`, which gives one byte a voxel.
    pub fn new(mask: &dyn Source, turn: Turn, image: &Header) -> Result<Self> {
        const BLOCK: u64 = 1 << 20;
        let total = mask.header().shape.voxels();
        let mut bits = Vec::with_capacity(total.div_ceil(8) as usize);
        let mut bytes = Vec::new();
        // Whole decode units, and whole bytes of bits.
        let step = BLOCK.next_multiple_of(8 * mask.unit().max(1));
        let mut at = 0;
        while at < total {
            bytes.resize(step.min(total - at) as usize, 0);
            mask.read(at, &mut bytes)?;
            bits.extend(bytes.chunks(8).map(|c| c.iter().enumerate().fold(0, |byte, (i, m)| byte | u8::from(*m != 0) << i)));
            at += step;
        }
        let header = Header { shape: image.shape.clone(), geometry: image.geometry.clone(), ..mask.header().clone() };
        Ok(Self { bits, turn, shape: mask.header().shape.xyz(), header })
    }
}

impl Source for Held {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let [nx, ny, nz] = self.header.shape.xyz();
        let strides = [1, self.shape[0], self.shape[0] * self.shape[1]];
        // Where the image's first voxel lies in the mask, and how far the next along each of the image's axes.
        let (mut first, mut step) = (0, [0i64; 3]);
        for (a, (axis, flipped)) in self.turn.axes.into_iter().enumerate() {
            let stride = strides[axis];
            first += if flipped { stride * (self.shape[axis] - 1) } else { 0 };
            step[a] = if flipped { -(stride as i64) } else { stride as i64 };
        }
        let volume = nx * ny * nz;
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let (x, y, z) = (at % nx, at / nx % ny, at / (nx * ny) % nz);
            let base = if self.turn.repeated { 0 } else { at / volume * volume };
            let mut from = (base + first) as i64 + x as i64 * step[0] + y as i64 * step[1] + z as i64 * step[2];
            let (row, later) = rest.split_at_mut(((nx - x) as usize).min(rest.len()));
            for out in row.iter_mut() {
                *out = self.bits[(from >> 3) as usize] >> (from & 7) & 1;
                from += step[0];
            }
            at += row.len() as u64;
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::noise;
    use crate::volume::{Dtype, Geometry, Shape, Volume};

    const IMAGE: [u64; 3] = [5, 3, 4];

    /// An oblique grid with a spacing of its own along each axis.
    fn matrix_of_image() -> Matrix {
        let (s, c) = (0.3f64.sin(), 0.3f64.cos());
        [[0.7 * c, -0.9 * s, 0.0, -11.0], [0.7 * s, 0.9 * c, 0.0, 20.0], [0.0, 0.0, 2.5, 5.0]]
    }

    fn header(axes: &[u64], matrix: Option<Matrix>) -> Header {
        let mut header = Header::new(Shape::new(axes).unwrap(), Dtype::U8);
        header.geometry = matrix.map(|m| Geometry::from_lps_matrix(m).unwrap());
        header
    }

    /// Whether the image's voxel counts: any function of the place in the patient.
    fn wanted([x, y, z]: [u64; 3], t: u64) -> u8 {
        (noise(x + 10 * y + 100 * z + 1000 * t) & 1) as u8
    }

    /// The same mask stored with its axes turned.
    fn turned(axes: [(usize, bool); 3], volumes: u64) -> Volume {
        let (m, mut own, mut shape) = (matrix_of_image(), matrix_of_image(), [0; 3]);
        for row in 0..3 {
            for (a, (axis, flipped)) in axes.into_iter().enumerate() {
                shape[axis] = IMAGE[a];
                own[row][axis] = if flipped { -m[row][a] } else { m[row][a] };
                own[row][3] += if flipped { m[row][a] * (IMAGE[a] - 1) as f64 } else { 0.0 };
            }
        }
        let mut bytes = Vec::new();
        for t in 0..volumes {
            for i in 0..shape.iter().product::<u64>() {
                let at = [i % shape[0], i / shape[0] % shape[1], i / (shape[0] * shape[1])];
                let place = std::array::from_fn(|a| {
                    let (axis, flipped) = axes[a];
                    if flipped { IMAGE[a] - 1 - at[axis] } else { at[axis] }
                });
                bytes.push(wanted(place, t));
            }
        }
        let all = [shape.as_slice(), &[volumes]].concat();
        Volume::new(header(&all[..if volumes > 1 { 4 } else { 3 }], Some(own)), bytes).unwrap()
    }

    #[test]
    fn masks_in_any_order_of_axes_are_read_in_the_images() {
        let [nx, ny, nz] = IMAGE;
        for (own, volumes) in [(1, 1), (1, 3), (3, 3)] {
            let image = header(&[nx, ny, nz, volumes], Some(matrix_of_image()));
            let total = nx * ny * nz * volumes;
            let want: Vec<u8> = (0..total)
                .map(|i| wanted([i % nx, i / nx % ny, i / (nx * ny) % nz], if own == 1 { 0 } else { i / (nx * ny * nz) }))
                .collect();
            for axes in turns() {
                let mask = turned(axes, own);
                let turn = Turn::of("mask", mask.header(), &image).unwrap();
                assert_eq!(turn, Turn { axes, repeated: own != volumes });
                let held = Held::new(&mask, turn, &image).unwrap();
                let mut got = vec![9; total as usize];
                let (mut at, mut step) = (0, 1);
                while at < total as usize {
                    let end = (at + step).min(total as usize);
                    held.read(at as u64, &mut got[at..end]).unwrap();
                    (at, step) = (end, step * 2 + 1);
                }
                assert_eq!(got, want, "{axes:?} {own} of {volumes}");
            }
        }
    }

    #[test]
    fn other_grids_are_refused_with_both_geometries() {
        let image = header(&IMAGE, Some(matrix_of_image()));
        let refused = |mask: &Header| Turn::of("mask", mask, &image).unwrap_err().to_string();
        let mut shifted = matrix_of_image();
        shifted[2][3] += 0.02;
        let text = refused(&header(&IMAGE, Some(shifted)));
        assert!(text.contains("5.02") && text.contains("5.00") && text.contains("0.700 x 0.900 x 2.500"), "{text}");
        let mut stretched = matrix_of_image();
        stretched[2][2] *= 1.01;
        refused(&header(&IMAGE, Some(stretched)));
        refused(&header(&[5, 3, 5], Some(matrix_of_image())));
        refused(&header(&[5, 3, 4, 2], Some(matrix_of_image())));
        // A permutation that fits the shape alone.
        assert!(Turn::of("mask", &header(&[3, 5, 4], None), &image).unwrap_err().to_string().contains("3 x 5 x 4"));
        // A hundredth of a voxel is a matter of rounding in files; no position is no contradiction.
        let mut close = matrix_of_image();
        close[0][3] += 0.005;
        assert!(Turn::of("mask", &header(&IMAGE, Some(close)), &image).unwrap().is_straight());
        assert!(Turn::of("mask", &header(&IMAGE, None), &image).unwrap().is_straight());
        let flat = header(&[6, 7], None);
        assert!(Turn::of("mask", &header(&[6, 7, 1], None), &flat).unwrap().is_straight());
    }
}
