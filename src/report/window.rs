//! From real values to greys.

use crate::analysis::windows::fraction;
use crate::volume::{Header, Window, WindowFunction};

/// The window in which a volume shows best: the first of the file's own that shows the data, else the range of the 1st to the
/// 99th percentile, else (if those are equal) the whole range.
///
/// `low` and `high` are the 1st and 99th percentile, `min` and `max` the extremes; all real values.
pub fn display_window(header: &Header, low: f64, high: f64, min: f64, max: f64) -> Window {
    let (low, high) = if high > low { (low, high) } else { (min, max) };
    header.display.windows.iter().copied().find(|w| shows(w, low, high)).unwrap_or(range(low, high))
}

/// The window from `low` to `high`; where there is nothing between them, one that makes them mid-grey.
fn range(low: f64, high: f64) -> Window {
    let width = if high > low { high - low } else { 1.0 };
    Window { center: low + (high - low) / 2.0, width, function: WindowFunction::LinearExact }
}

/// Whether a window is of use for data that lie mostly in `low..high`: a tenth of its greys or more are in use, and it
/// parts a hundredth of the range or more (a window on the brain alone takes 4 % of what a head CT spans).
fn shows(window: &Window, low: f64, high: f64) -> bool {
    let (left, right) = (window.center - window.width / 2.0, window.center + window.width / 2.0);
    let shared = right.min(high) - left.max(low);
    window.width > 0.0 && shared.is_finite() && shared >= 0.1 * window.width && shared >= 0.01 * (high - low)
}

/// A window together with the sense of the greys: what turns a real value into a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shade {
    /// The window.
    pub window: Window,
    /// Low values are bright (MONOCHROME1).
    pub inverted: bool,
}

impl Shade {
    /// Shows a volume in `window`.
    pub fn new(header: &Header, window: Window) -> Self {
        Self { window, inverted: header.display.inverted }
    }

    /// Shows `low` black and `high` white.
    pub fn over(header: &Header, low: f64, high: f64) -> Self {
        Self::new(header, range(low, high))
    }

    /// The grey of a real value; NaN is black, whatever the sense.
    pub fn grey(&self, real: f64) -> u8 {
        if real.is_nan() {
            return 0;
        }
        let grey = (fraction(&self.window, real) * 255.0).round_ties_even() as u8;
        if self.inverted { 255 - grey } else { grey }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Shape};

    fn shade(center: f64, width: f64, function: WindowFunction) -> Shade {
        Shade { window: Window { center, width, function }, inverted: false }
    }

    /// Worked by hand from the formulas of C.11.2.1.2.1 and C.11.2.1.3.
    #[test]
    fn the_standard_s_formulas() {
        use WindowFunction::*;
        let linear = shade(2048.0, 4096.0, Linear);
        assert_eq!([0.0, 4095.0, 4096.0, -1.0].map(|x| linear.grey(x)), [0, 255, 255, 0]);
        // ((50 - 39.5) / 399 + 0.5) · 255 = 134.21
        assert_eq!(shade(40.0, 400.0, Linear).grey(50.0), 134);
        // Width 1 is a threshold at c - 0.5.
        assert_eq!([9.0, 9.5, 9.6, 10.0].map(|x| shade(10.0, 1.0, Linear).grey(x)), [0, 0, 255, 255]);
        // ((50 - 40) / 400 + 0.5) · 255 = 133.875
        assert_eq!(shade(40.0, 400.0, LinearExact).grey(50.0), 134);
        assert_eq!([-160.0, -159.0, 240.0, 241.0].map(|x| shade(40.0, 400.0, LinearExact).grey(x)), [0, 1, 255, 255]);
        // 255 / (1 + e^-1) = 186.42 at a quarter of the width above the centre; 127.5 goes to the even 128.
        let sigmoid = shade(0.0, 4.0, Sigmoid);
        assert_eq!([0.0, 1.0, -1.0, 1e9].map(|x| sigmoid.grey(x)), [128, 186, 69, 255]);
    }

    #[test]
    fn inverted_pictures_are_the_complement() {
        let plain = shade(40.0, 400.0, WindowFunction::Linear);
        let inverted = Shade { inverted: true, ..plain };
        for x in -300..300 {
            assert_eq!(plain.grey(f64::from(x)) + inverted.grey(f64::from(x)), 255);
        }
        assert_eq!(inverted.grey(f64::NAN), 0);
    }

    #[test]
    fn the_file_s_window_is_taken_if_it_shows_the_data() {
        let mut header = Header::new(Shape::new(&[4, 4]).unwrap(), Dtype::I16);
        let window = |center, width| Window { center, width, function: WindowFunction::Linear };
        let chosen = |header: &Header| {
            let w = display_window(header, -1000.0, 600.0, -1024.0, 3071.0);
            (w.center, w.width)
        };
        assert_eq!(chosen(&header), (-200.0, 1600.0));
        header.display.windows = vec![window(40.0, 80.0)];
        assert_eq!(chosen(&header), (40.0, 80.0));
        // Nothing in it; a single grey step; far too wide.
        for useless in [window(3000.0, 400.0), window(0.0, 1.0), window(32768.0, 65536.0)] {
            header.display.windows = vec![useless, window(-600.0, 1500.0)];
            assert_eq!(chosen(&header), (-600.0, 1500.0));
        }
    }

    #[test]
    fn a_flat_image_is_mid_grey() {
        let header = Header::new(Shape::new(&[4, 4]).unwrap(), Dtype::U8);
        let shade = Shade::new(&header, display_window(&header, 7.0, 7.0, 7.0, 7.0));
        assert_eq!(shade.grey(7.0), 128);
    }
}
