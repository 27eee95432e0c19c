//! One frame's voxels: little-endian, masked and sign-extended to the bits stored, colours as grey.

use super::bytes::Bytes;
use super::elements::PixelElement;
use super::fragments::Fragments;
use super::layout::{Colour, PixelLayout};
use super::syntax::Syntax;
use super::{broken, colour, decode};
use crate::Result;
use crate::io::Grey;

/// Where one file's pixels are and how to read them.
pub(super) struct Pixels {
    pub(super) syntax: Syntax,
    pub(super) layout: PixelLayout,
    pub(super) element: PixelElement,
    /// Compressed only: the fragments of each frame.
    pub(super) frames: Vec<Fragments>,
    pub(super) grey: Grey,
}

impl Pixels {
    /// Whether any run of voxels can be read without the rest of its frame.
    pub(super) fn is_direct(&self) -> bool {
        self.frames.is_empty() && self.layout.colour == Colour::Grey && self.layout.mosaic.is_none() && !self.swapped_bytes()
    }

    /// 8-bit samples in 16-bit big-endian words.
    fn swapped_bytes(&self) -> bool {
        self.syntax.big_endian && self.element.words && self.layout.bits_allocated == 8
    }

    /// Fills `into` with the voxels of frame `frame` from `first` on. Needs [`Pixels::is_direct`], or pixels of one bit that are not compressed.
    pub(super) fn read_direct(&self, bytes: &Bytes, frame: u64, first: u64, into: &mut [u8]) -> Result<()> {
        let at = frame * self.layout.pixels() + first;
        if self.layout.bits_allocated == 1 {
            let packed = bytes.vec(self.element.at + at / 8, (at % 8 + into.len() as u64).div_ceil(8))?;
            for (i, voxel) in into.iter_mut().enumerate() {
                let bit = (at % 8) as usize + i;
                *voxel = packed[bit / 8] >> (bit % 8) & 1;
            }
            return Ok(());
        }
        bytes.read(self.element.at + at * u64::from(self.layout.bits_allocated / 8), into)?;
        self.finish(into, self.syntax.big_endian);
        Ok(())
    }

    /// All voxels of slice `i`, slices counted through all frames: of a mosaic each frame holds several.
    pub(super) fn read_slice(&self, bytes: &Bytes, i: u64) -> Result<Vec<u8>> {
        let Some(mosaic) = self.layout.mosaic else { return self.read_frame(bytes, i) };
        let frame = self.read_frame(bytes, i / mosaic.slices)?;
        Ok(mosaic.slice(i % mosaic.slices, &frame, self.layout.columns, self.layout.rows))
    }

    /// All voxels of frame `frame`.
    fn read_frame(&self, bytes: &Bytes, frame: u64) -> Result<Vec<u8>> {
        let layout = &self.layout;
        if let Some(fragments) = self.frames.get(frame as usize) {
            let mut data = Vec::new();
            for &(at, len) in fragments {
                data.append(&mut bytes.vec(at, len)?);
            }
            let (samples, now) = decode::decode(bytes.path(), &self.syntax, layout, &data)?;
            drop(data);
            return Ok(self.greys(samples, &now));
        }
        // A frame of bits may begin inside of a byte.
        if layout.bits_allocated == 1 {
            let mut voxels = vec![0; layout.pixels() as usize];
            self.read_direct(bytes, frame, 0, &mut voxels)?;
            return Ok(voxels);
        }
        let bits = layout.frame_bits();
        let (start, end) = (bits * u128::from(frame) / 8, (bits * u128::from(frame + 1)).div_ceil(8));
        let (Ok(start), Ok(end)) = (u64::try_from(start), u64::try_from(end)) else {
            return Err(broken(bytes.path(), "the pixels lie beyond the end of the file"));
        };
        if self.swapped_bytes() {
            // Whole words around the frame, swapped, then cut to size. The value has an even length.
            let from = start & !1;
            let mut samples = bytes.vec(self.element.at + from, end.next_multiple_of(2) - from)?;
            samples.chunks_exact_mut(2).for_each(<[u8]>::reverse);
            samples.drain(..(start - from) as usize);
            samples.truncate((end - start) as usize);
            return Ok(self.greys(samples, layout));
        }
        let mut samples = bytes.vec(self.element.at + start, end - start)?;
        if self.syntax.big_endian && layout.bits_allocated > 8 {
            samples.chunks_exact_mut(usize::from(layout.bits_allocated / 8)).for_each(<[u8]>::reverse);
        }
        Ok(self.greys(samples, layout))
    }

    fn greys(&self, mut samples: Vec<u8>, layout: &PixelLayout) -> Vec<u8> {
        if layout.bits_allocated == 1 {
            return (0..layout.pixels() as usize).map(|i| samples[i / 8] >> (i % 8) & 1).collect();
        }
        samples.truncate(layout.frame_bits().div_ceil(8) as usize);
        if layout.colour == Colour::Grey {
            self.finish(&mut samples, false);
            return samples;
        }
        self.mask(&mut samples);
        colour::to_grey(layout, &samples, self.grey)
    }

    /// Byte order, mask and sign.
    fn finish(&self, voxels: &mut [u8], swap: bool) {
        if swap && self.layout.bits_allocated > 8 {
            voxels.chunks_exact_mut(usize::from(self.layout.bits_allocated / 8)).for_each(<[u8]>::reverse);
        }
        self.mask(voxels);
    }

    /// Takes the stored bits out of the allocated ones and extends their sign; a padding value that lies beyond them stays what it is.
    fn mask(&self, voxels: &mut [u8]) {
        let PixelLayout { bits_allocated, bits_stored, high_bit, signed, float, padding_words, .. } = self.layout;
        if float || bits_stored == bits_allocated {
            return;
        }
        // To the top of the word, then down again: what lay above the high bit falls off, what comes in is zero or the sign.
        let (up, down) = (u32::from(bits_allocated - 1 - high_bit), u32::from(bits_allocated - bits_stored));
        match (bits_allocated, signed, padding_words) {
            (8, false, _) => voxels.iter_mut().for_each(|v| *v = (*v << up) >> down),
            (8, true, _) => voxels.iter_mut().for_each(|v| *v = (((*v << up) as i8) >> down) as u8),
            (16, false, None) => each(voxels, |b| ((u16::from_le_bytes(b) << up) >> down).to_le_bytes()),
            (16, true, None) => each(voxels, |b| (((u16::from_le_bytes(b) << up) as i16) >> down).to_le_bytes()),
            (16, _, Some((low, high))) => each(voxels, |b| match u16::from_le_bytes(b) {
                word if (low..=high).contains(&word) => b,
                word if signed => (((word << up) as i16) >> down).to_le_bytes(),
                word => ((word << up) >> down).to_le_bytes(),
            }),
            (_, false, _) => each(voxels, |b| ((u32::from_le_bytes(b) << up) >> down).to_le_bytes()),
            (_, true, _) => each(voxels, |b| (((u32::from_le_bytes(b) << up) as i32) >> down).to_le_bytes()),
        }
    }
}

fn each<const N: usize>(voxels: &mut [u8], f: impl Fn([u8; N]) -> [u8; N]) {
    for voxel in voxels.as_chunks_mut::<N>().0 {
        *voxel = f(*voxel);
    }
}
