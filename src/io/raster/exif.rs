//! Orientation by Exif (JEITA CP-3451, tag 274): how the pixels of a camera are to be turned before they are looked at.

/// The entry for the orientation, and its type: one word of 16 bits.
const TAG: u16 = 274;
const SHORT: u16 = 3;

/// How the first row and column of the pixels are to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Default for Orientation {
    /// As they are.
    fn default() -> Self {
        Self(1)
    }
}

impl Orientation {
    /// Of the TIFF structure that an Exif segment holds; as they are, where it says nothing that can be read.
    pub(super) fn read(tiff: &[u8]) -> Self {
        Self(value(tiff).filter(|v| (1..=8).contains(v)).unwrap_or(1) as u8)
    }

    /// Whether rows become columns.
    pub(super) fn swaps_axes(self) -> bool {
        self.0 > 4
    }

    /// What is done, if anything.
    pub(super) fn note(self) -> Option<String> {
        (self != Self::default()).then(|| format!("the image was turned as its Exif orientation {} says", self.0))
    }

    /// The pixels as they are to be shown: `columns` x `rows` of `bytes` bytes each, row by row.
    pub(super) fn turn(self, pixels: Vec<u8>, [columns, rows]: [usize; 2], bytes: usize) -> Vec<u8> {
        if self == Self::default() {
            return pixels;
        }
        let from_right = matches!(self.0, 2 | 3 | 7 | 8);
        let from_bottom = matches!(self.0, 3 | 4 | 6 | 7);
        let (width, height) = if self.swaps_axes() { (rows, columns) } else { (columns, rows) };
        let mut turned = Vec::with_capacity(pixels.len());
        for y in 0..height {
            for x in 0..width {
                let (column, row) = if self.swaps_axes() { (y, x) } else { (x, y) };
                let column = if from_right { columns - 1 - column } else { column };
                let row = if from_bottom { rows - 1 - row } else { row };
                turned.extend_from_slice(&pixels[(row * columns + column) * bytes..][..bytes]);
            }
        }
        turned
    }
}

/// The value of the entry in the first directory.
fn value(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..4)? {
        [b'M', b'M', 0, 42] => true,
        [b'I', b'I', 42, 0] => false,
        _ => return None,
    };
    let word = |at: usize| {
        let bytes = tiff.get(at..)?.first_chunk::<2>()?;
        Some(if big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    };
    let bytes = tiff.get(4..)?.first_chunk::<4>()?;
    let directory = if big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) } as usize;
    let entries = usize::from(word(directory)?);
    let entry = (0..entries).map(|i| directory + 2 + 12 * i).find(|&at| word(at) == Some(TAG))?;
    if word(entry + 2)? == SHORT { word(entry + 8) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(big: bool, orientation: u16) -> Vec<u8> {
        let word = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let long = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut all = if big { b"MM".to_vec() } else { b"II".to_vec() };
        all.extend(word(42));
        all.extend(long(8));
        all.extend(word(2));
        for (tag, value) in [(256, 7), (TAG, orientation)] {
            all.extend(word(tag));
            all.extend(word(SHORT));
            all.extend(long(1));
            all.extend(word(value));
            all.extend([0, 0]);
        }
        all
    }

    #[test]
    fn both_byte_orders_and_nonsense() {
        for (big, value) in [(true, 6), (false, 8), (false, 1)] {
            assert_eq!(Orientation::read(&tiff(big, value)), Orientation(value as u8));
        }
        for nonsense in [&tiff(true, 9)[..], &tiff(true, 0), &tiff(false, 6)[..30], b"II*\0\xff\xff\xff\xff", b""] {
            assert_eq!(Orientation::read(nonsense), Orientation(1));
        }
    }

    /// All eight on the pixels 1 2 3 / 4 5 6, as OpenCV turns them.
    #[test]
    fn all_eight_turns() {
        for (orientation, turned) in [
            (1, [1, 2, 3, 4, 5, 6]),
            (2, [3, 2, 1, 6, 5, 4]),
            (3, [6, 5, 4, 3, 2, 1]),
            (4, [4, 5, 6, 1, 2, 3]),
            (5, [1, 4, 2, 5, 3, 6]),
            (6, [4, 1, 5, 2, 6, 3]),
            (7, [6, 3, 5, 2, 4, 1]),
            (8, [3, 6, 2, 5, 1, 4]),
        ] {
            let words: Vec<u8> = (1..=6).flat_map(|v| [v, 100]).collect();
            let got = Orientation(orientation).turn(words, [3, 2], 2);
            assert_eq!(got.iter().step_by(2).copied().collect::<Vec<_>>(), turned, "{orientation}");
        }
    }
}
