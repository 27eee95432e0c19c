//! How pixels are laid out: checked against each other and against the size of the file before anything is allocated.

use std::path::Path;
use std::sync::Arc;

use super::bytes::Bytes;
use super::dataset::Dataset;
use super::elements::{PixelElement, Scan};
use super::lut::Lut;
use super::mosaic::Mosaic;
use super::palette::Palette;
use super::syntax::{Compression, Syntax};
use super::{CONVERT, FORMAT, broken, tags};
use crate::io::{Limits, OpenOptions};
use crate::volume::Dtype;
use crate::{Error, Result};

/// Each frame costs some memory beside its pixels.
const MAX_FRAMES: u64 = 1 << 20;

/// What samples mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Colour {
    Grey,
    /// Grey behind a table of real values.
    ModalityLut(Arc<Lut>),
    Palette(Arc<Palette>),
    Rgb,
    Ybr,
    /// Chroma at half the width; only native pixels look like that, codecs give whole ones.
    Ybr422,
}

/// The layout of one file's pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PixelLayout {
    pub(super) rows: u64,
    pub(super) columns: u64,
    pub(super) frames: u64,
    pub(super) samples: u64,
    /// All red samples, then all green, then all blue.
    pub(super) planar: bool,
    pub(super) bits_allocated: u16,
    pub(super) bits_stored: u16,
    pub(super) high_bit: u16,
    pub(super) signed: bool,
    pub(super) float: bool,
    pub(super) colour: Colour,
    /// Low values are bright (MONOCHROME1).
    pub(super) inverted: bool,
    /// Words in this range, beyond the bits stored, are the padding value as it is.
    pub(super) padding_words: Option<(u16, u16)>,
    /// A frame is several slices.
    pub(super) mosaic: Option<Mosaic>,
}

impl PixelLayout {
    /// What the header says, and in `remarks` what had to be assumed.
    pub(super) fn read(
        path: &Path,
        set: &Dataset,
        pixels: &PixelElement,
        syntax: &Syntax,
        remarks: &mut Vec<String>,
    ) -> Result<Self> {
        let exact = |tag| set.exact_one(tag).map_err(|flaw| broken(path, flaw.to_string()));
        // None is larger than 2³², so that products of two stay exact, whatever type the file gives them.
        let number = |tag, name: &str| match exact(tag)? {
            Some(n) if n >= 1.0 && n <= f64::from(u32::MAX) && n.fract() == 0.0 => Ok(n as u64),
            Some(n) => Err(broken(path, format!("{name} is {n}"))),
            None => Err(broken(path, format!("{name} is missing"))),
        };
        let rows = number(tags::ROWS, "Rows")?;
        let columns = number(tags::COLUMNS, "Columns")?;
        let frames = match exact(tags::FRAMES)? {
            None => 1,
            Some(0.0) => {
                remarks.push("NumberOfFrames is 0: it is taken as 1".into());
                1
            }
            Some(_) => number(tags::FRAMES, "NumberOfFrames")?,
        };
        let float = pixels.tag == tags::FLOAT_PIXELS || pixels.tag == tags::DOUBLE_PIXELS;
        let bits_allocated = match pixels.tag {
            tags::FLOAT_PIXELS => 32,
            tags::DOUBLE_PIXELS => 64,
            _ => {
                let bits = number(tags::BITS_ALLOCATED, "BitsAllocated")?;
                u16::try_from(bits).map_err(|_| broken(path, format!("BitsAllocated is {bits}")))?
            }
        };
        match bits_allocated {
            1 | 8 | 16 | 32 => {}
            64 if float => {}
            12 | 24 | 64 => {
                return Err(Error::unsupported(path, format!("pixels of {bits_allocated} bits are not supported"), CONVERT));
            }
            _ => return Err(broken(path, format!("BitsAllocated is {bits_allocated}"))),
        }
        let (bits_stored, high_bit) = if float {
            (bits_allocated, bits_allocated - 1)
        } else {
            let stored = exact(tags::BITS_STORED)?.unwrap_or(f64::from(bits_allocated)) as u16;
            (stored, exact(tags::HIGH_BIT)?.unwrap_or(f64::from(stored) - 1.0) as u16)
        };
        if bits_stored == 0 || bits_stored > bits_allocated || high_bit >= bits_allocated {
            return Err(broken(
                path,
                format!("{bits_stored} bits stored up to bit {high_bit} do not fit into {bits_allocated} bits allocated"),
            ));
        }
        let samples = if float { 1 } else { set.number(tags::SAMPLES).unwrap_or(1.0) as u64 };
        let photometric = set.text(tags::PHOTOMETRIC).unwrap_or(if samples == 1 { "MONOCHROME2" } else { "" });
        let mut layout = Self {
            rows,
            columns,
            frames,
            samples,
            planar: samples > 1 && set.number(tags::PLANAR) == Some(1.0),
            bits_allocated,
            bits_stored,
            high_bit,
            signed: !float && set.number(tags::SIGNED) == Some(1.0),
            float,
            colour: colour(path, set, photometric, samples, syntax)?,
            inverted: photometric == "MONOCHROME1",
            padding_words: None,
            mosaic: None,
        };
        if layout.samples == 3 && (layout.bits_allocated > 16 || layout.bits_allocated == 1 || layout.signed) {
            return Err(Error::unsupported(path, format!("colour of {bits_allocated} bits a sample is not supported"), CONVERT));
        }
        layout.check_meaning(path)?;
        layout.settle_padding(set);
        Ok(layout)
    }

