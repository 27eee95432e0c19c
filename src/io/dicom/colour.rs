//! Colour pixels to grey ones.

use super::layout::{Colour, PixelLayout};
use crate::io::Grey;

/// Greys of a frame of interleaved little-endian samples (or planes, or pairs, as the layout says).
pub(super) fn to_grey(layout: &PixelLayout, samples: &[u8], grey: Grey) -> Vec<u8> {
    let n = layout.pixels() as usize;
    match &layout.colour {
        Colour::Grey => samples.to_vec(),
        Colour::ModalityLut(lut) => {
            let entry = |stored: i32| lut.entry(stored).to_le_bytes();
            match (layout.bits_allocated, layout.signed) {
                (8, false) => samples.iter().flat_map(|s| entry(i32::from(*s))).collect(),
                (8, true) => samples.iter().flat_map(|s| entry(i32::from(*s as i8))).collect(),
                (16, false) => samples.as_chunks().0.iter().flat_map(|s| entry(i32::from(u16::from_le_bytes(*s)))).collect(),
                (16, true) => samples.as_chunks().0.iter().flat_map(|s| entry(i32::from(i16::from_le_bytes(*s)))).collect(),
                (_, false) => {
                    samples.as_chunks().0.iter().flat_map(|s| entry(u32::from_le_bytes(*s).min(1 << 30) as i32)).collect()
                }
                (_, true) => samples.as_chunks().0.iter().flat_map(|s| entry(i32::from_le_bytes(*s))).collect(),
            }
        }
        Colour::Palette(palette) => {
            let table = palette.table(layout.signed, layout.bits_allocated, grey);
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
            let full = layout.colour == Colour::Ybr;
            let (step, plane) = if layout.planar { (1, n) } else { (3, 1) };
            (0..n)
                .flat_map(|i| {
                    let [r, g, b] = [0, 1, 2].map(|s| {
                        let at = 2 * (i * step + s * plane);
                        u16::from_le_bytes([samples[at], samples[at + 1]])
                    });
                    let [r, g, b] = if full { ybr_wide([r, g, b], layout.bits_stored) } else { [r, g, b] };
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

/// The same for samples of so many bits, nine to sixteen: half of unity is the middle.
fn ybr_wide([y, cb, cr]: [u16; 3], bits: u16) -> [u16; 3] {
    let (half, top) = (f64::from(1_u32 << (bits - 1)), f64::from((1_u32 << bits) - 1));
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - half, f64::from(cr) - half);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|v| v.round().clamp(0.0, top) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_colours_are_those_of_eight_bits() {
        for [y, cb, cr] in [[100, 128, 128], [200, 90, 140], [17, 255, 0], [255, 0, 255]] {
            let narrow = ybr(y, cb, cr);
            assert_eq!(ybr_wide([y, cb, cr].map(u16::from), 8), narrow.map(u16::from));
            let wide = ybr_wide([y, cb, cr].map(|v| u16::from(v) << 8), 16);
            assert!(wide.iter().zip(narrow).all(|(w, n)| w.abs_diff(u16::from(n) << 8) <= 256), "{wide:?} {narrow:?}");
        }
        assert_eq!(ybr_wide([2048, 2048, 2048], 12), [2048; 3]);
    }
}
