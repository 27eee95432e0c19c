//! A mask or labels of which only what lies in a box or a ball counts.

use std::ops::Range;
use std::sync::Arc;

use crate::Result;
use crate::io::Source;
use crate::volume::{Affine, Header};

/// A part of space.
#[derive(Debug, Clone, PartialEq)]
pub enum Zone {
    /// Of these voxels along x, y and z.
    Box([Range<u64>; 3]),
    /// Of voxels whose centres are at most so far from a point.
    Ball {
        /// Voxel indices to millimetres.
        to_mm: Affine,
        /// Where its centre is, in the same millimetres.
        centre_mm: [f64; 3],
        /// How far it reaches.
        radius_mm: f64,
    },
}

/// What rounding may move an end by and the voxel there still counts, in voxels.
const ROUNDING: f64 = 1e-6;

impl Zone {
    /// The voxels of row (`y`, `z`) that lie inside, of `nx`; the same of each volume of a time series.
    pub fn of_row(&self, [y, z]: [u64; 2], nx: u64) -> Range<u64> {
        match self {
            Self::Box([x, ys, zs]) if ys.contains(&y) && zs.contains(&z) => x.start.min(nx)..x.end.min(nx),
            Self::Box(_) => 0..0,
            Self::Ball { to_mm, centre_mm, radius_mm } => {
                // |row + x step - centre| <= radius, a quadratic in x.
                let from: [f64; 3] = std::array::from_fn(|a| to_mm.apply([0.0, y as f64, z as f64])[a] - centre_mm[a]);
                let step = to_mm.0.map(|row| row[0]);
                let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
                let (length, middle) = (dot(step, step), -dot(from, step) / dot(step, step));
                let left = middle * middle - (dot(from, from) - radius_mm * radius_mm) / length;
                if left.is_nan() || left < -ROUNDING {
                    return 0..0;
                }
                let half = left.max(0.0).sqrt() + ROUNDING;
                // Casts of floats stop at the limits of the type.
                let (first, behind) = ((middle - half).ceil().max(0.0) as u64, ((middle + half).floor() + 1.0).max(0.0) as u64);
                first.min(nx)..behind.min(nx).max(first.min(nx))
            }
        }
    }
}

/// Voxels as they are inside, and 0 outside.
pub struct Confined {
    inner: Arc<dyn Source>,
    within: Zone,
}

impl Confined {
    /// Of a mask or of labels whose 0 is nothing.
    pub fn of(inner: Arc<dyn Source>, within: Zone) -> Arc<dyn Source> {
        Arc::new(Self { inner, within })
    }
}

impl Source for Confined {
    fn header(&self) -> &Header {
        self.inner.header()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        self.inner.read(at, into)?;
        let [nx, ny, nz] = self.header().grid.shape.xyz();
        let size = self.header().meaning.dtype.bytes();
        let mut done = 0;
        while done < into.len() {
            let here = at + (done / size) as u64;
            let (x, row) = (here % nx, here / nx);
            let end = into.len().min(done + (nx - x) as usize * size);
            let part = &mut into[done..end];
            let inside = self.within.of_row([row % ny, row / ny % nz], nx);
            let place = |voxel: u64| (voxel.saturating_sub(x) as usize * size).min(part.len());
            let (first, behind) = (place(inside.start), place(inside.end));
            part[behind.max(first)..].fill(0);
            part[..first].fill(0);
            done = end;
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Shape, Volume};

    fn confined(within: Zone, piece: usize) -> Vec<u16> {
        let header = Header::new(Shape::new(&[7, 5, 4, 2]).unwrap(), Dtype::U16);
        let volume = Volume::new(header, (0..280u16).flat_map(|i| (i + 1).to_le_bytes()).collect()).unwrap();
        let view = Confined::of(Arc::new(volume), within);
        let mut bytes = vec![0; 560];
        bytes.chunks_mut(2 * piece).enumerate().for_each(|(i, part)| view.read((i * piece) as u64, part).unwrap());
        bytes.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
    }

    fn kept(inside: impl Fn([f64; 3]) -> bool) -> Vec<u16> {
        let place = |i: u16| [i % 7, i / 7 % 5, i / 35 % 4].map(f64::from);
        (0..280).map(|i| if inside(place(i)) { i + 1 } else { 0 }).collect()
    }

    #[test]
    fn what_lies_outside_is_0_however_it_is_read() {
        // Oblique in x and y, 2 mm apart in z.
        let to_mm = Affine([[0.8, -0.6, 0.0, 10.0], [0.6, 0.8, 0.0, -5.0], [0.0, 0.0, 2.0, 1.0]]);
        let centre_mm = to_mm.apply([3.0, 2.0, 1.0]);
        for radius_mm in [0.0, 0.9, 1.0, 2.0, 2.3, 5.0, 50.0] {
            let ball = Zone::Ball { to_mm, centre_mm, radius_mm };
            let near = |[x, y, z]: [f64; 3]| {
                (x - 3.0).powi(2) + (y - 2.0).powi(2) + 4.0 * (z - 1.0).powi(2) <= radius_mm * radius_mm + 1e-9
            };
            for piece in [280, 1, 3, 11] {
                assert_eq!(confined(ball.clone(), piece), kept(near), "{radius_mm} mm in pieces of {piece}");
            }
        }
        let own = Zone::Box([2..5, 0..9, 3..4]);
        let inside = |[x, _, z]: [f64; 3]| (2.0..5.0).contains(&x) && z == 3.0;
        assert_eq!(confined(own.clone(), 13), kept(inside));
        assert_eq!(confined(own, 280), kept(inside));
        let far = Zone::Ball { to_mm, centre_mm: [1e3; 3], radius_mm: 2.0 };
        assert_eq!(confined(far, 280), [0; 280]);
    }
}
