//! What the pixels of a page are: numbers of a type, and what they stand for.

use std::path::Path;

use super::directory::Directory;
use super::{damaged, lacking, tags};
use crate::Result;
use crate::io::Grey;
use crate::volume::Dtype;

/// What all pages of a volume have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelKind {
    pub(super) number: NumberFormat,
    pub(super) bits: usize,
    /// Numbers of a pixel.
    pub(super) samples: usize,
    pub(super) hue: Hue,
    /// The numbers of a pixel lie in planes of their own.
    pub(super) planar: bool,
    /// Low values are bright.
    pub(super) inverted: bool,
    /// The second number of grey, or the fourth of a colour, is transparency.
    pub(super) alpha: bool,
}

/// How a number is written (SampleFormat).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFormat {
    Unsigned,
    Signed,
    Float,
}

/// What the numbers of a pixel stand for (PhotometricInterpretation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hue {
    /// Each for itself: grey, or channels side by side.
    Grey,
    Rgb,
    /// JPEG, whose decoder gives red, green and blue.
    Ycbcr,
    /// The number of a colour.
    Palette,
    /// One bit: inside or outside.
    Mask,
}

impl PixelKind {
    pub(super) fn read(directory: &Directory<'_>) -> Result<Self> {
        let path = directory.file.path.as_path();
        let samples = directory.number(tags::SAMPLES)?.unwrap_or(1);
        let Some(samples @ 1..) = usize::try_from(samples).ok().filter(|n| *n <= 1 << 16) else {
            return Err(damaged(path, "pixels without a number"));
        };
        let bits = alike(directory, tags::BITS, samples, "depth")?.unwrap_or(1);
        let number = match alike(directory, tags::SAMPLE_FORMAT, samples, "type")?.unwrap_or(1) {
            // 4 is "undefined": as libtiff, the bits are taken as they are.
            1 | 4 => NumberFormat::Unsigned,
            2 => NumberFormat::Signed,
            3 => NumberFormat::Float,
            5 | 6 => return Err(lacking(path, "complex numbers as pixels")),
            other => return Err(damaged(path, format!("numbers of type {other}"))),
        };
        let extra = directory.numbers(tags::EXTRA_SAMPLES, 1 << 16)?.unwrap_or_default();
        let photometric = match (directory.number(tags::PHOTOMETRIC)?, samples) {
            (Some(number), _) => number,
            (None, 1) => 1,
            (None, _) => return Err(lacking(path, "colours of which the file does not say what they are")),
        };
        let hue = match photometric {
            0 | 1 => Hue::Grey,
            2 => Hue::Rgb,
            3 => Hue::Palette,
            4 => Hue::Mask,
            6 => Hue::Ycbcr,
            5 => return Err(lacking(path, "CMYK pixels, the inks of print")),
            8..=10 => return Err(lacking(path, "CIE L*a*b* pixels")),
            32803 | 34892 => return Err(lacking(path, "raw pixels of a camera")),
            other => return Err(lacking(path, format!("pixels of the kind (PhotometricInterpretation) {other}"))),
        };
        let colours = match hue {
            Hue::Rgb | Hue::Ycbcr => 3,
            _ => 1,
        };
        if samples < colours {
            return Err(damaged(path, format!("colours of {samples} numbers")));
        }
        let planar = directory.number(tags::PLANAR)? == Some(2) && samples > 1;
        let alpha = samples == colours + 1 && matches!(extra.first(), Some(1 | 2));
        let this = Self { number, bits: bits as usize, samples, hue, planar, inverted: photometric == 0, alpha };
        this.check(path)?;
        Ok(this)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let numbers = match self.number {
            NumberFormat::Unsigned => matches!(self.bits, 1 | 2 | 4 | 8..=16 | 32 | 64),
            NumberFormat::Signed => matches!(self.bits, 8 | 16 | 32 | 64),
            NumberFormat::Float => matches!(self.bits, 16 | 32 | 64),
        };
        if !numbers {
            return Err(lacking(path, format!("{self}")));
        }
        let known = match self.hue {
            Hue::Grey => true,
            Hue::Rgb => self.number == NumberFormat::Unsigned && matches!(self.bits, 8 | 16),
            Hue::Ycbcr => self.number == NumberFormat::Unsigned && self.bits == 8,
            Hue::Palette => self.number == NumberFormat::Unsigned && matches!(self.bits, 1 | 2 | 4 | 8 | 16) && self.samples == 1,
            Hue::Mask => self.bits == 1 && self.samples == 1,
        };
        if known { Ok(()) } else { Err(lacking(path, format!("{self}"))) }
    }

    /// How many channels lie side by side in a pixel, of which a volume takes one.
    pub(super) fn channels(&self) -> usize {
        match self.hue {
            Hue::Grey if !self.alpha => self.samples,
            _ => 1,
        }
    }

