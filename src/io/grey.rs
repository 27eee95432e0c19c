//! Colour to grey: one number for each pixel, by a stated rule.

use crate::volume::Header;

/// The weights of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grey {
    /// 0.299 R + 0.587 G + 0.114 B in 15-bit fixed point, as OpenCV's `cvtColor` computes it.
    #[default]
    Rec601,
    /// 0.2125 R + 0.7154 G + 0.0721 B, the weights of scikit-image's `rgb2gray`, rounded to nearest, ties to even.
    Rec709,
}

impl Grey {
    /// The grey of an 8-bit pixel.
    pub fn of_u8(self, r: u8, g: u8, b: u8) -> u8 {
        // Either rule's weights sum to one, so the result never exceeds the brightest channel.
        self.weigh(r.into(), g.into(), b.into()) as u8
    }

    /// The grey of a 16-bit pixel.
    pub fn of_u16(self, r: u16, g: u16, b: u16) -> u16 {
        self.weigh(r.into(), g.into(), b.into()) as u16
    }

    /// Its name in notes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rec601 => "Rec. 601",
            Self::Rec709 => "Rec. 709",
        }
    }

    /// What a header says of voxels that were colours of this kind (`RGB`, `palette`).
    pub(super) fn of(self, kind: &str) -> String {
        format!("{kind}, read as grey by {}", self.name())
    }

    /// Says in a header that its voxels were colours of this kind (`RGB`, `palette`).
    pub(super) fn noted(self, kind: &str, header: &mut Header) {
        header.origin.colour = Some(self.of(kind));
        header.origin.notes.push(format!("colours were turned into grey ({})", self.name()));
    }

    fn weigh(self, r: u32, g: u32, b: u32) -> u32 {
        match self {
            // The weights sum to 2^15: the largest sum, 65535 * 32768 + 16384, still fits.
            Self::Rec601 => (9798 * r + 19235 * g + 3735 * b + 16384) >> 15,
            Self::Rec709 => (0.2125 * f64::from(r) + 0.7154 * f64::from(g) + 0.0721 * f64::from(b)).round_ties_even() as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_stays_grey() {
        for v in 0..=255 {
            assert_eq!((Grey::Rec601.of_u8(v, v, v), Grey::Rec709.of_u8(v, v, v)), (v, v));
        }
        for v in (0..=u16::MAX).step_by(5) {
            assert_eq!((Grey::Rec601.of_u16(v, v, v), Grey::Rec709.of_u16(v, v, v)), (v, v));
        }
    }

    #[test]
    fn pure_colours() {
        let of = |g: Grey| [g.of_u8(255, 0, 0), g.of_u8(0, 255, 0), g.of_u8(0, 0, 255)];
        assert_eq!(of(Grey::Rec601), [76, 150, 29]);
        assert_eq!(of(Grey::Rec709), [54, 182, 18]);
        assert_eq!(Grey::Rec601.of_u16(65535, 0, 0), 19596);
    }
}
