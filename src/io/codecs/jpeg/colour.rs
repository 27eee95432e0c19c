//! YCbCr to RGB (ITU-T T.871 clause 7) in fixed point of 16 bits, rounded as libjpeg does.

/// What the components of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// To be handed out as they are.
    Plain,
    YCbCr,
}

/// A number in units of 2^-16.
const fn fixed(value: f64) -> i32 {
    (value * 65536.0 + 0.5) as i32
}

/// Turns rows of Y, Cb and Cr, all of the same length, into red, green and blue.
pub(super) fn convert(rows: &mut [Vec<u16>; 3], precision: u32) {
    let [y, cb, cr] = rows;
    for ((y, cb), cr) in y.iter_mut().zip(cb).zip(cr) {
        [*y, *cb, *cr] = rgb([*y, *cb, *cr], precision);
    }
}

/// Red, green and blue of a pixel of `precision` bits.
#[inline]
fn rgb([y, cb, cr]: [u16; 3], precision: u32) -> [u16; 3] {
    let (centre, top) = (1 << (precision - 1), (1 << precision) - 1);
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - centre, i32::from(cr) - centre);
    let half = 1 << 15;
    let red = y + ((fixed(1.402) * cr + half) >> 16);
    let green = y + ((half - fixed(0.344_14) * cb - fixed(0.714_14) * cr) >> 16);
    let blue = y + ((fixed(1.772) * cb + half) >> 16);
    [red, green, blue].map(|v| v.clamp(0, top) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_transform_of_the_standard() {
        for i in 0..4096u32 {
            let [y, cb, cr] = [i * 7, i * 31, i * 101].map(|v| (v % 256) as u16);
            let (fy, fb, fr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
            let want = [fy + 1.402 * fr, fy - 0.344_136 * fb - 0.714_136 * fr, fy + 1.772 * fb];
            for (got, want) in rgb([y, cb, cr], 8).into_iter().zip(want) {
                assert!((f64::from(got) - want.clamp(0.0, 255.0)).abs() < 0.51, "{y} {cb} {cr}: {got} for {want}");
            }
        }
        assert_eq!(rgb([2048, 2048, 2048], 12), [2048; 3]);
        assert_eq!(rgb([4095, 4095, 0], 12), [1224, 4095, 4095]);
    }
}
