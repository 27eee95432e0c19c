//! How voxels lie in a run of bytes, and how they become those of a [`crate::io::Source`].

use crate::Result;
use crate::io::{Grey, Role};
use crate::volume::{Dtype, Shape};

/// Where the voxels lie in the (uncompressed) file, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) struct VoxelLayout {
    pub(in crate::io) big_endian: bool,
    pub(in crate::io) offset: u64,
    pub(in crate::io) encoding: Encoding,
}

/// What one voxel is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum Encoding {
    /// One number of the header's type.
    Number(Dtype),
    /// A 16-bit float (IEEE 754 binary16), which is read as float32.
    Half,
    /// So many numbers (uint8 or uint16), the first three red, green and blue, which are read as their grey.
    Colour { channels: usize, dtype: Dtype, grey: Grey, role: Role },
    /// So many numbers in a place, which are read as so many volumes: the shape's last axis counts them.
    Interleaved { components: usize, dtype: Dtype },
}

/// Bytes of the file that are held at a time where its voxels are not those of the source.
const PIECE: usize = 1 << 18;

impl Encoding {
    /// Bytes in the file per voxel of the source.
    pub(in crate::io) const fn bytes(self) -> usize {
        match self {
            Self::Number(dtype) | Self::Interleaved { dtype, .. } => dtype.bytes(),
            Self::Half => 2,
            Self::Colour { channels, dtype, .. } => channels * dtype.bytes(),
        }
    }
}

impl VoxelLayout {
    /// Length that the uncompressed file must have at least.
    pub(in crate::io) fn end(&self, shape: &Shape) -> u64 {
        self.offset.saturating_add(shape.voxels().saturating_mul(self.encoding.bytes() as u64))
    }

    /// Reads voxels of a volume of `shape` from `at` on through `raw(byte, into)`, which fills a slice with the file's bytes, and gives them
    /// the form of [`crate::io::Source::read`].
    pub(super) fn decode(
        &self,
        shape: &Shape,
        at: u64,
        into: &mut [u8],
        mut raw: impl FnMut(u64, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let byte = self.offset + at * self.encoding.bytes() as u64;
        match self.encoding {
            Encoding::Number(dtype) => {
                raw(byte, into)?;
                if self.big_endian {
                    reverse_each(into, dtype.bytes());
                }
                Ok(())
            }
            Encoding::Half => self.pieces(byte, into, 4, &mut raw, |half, out| {
                let half = u16::from_le_bytes([half[0], half[1]]);
                out.copy_from_slice(&half_to_f32(half).to_le_bytes());
            }),
            Encoding::Colour { dtype: Dtype::U8, grey, role, .. } => self.pieces(byte, into, 1, &mut raw, |p, out| {
                let least = role.least_grey([p[0], p[1], p[2]] == [0; 3]);
                out[0] = grey.of_u8(p[0], p[1], p[2]).max(least);
            }),
            Encoding::Colour { grey, role, .. } => self.pieces(byte, into, 2, &mut raw, |p, out| {
                let channel = |i: usize| u16::from_le_bytes([p[2 * i], p[2 * i + 1]]);
                let colour = [channel(0), channel(1), channel(2)];
                let least = role.least_grey(colour == [0; 3]).into();
                out.copy_from_slice(&grey.of_u16(colour[0], colour[1], colour[2]).max(least).to_le_bytes());
            }),
            Encoding::Interleaved { components, dtype } => {
                let places = shape.voxels() / components as u64;
                self.component(components * dtype.bytes(), dtype.bytes(), (at / places, at % places, places), into, &mut raw)
            }
        }
    }

    /// Reads the file's voxels from `byte` on and turns each into one of `size` bytes.
    fn pieces(
        &self,
        byte: u64,
        into: &mut [u8],
        size: usize,
        raw: &mut impl FnMut(u64, &mut [u8]) -> Result<()>,
        each: impl Fn(&[u8], &mut [u8]),
    ) -> Result<()> {
        let from = self.encoding.bytes();
        let number = if let Encoding::Colour { dtype, .. } = self.encoding { dtype.bytes() } else { from };
        let most = PIECE / from;
        let mut piece = vec![0; from * most.min(into.len() / size)];
        for (i, out) in into.chunks_mut(most * size).enumerate() {
            let piece = &mut piece[..out.len() / size * from];
            raw(byte + (i * most * from) as u64, piece)?;
            if self.big_endian {
                reverse_each(piece, number);
            }
            for (out, voxel) in out.chunks_exact_mut(size).zip(piece.chunks_exact(from)) {
                each(voxel, out);
            }
        }
        Ok(())
    }

    /// Picks numbers of `size` bytes out of places of `stride` bytes: from place `at` of component `c` on, going on with the next component
    /// where the places are at their end.
    fn component(
        &self,
        stride: usize,
        size: usize,
        (mut c, mut at, places): (u64, u64, u64),
        into: &mut [u8],
        raw: &mut impl FnMut(u64, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let most = (PIECE / stride).max(1);
        let mut piece = vec![0; stride * most.min(into.len() / size)];
        let mut rest = &mut *into;
        while !rest.is_empty() {
            let n = (rest.len() / size).min(most).min(usize::try_from(places - at).unwrap_or(most));
            let (now, later) = rest.split_at_mut(n * size);
            let piece = &mut piece[..n * stride];
            raw(self.offset + at * stride as u64, piece)?;
            for (out, place) in now.chunks_exact_mut(size).zip(piece.chunks_exact(stride)) {
                out.copy_from_slice(&place[c as usize * size..][..size]);
            }
            at += n as u64;
            if at == places {
                (c, at) = (c + 1, 0);
            }
            rest = later;
        }
        if self.big_endian {
            reverse_each(into, size);
        }
        Ok(())
    }
}

pub(in crate::io) fn reverse_each(bytes: &mut [u8], size: usize) {
    // A length known at compile time turns each of these into a byte swap.
    match size {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|v| v.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|v| v.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|v| v.reverse()),
        _ => {}
    }
}

/// The value of a 16-bit float, exactly: one bit of sign, five of exponent (bias 15), ten of fraction.
fn half_to_f32(half: u16) -> f32 {
    let (exponent, fraction) = (i32::from(half >> 10 & 31), f32::from(half & 1023));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        e => (1024.0 + fraction) * 2f32.powi(e - 25),
    };
    if half >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(layout: VoxelLayout, axes: &[u64], file: &[u8], (at, voxels, size): (u64, usize, usize)) -> Vec<u8> {
        let mut out = vec![0xee; voxels * size];
        let raw = |byte: u64, into: &mut [u8]| {
            into.copy_from_slice(&file[byte as usize..][..into.len()]);
            Ok(())
        };
        layout.decode(&Shape::new(axes).unwrap(), at, &mut out, raw).unwrap();
        out
    }

