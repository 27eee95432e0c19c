//! A volume that is read in another one's order of axes.

use crate::Result;
use crate::io::Source;
use crate::volume::{Header, Turn};

/// Voxels in memory: rows of the image run across those of the other, and no file gives single voxels at a bearable price.
#[derive(Debug, Clone)]
pub enum Held {
    /// A mask, one bit a voxel: 32 MiB for 512 x 512 x 1,024 voxels. It is read as one byte a voxel, 0 or 1.
    Bits(Vec<u8>),
    /// Stored values.
    Bytes(Vec<u8>),
}

/// A held volume in the order of axes of an image.
pub struct Turned {
    held: Held,
    turn: Turn,
    /// Its own axes of space.
    shape: [u64; 3],
    /// Of the image, but for the type.
    header: Header,
}

impl Turned {
    /// The voxels of a volume with header `own`, in the order of `image`.
    pub fn new(held: Held, own: &Header, turn: Turn, image: &Header) -> Self {
        let header = Header { grid: image.grid.clone(), ..own.clone() };
        Self { held, turn, shape: own.grid.shape.xyz(), header }
    }
}

impl Source for Turned {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let [nx, ny, nz] = self.header.grid.shape.xyz();
        let strides = [1, self.shape[0], self.shape[0] * self.shape[1]];
        // Where the image's first voxel lies in the other, and how far the next along each of the image's axes.
        let (mut first, mut step) = (0, [0i64; 3]);
        for (a, (axis, flipped)) in self.turn.axes().into_iter().enumerate() {
            let stride = strides[axis];
            first += if flipped { stride * (self.shape[axis] - 1) } else { 0 };
            step[a] = if flipped { -(stride as i64) } else { stride as i64 };
        }
        let volume = nx * ny * nz;
        let size = self.header.meaning.dtype.bytes();
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let (x, y, z) = (at % nx, at / nx % ny, at / (nx * ny) % nz);
            let base = if self.turn.repeats() { 0 } else { at / volume * volume };
            let mut from = (base + first) as i64 + x as i64 * step[0] + y as i64 * step[1] + z as i64 * step[2];
            let (row, later) = rest.split_at_mut(((nx - x) as usize * size).min(rest.len()));
            at += (row.len() / size) as u64;
            for out in row.chunks_exact_mut(size) {
                match &self.held {
                    Held::Bits(bits) => out[0] = bits[(from >> 3) as usize] >> (from & 7) & 1,
                    Held::Bytes(bytes) => out.copy_from_slice(&bytes[from as usize * size..][..size]),
                }
                from += step[0];
            }
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

    fn every_turn() -> impl Iterator<Item = [(usize, bool); 3]> {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        orders.into_iter().flat_map(|order| (0..8u8).map(move |flips| std::array::from_fn(|a| (order[a], flips >> a & 1 == 1))))
    }

    /// An oblique grid with a spacing of its own along each axis.
    fn matrix_of_image() -> [[f64; 4]; 3] {
        let (s, c) = (0.3f64.sin(), 0.3f64.cos());
        [[0.7 * c, -0.9 * s, 0.0, -11.0], [0.7 * s, 0.9 * c, 0.0, 20.0], [0.0, 0.0, 2.5, 5.0]]
    }

    fn header(axes: &[u64], matrix: Option<[[f64; 4]; 3]>) -> Header {
        let mut header = Header::new(Shape::new(axes).unwrap(), Dtype::U8);
        header.grid.geometry = matrix.map(|m| Geometry::from_lps_matrix(m).unwrap());
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
            for axes in every_turn() {
                let mask = turned(axes, own);
                let turn = Turn::of("mask", &mask.header().grid, &image.grid).unwrap();
                assert_eq!((turn.axes(), turn.repeats()), (axes, own != volumes));
                let bits = mask.bytes().chunks(8).map(|c| (0..c.len()).fold(0, |byte, i| byte | c[i] << i)).collect();
                for held in [Held::Bits(bits), Held::Bytes(mask.bytes().to_vec())] {
                    let turned = Turned::new(held, mask.header(), turn, &image);
                    let mut got = vec![9; total as usize];
                    let (mut at, mut step) = (0, 1);
                    while at < total as usize {
                        let end = (at + step).min(total as usize);
                        turned.read(at as u64, &mut got[at..end]).unwrap();
                        (at, step) = (end, step * 2 + 1);
                    }
                    assert_eq!(got, want, "{axes:?} {own} of {volumes}");
                }
            }
        }
    }
}
