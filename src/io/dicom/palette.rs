//! Palettes: stored values that stand for colours.

use std::path::Path;

use super::dataset::Dataset;
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
    pub(super) fn table(&self, signed: bool, bits_allocated: u16, grey: Grey) -> Vec<u8> {
        (0..1u32 << bits_allocated)
            .map(|raw| {
                let stored = match (signed, bits_allocated) {
                    (true, 8) => i32::from(raw as u8 as i8),
                    (true, _) => i32::from(raw as u16 as i16),
                    (false, _) => raw as i32,
                };
                self.grey(stored, grey)
            })
            .collect()
    }
}