    #[test]
    fn components_in_a_place_become_volumes() {
        // Three components in each of 2 x 2 places: 10 times the place and the component.
        let numbers: Vec<u16> = (0..4u16).flat_map(|p| (0..3u16).map(move |c| 10 * p + c)).collect();
        for big_endian in [false, true] {
            let file: Vec<u8> = numbers.iter().flat_map(|v| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() }).collect();
            let layout =
                VoxelLayout { big_endian, offset: 0, encoding: Encoding::Interleaved { components: 3, dtype: Dtype::U16 } };
            let want: Vec<u16> = (0..3).flat_map(|c| (0..4).map(move |p| 10 * p + c)).collect();
            for at in 0..12usize {
                for n in 1..=12 - at {
                    let got = read(layout, &[2, 2, 1, 3], &file, (at as u64, n, 2));
                    let got: Vec<u16> = got.as_chunks().0.iter().map(|v| u16::from_le_bytes(*v)).collect();
                    assert_eq!(got, want[at..at + n], "{at} {n}");
                }
            }
        }
    }

    #[test]
    fn colours_of_either_width_become_grey() {
        let layout = |big_endian, dtype| VoxelLayout {
            big_endian,
            offset: 1,
            encoding: Encoding::Colour { channels: 4, dtype, grey: Grey::Rec601, role: Role::Image },
        };
        let narrow = [9, 255, 0, 0, 7, 10, 10, 10, 7];
        assert_eq!(read(layout(false, Dtype::U8), &[2], &narrow, (0, 2, 1)), [76, 10]);
        let wide = [9, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 1, 2, 1, 2, 1, 2, 7, 7];
        assert_eq!(
            read(layout(true, Dtype::U16), &[2], &wide, (0, 2, 2)),
            [19596u16.to_le_bytes(), 0x0102u16.to_le_bytes()].concat()
        );
        assert_eq!(read(layout(false, Dtype::U16), &[2], &wide, (1, 1, 2)), 0x0201u16.to_le_bytes());
    }

    #[test]
    fn halves_are_the_numbers_that_they_are() {
        // The largest, the smallest normal and subnormal one, the next above one, the nearest to a third.
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0x3c01, 1.0 + 1.0 / 1024.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 1.0 / 16384.0),
            (0x0001, 1.0 / 16_777_216.0),
            (0x3555, 1365.0 / 4096.0),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half_to_f32(bits), value, "{bits:04x}");
        }
        assert!(
            half_to_f32(0x8000).is_sign_negative() && half_to_f32(0xfc00) == f32::NEG_INFINITY && half_to_f32(0x7e00).is_nan()
        );
        let layout = VoxelLayout { big_endian: true, offset: 0, encoding: Encoding::Half };
        assert_eq!(read(layout, &[2], &[0, 0, 0xc0, 0], (1, 1, 4)), (-2f32).to_le_bytes());
    }
}
