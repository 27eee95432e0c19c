//! Colour to grey, in whole numbers where the standard allows it, so that every machine gives the same voxels.

/// Which weights make grey of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grey {
    /// ITU-R BT.601 in 15-bit fixed point: the luma of JPEG and of most image libraries.
    #[default]
    Rec601,
    /// ITU-R BT.709 (0.2125, 0.7154, 0.0721), as scikit-image's `rgb2gray`; rounded to nearest, ties to even.
    Rec709,
}

impl Grey {
    /// The grey of an 8-bit colour.
    pub fn grey(self, r: u8, g: u8, b: u8) -> u8 {
        // All weights sum to one, so the result of an 8-bit colour is an 8-bit grey.
        self.grey16(u16::from(r), u16::from(g), u16::from(b)) as u8
    }

    /// The grey of a 16-bit colour.
    pub fn grey16(self, r: u16, g: u16, b: u16) -> u16 {
        match self {
            Self::Rec601 => ((9798 * u64::from(r) + 19235 * u64::from(g) + 3735 * u64::from(b) + 16384) >> 15) as u16,
            Self::Rec709 => (0.2125 * f64::from(r) + 0.7154 * f64::from(g) + 0.0721 * f64::from(b)).round_ties_even() as u16,
        }
    }

    /// Its name in notes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rec601 => "Rec. 601",
            Self::Rec709 => "Rec. 709",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_stay_as_they_are() {
        for v in 0..=255 {
            assert_eq!((Grey::Rec601.grey(v, v, v), Grey::Rec709.grey(v, v, v)), (v, v));
        }
        assert_eq!((Grey::Rec601.grey16(65535, 65535, 65535), Grey::Rec709.grey16(65535, 65535, 65535)), (65535, 65535));
    }

    #[test]
    fn pure_colours_by_hand() {
        // 0.299 · 255 = 76.2, 0.587 · 255 = 149.7, 0.114 · 255 = 29.1; 0.2125 · 255 = 54.2, 182.4, 18.4
        assert_eq!([(255, 0, 0), (0, 255, 0), (0, 0, 255)].map(|(r, g, b)| Grey::Rec601.grey(r, g, b)), [76, 150, 29]);
        assert_eq!([(255, 0, 0), (0, 255, 0), (0, 0, 255)].map(|(r, g, b)| Grey::Rec709.grey(r, g, b)), [54, 182, 18]);
    }
}