    /// Refuses depths that what the samples mean does not go with.
    fn check_meaning(&self, path: &Path) -> Result<()> {
        let (bits, whole) = (self.bits_allocated, !self.float);
        let (fits, what) = match self.colour {
            Colour::Grey | Colour::Rgb | Colour::Ybr => return Ok(()),
            Colour::ModalityLut(_) => (whole && bits >= 8, "a Modality LUT"),
            Colour::Palette(_) => (whole && matches!(bits, 8 | 16), "a palette"),
            // Two pixels of a row share their chroma (PS3.3 C.7.6.3.1.2).
            Colour::Ybr422 if !self.columns.is_multiple_of(2) => {
                return Err(broken(
                    path,
                    format!("rows of {} pixels have no pairs that could share their colours", self.columns),
                ));
            }
            Colour::Ybr422 => (bits == 8, "chroma at half the width"),
        };
        if fits {
            return Ok(());
        }
        let kind = if self.float { "float pixels" } else { "pixels" };
        Err(Error::unsupported(path, format!("{bits}-bit {kind} with {what} are not supported"), CONVERT))
    }

    /// A padding value beyond the stored bits stays what it is where the rest is masked: masked, it would be a real value.
    fn settle_padding(&mut self, set: &Dataset) {
        let word = |tag| set.u16s(tag).first().copied();
        if let Some(first) = word(tags::PADDING)
            && self.bits_allocated == 16
            && !self.is_colour()
            && !self.fits(first)
        {
            let second = word(tags::PADDING_LIMIT).filter(|limit| !self.fits(*limit)).unwrap_or(first);
            self.padding_words = Some((first.min(second), first.max(second)));
        }
    }