    /// Type of the voxels; `indexed` if its numbers count: the colours of a palette are for display only.
    pub(super) fn dtype(&self, indexed: bool) -> Dtype {
        match (self.number, self.bits) {
            _ if self.hue == Hue::Palette && !indexed => Dtype::U8,
            (NumberFormat::Unsigned, ..=8) => Dtype::U8,
            (NumberFormat::Unsigned, ..=16) => Dtype::U16,
            (NumberFormat::Unsigned, ..=32) => Dtype::U32,
            (NumberFormat::Unsigned, _) => Dtype::U64,
            (NumberFormat::Signed, ..=8) => Dtype::I8,
            (NumberFormat::Signed, ..=16) => Dtype::I16,
            (NumberFormat::Signed, ..=32) => Dtype::I32,
            (NumberFormat::Signed, _) => Dtype::I64,
            (NumberFormat::Float, ..=32) => Dtype::F32,
            (NumberFormat::Float, _) => Dtype::F64,
        }
    }

    /// Bytes of a sample once it is unpacked.
    pub(super) fn width(&self) -> usize {
        self.bits.div_ceil(8)
    }

    /// By what grey of less than eight bits is multiplied, so that white is 255; 1 for all others.
    pub(super) fn spread(&self) -> u8 {
        match (self.hue, self.bits) {
            (Hue::Grey | Hue::Mask, 1) => 255,
            (Hue::Grey, 2) => 85,
            (Hue::Grey, 4) => 17,
            _ => 1,
        }
    }

    /// Samples of grey as voxels; `as_stored` if their numbers count and not their greys.
    pub(super) fn voxels(&self, mut samples: Vec<u8>, as_stored: bool) -> Vec<u8> {
        if (self.number, self.bits) == (NumberFormat::Float, 16) {
            return samples.as_chunks().0.iter().flat_map(|half| widen(u16::from_le_bytes(*half)).to_le_bytes()).collect();
        }
        match self.spread() {
            1 => {}
            _ if as_stored => {}
            by => samples.iter_mut().for_each(|v| *v *= by),
        }
        samples
    }
}

impl std::fmt::Display for PixelKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = match self.number {
            NumberFormat::Unsigned => "",
            NumberFormat::Signed => "signed ",
            NumberFormat::Float => "float ",
        };
        let hue = match self.hue {
            Hue::Grey => "grey",
            Hue::Rgb => "RGB",
            Hue::Ycbcr => "YCbCr",
            Hue::Palette => "palette",
            Hue::Mask => "mask",
        };
        write!(f, "{}-bit {number}{hue} pixels", self.bits)?;
        if self.samples > 1 { write!(f, " of {} numbers", self.samples) } else { Ok(()) }
    }
}

/// The value that a field gives for each sample, which is the same for all.
fn alike(directory: &Directory<'_>, tag: u16, samples: usize, what: &str) -> Result<Option<u64>> {
    let Some(values) = directory.numbers(tag, 1 << 16)? else { return Ok(None) };
    let path = directory.file.path.as_path();
    let Some(&first) = values.first() else { return Err(damaged(path, format!("pixels without a {what}"))) };
    // One value may stand for all samples.
    if values.iter().take(samples).any(|v| *v != first) {
        return Err(lacking(path, format!("pixels whose numbers differ in {what}")));
    }
    Ok(Some(first))
}

/// The greys of a palette's colours (ColorMap: all reds, all greens, all blues, of 16 bits), one for each number.
pub(super) fn palette(directory: &Directory<'_>, kind: &PixelKind, grey: Grey) -> Result<Vec<u8>> {
    let colours = 1usize << kind.bits;
    let map = directory.numbers(tags::COLOUR_MAP, 3 << 16)?.unwrap_or_default();
    if map.len() != 3 * colours {
        return Err(damaged(&directory.file.path, format!("a palette of {} numbers for {colours} colours", map.len())));
    }
    // Some writers fill in bytes where the standard wants words: as for libtiff, a map without a larger number is one of theirs.
    let by = if map.iter().all(|v| *v < 256) { 257 } else { 1 };
    let of = |i: usize| (map[i] * by) as u16;
    // 65535 / 255 = 257: from 16 bits to 8 with rounding.
    let grey = |i| (u32::from(grey.of_u16(of(i), of(colours + i), of(2 * colours + i))) + 128) / 257;
    Ok((0..colours).map(|i| grey(i) as u8).collect())
}

/// A 16-bit float (IEEE 754 binary16) as a 32-bit one: exact.
fn widen(half: u16) -> f32 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1F), f32::from(half & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        0x1F if fraction == 0.0 => f32::INFINITY,
        0x1F => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_widened_exactly() {
        let cases =
            [(0x0000, 0.0), (0x3C00, 1.0), (0xC000, -2.0), (0x7BFF, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)];
        for (half, want) in cases {
            assert_eq!(widen(half), want);
        }
        assert_eq!((widen(0x7C00), widen(0xFC00)), (f32::INFINITY, f32::NEG_INFINITY));
        assert!(widen(0x7E00).is_nan() && widen(0x8000).is_sign_negative());
    }
}
