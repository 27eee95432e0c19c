//! Colour pixels to grey ones.

use std::path::Path;

use super::elements::Dataset;
use super::layout::{Colour, Layout};
use super::{CONVERT, broken, tags};
use crate::io::Grey;
use crate::{Error, Result};

/// A palette: the colours of stored values from `first` on, as 16-bit numbers whatever the file's depth.
#[derive(Debug, PartialEq)]
pub(super) struct Palette {
    first: i32,
    colours: Vec<[u16; 3]>,
}

impl Palette {
    pub(super) fn read(path: &Path, set: &Dataset) -> Result<Self> {
        let descriptor = set.u16s(tags::PALETTE_RED);
        let &[entries, first, bits] = descriptor.as_slice() else {
            return Err(broken(path, "the palette has no descriptor"));
        };
        // A descriptor counts 65536 entries as 0.
        let entries = if entries == 0 { 65536 } else { usize::from(entries) };
        let channel = |tag| -> Result<Vec<u16>> {
            let raw = set
                .bytes(tag)
                .ok_or_else(|| Error::unsupported(path, "only palettes that list all their colours are supported", CONVERT))?;
            let words = set.u16s(tag);
            match bits {
                16 if words.len() >= entries => Ok(words),
                // Eight-bit entries come one to a word, or packed two to a word.
                8 if words.len() >= entries => Ok(words.into_iter().map(|w| (w & 0xFF) * 257).collect()),
                8 if raw.len() >= entries => Ok(words.iter().flat_map(|w| w.to_le_bytes()).map(|b| u16::from(b) * 257).collect()),
                _ => Err(broken(path, "the palette is shorter than its descriptor says")),
            }
        };
        let [r, g, b] = [channel(tags::PALETTE_RED_DATA)?, channel(tags::PALETTE_GREEN_DATA)?, channel(tags::PALETTE_BLUE_DATA)?];
        let colours = (0..entries).map(|i| [r[i], g[i], b[i]]).collect();
        let signed = set.number(tags::SIGNED) == Some(1.0);
        let first = if signed { i32::from(first as i16) } else { i32::from(first) };
        Ok(Self { first, colours })
    }

    /// The 8-bit grey of a stored value; values beyond the palette take its nearest end.
    fn grey(&self, stored: i32, grey: Grey) -> u8 {
        let i = stored.saturating_sub(self.first).clamp(0, self.colours.len() as i32 - 1);
        let [r, g, b] = self.colours[i as usize];
        // 65535 / 255 = 257: from 16 bits to 8 with rounding.
        ((u32::from(grey.of_u16(r, g, b)) + 128) / 257) as u8
    }

    /// The greys of all values a frame may hold.
    fn table(&self, layout: &Layout, grey: Grey) -> Vec<u8> {
        (0..1u32 << layout.bits_allocated)
            .map(|raw| {
                let stored = match (layout.signed, layout.bits_allocated) {
                    (true, 8) => i32::from(raw as u8 as i8),
                    (true, _) => i32::from(raw as u16 as i16),
                    (false, _) => raw as i32,
                };
                self.grey(stored, grey)
            })
            .collect()
    }
}

/// Greys of a frame of interleaved little-endian samples (or planes, or pairs, as the layout says).
pub(super) fn to_grey(layout: &Layout, samples: &[u8], grey: Grey) -> Vec<u8> {
    let n = layout.pixels() as usize;
    match &layout.colour {
        Colour::Grey => samples.to_vec(),
        Colour::Palette(palette) => {
            let table = palette.table(layout, grey);
            if layout.bits_allocated == 8 {
                samples.iter().map(|&s| table[usize::from(s)]).collect()
            } else {
                samples.chunks_exact(2).map(|s| table[usize::from(u16::from_le_bytes([s[0], s[1]]))]).collect()
            }
        }
        Colour::Ybr422 => samples
            .chunks_exact(4)
            .flat_map(|q| [ybr(q[0], q[2], q[3]), ybr(q[1], q[2], q[3])])
            .take(n)
            .map(|[r, g, b]| grey.of_u8(r, g, b))
            .collect(),
        Colour::Rgb | Colour::Ybr if layout.bits_allocated == 8 => {
            let full = layout.colour == Colour::Ybr;
            let (step, plane) = if layout.planar { (1, n) } else { (3, 1) };
            (0..n)
                .map(|i| {
                    let [a, b, c] = [0, 1, 2].map(|s| samples[i * step + s * plane]);
                    let [r, g, b] = if full { ybr(a, b, c) } else { [a, b, c] };
                    grey.of_u8(r, g, b)
                })
                .collect()
        }
        Colour::Rgb | Colour::Ybr => {
            let (step, plane) = if layout.planar { (1, n) } else { (3, 1) };
            (0..n)
                .flat_map(|i| {
                    let [r, g, b] = [0, 1, 2].map(|s| {
                        let at = 2 * (i * step + s * plane);
                        u16::from_le_bytes([samples[at], samples[at + 1]])
                    });
                    grey.of_u16(r, g, b).to_le_bytes()
                })
                .collect()
        }
    }
}

/// Full-range YCbCr to RGB (PS3.3 C.7.6.3.1.2).
fn ybr(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|v| v.round() as u8)
}