    /// Where HighBit contradicts BitsStored (PS3.5 8.1.1 wants it one less), the pixels of the first frame decide: values lie in the
    /// low bits, as all writers have them now, unless nothing does and something lies above. Bits on both sides are refused.
    pub(super) fn settle_bits(
        &mut self,
        path: &Path,
        file: &Bytes,
        pixels: &PixelElement,
        scan: &Scan,
        remarks: &mut Vec<String>,
    ) -> Result<()> {
        if self.high_bit + 1 == self.bits_stored || self.float || self.bits_allocated == 1 {
            return Ok(());
        }
        let named = format!("HighBit is {}, with {} bits stored", self.high_bit, self.bits_stored);
        let mut low = self.high_bit < self.bits_stored;
        if !low {
            let inflated = if scan.syntax.deflated { Some(Bytes::memory(path, file.inflate(scan.dataset_at)?)) } else { None };
            let bytes = inflated.as_ref().unwrap_or(file).vec(pixels.at, self.frame_bits().div_ceil(8) as u64)?;
            let below = self.high_bit + 1 - self.bits_stored;
            let mut seen = 0_u32;
            for word in bytes.chunks_exact(usize::from(self.bits_allocated / 8)) {
                let mut wide = [0; 4];
                wide[..word.len()].copy_from_slice(word);
                if scan.syntax.big_endian {
                    wide[..word.len()].reverse();
                }
                seen |= u32::from_le_bytes(wide);
            }
            let (uses_low, uses_high) = (seen & ((1 << below) - 1) != 0, seen >> self.bits_stored != 0);
            if uses_low && uses_high {
                return Err(broken(
                    path,
                    format!("{named}, and the pixels use bits on both sides: which are values is not known"),
                ));
            }
            low = !uses_high;
        }
        if low {
            self.high_bit = self.bits_stored - 1;
        }
        remarks.push(format!("{named}: values are taken from the {} bits", if low { "low" } else { "high" }));
        Ok(())
    }

    /// Whole frames behind those that the header counts.
    pub(super) fn left_over(&self, pixels: &PixelElement) -> Option<String> {
        let found = u128::from(pixels.len?) * 8 / self.frame_bits().max(1);
        (found > u128::from(self.frames)).then(|| left_out(u64::try_from(found).unwrap_or(u64::MAX), self.frames))
    }

    /// Bits that voxels may use: all of them where padding lies beyond those stored.
    pub(super) fn bits_used(&self) -> u16 {
        if self.padding_words.is_some() { self.bits_allocated } else { self.bits_stored }
    }

    /// Slices in one frame.
    pub(super) fn tiles(&self) -> u64 {
        self.mosaic.map_or(1, |mosaic| mosaic.slices)
    }

    /// Columns and rows of a slice.
    pub(super) fn slice_size(&self) -> [u64; 2] {
        let across = self.mosaic.map_or(1, |mosaic| mosaic.across);
        [self.columns / across, self.rows / across]
    }

    /// Whether a 16-bit word is a value of the stored bits.
    fn fits(&self, word: u16) -> bool {
        let bits = u32::from(self.bits_stored);
        if self.signed {
            let value = i32::from(word as i16);
            value >= -(1 << (bits - 1)) && value < 1 << (bits - 1)
        } else {
            u32::from(word) < 1 << bits
        }
    }

    pub(super) fn is_colour(&self) -> bool {
        matches!(self.colour, Colour::Rgb | Colour::Ybr | Colour::Ybr422)
    }

    /// The type of the voxels handed out: colours become grey.
    pub(super) fn dtype(&self) -> Dtype {
        match (&self.colour, self.float, self.bits_allocated, self.signed) {
            (Colour::ModalityLut(_), ..) => Dtype::U16,
            (Colour::Palette(_), ..) | (_, _, 1, _) => Dtype::U8,
            (_, true, 32, _) => Dtype::F32,
            (_, true, ..) => Dtype::F64,
            (_, _, 8, false) => Dtype::U8,
            (_, _, 8, true) => Dtype::I8,
            (_, _, 16, false) => Dtype::U16,
            (_, _, 16, true) => Dtype::I16,
            (_, _, _, false) => Dtype::U32,
            (_, _, _, true) => Dtype::I32,
        }
    }

    /// Pixels of one frame.
    pub(super) fn pixels(&self) -> u64 {
        self.rows * self.columns
    }

    /// Bits of one frame as native pixels.
    pub(super) fn frame_bits(&self) -> u128 {
        let samples = if self.colour == Colour::Ybr422 { 2 } else { u128::from(self.samples) };
        u128::from(self.pixels()) * samples * u128::from(self.bits_allocated)
    }

    /// Checks what the header claims against the limit and against what the file holds.
    pub(super) fn check_size(
        &self,
        path: &Path,
        pixels: &PixelElement,
        syntax: &Syntax,
        file: u64,
        options: &OpenOptions,
    ) -> Result<()> {
        let native = matches!(syntax.compression, Compression::None);
        let needed = (self.frame_bits() * u128::from(self.frames)).div_ceil(8);
        let claim = || format!("{} x {} x {} pixels of {} bits", self.columns, self.rows, self.frames, self.bits_allocated);
        match (native, pixels.len) {
            (true, None) => return Err(broken(path, "uncompressed pixel data has no length")),
            (false, Some(_)) => return Err(broken(path, "the transfer syntax is a compressed one, but the pixel data is not")),
            (true, Some(len)) => {
                if !syntax.deflated && pixels.at.saturating_add(len) > file {
                    return Err(broken(path, "the file ends inside its pixel data"));
                }
                if u128::from(len) < needed {
                    return Err(broken(path, format!("{} need {needed} bytes, but there are {len}", claim())));
                }
            }
            // Eight bytes of item header for each frame at the least.
            (false, None) if u128::from(self.frames) * 8 > u128::from(file) => {
                return Err(broken(path, format!("{} cannot lie in a file of {file} bytes", claim())));
            }
            (false, None) => {}
        }
        if self.frames > MAX_FRAMES {
            return Err(Error::limit(
                path,
                format!("{} are more than {MAX_FRAMES} frames", claim()),
                "split the file with another tool",
            ));
        }
        let voxels = u128::from(self.pixels()) * u128::from(self.frames) * self.dtype().bytes() as u128;
        let bytes = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        if !native {
            // A compressed frame is decoded as a whole.
            options.limits(Limits::IMAGE).check(path, bytes(self.frame_bits().div_ceil(8)))?;
        }
        options.limits(FORMAT.limits).check(path, bytes(voxels))
    }
}

/// Frames that the header does not count.
pub(super) fn left_out(found: u64, counted: u64) -> String {
    format!("the pixel data holds {found} frames and the header counts {counted}: the others are left out")
}

fn colour(path: &Path, set: &Dataset, photometric: &str, samples: u64, syntax: &Syntax) -> Result<Colour> {
    let native = matches!(syntax.compression, Compression::None | Compression::Wrapped);
    Ok(match (photometric, samples) {
        ("MONOCHROME1" | "MONOCHROME2", 1) => match set.items(tags::MODALITY_LUT) {
            [] => Colour::Grey,
            [item, ..] => {
                let signed = set.number(tags::SIGNED) == Some(1.0);
                let lut = Lut::read(item, signed).ok_or_else(|| broken(path, "the Modality LUT cannot be read"))?;
                Colour::ModalityLut(Arc::new(lut))
            }
        },
        ("PALETTE COLOR", 1) => Colour::Palette(Arc::new(Palette::read(path, set)?)),
        ("RGB", 3) => Colour::Rgb,
        ("YBR_FULL_422", 3) if native => Colour::Ybr422,
        ("YBR_FULL" | "YBR_FULL_422", 3) => Colour::Ybr,
        // JPEG 2000 decoders undo these two by themselves.
        ("YBR_RCT" | "YBR_ICT", 3) if syntax.compression == Compression::Jpeg2000 => Colour::Rgb,
        ("MONOCHROME1" | "MONOCHROME2" | "PALETTE COLOR" | "RGB" | "YBR_FULL" | "YBR_FULL_422", _) => {
            return Err(broken(path, format!("{samples} samples a pixel do not fit the photometric interpretation")));
        }
        _ => return Err(Error::unsupported(path, "this photometric interpretation is not supported", CONVERT)),
    })
}
