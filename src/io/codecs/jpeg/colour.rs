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
    let each = if precision > MOST_NARROW { rgb::<true> } else { rgb::<false> };
    let [y, cb, cr] = rows;
    for ((y, cb), cr) in y.iter_mut().zip(cb).zip(cr) {
        [*y, *cb, *cr] = each([*y, *cb, *cr], precision);
    }
}

/// Products of samples of so many bits fit into 32; only lossless images have more.
const MOST_NARROW: u32 = 15;

/// Red, green and blue of a pixel of `precision` bits.
#[inline]
fn rgb<const WIDE: bool>(pixel: [u16; 3], precision: u32) -> [u16; 3] {
    let (centre, top) = (1 << (precision - 1), (1 << precision) - 1);
    // Of lossless samples with their sign extended only the low bits count.
    let [y, cb, cr] = pixel.map(|sample| i32::from(sample) & top);
    let (cb, cr) = (cb - centre, cr - centre);
    let red = y + weighted::<WIDE>([0, fixed(1.402)], [cb, cr]);
    let green = y + weighted::<WIDE>([-fixed(0.344_14), -fixed(0.714_14)], [cb, cr]);
    let blue = y + weighted::<WIDE>([fixed(1.772), 0], [cb, cr]);
    [red, green, blue].map(|v| v.clamp(0, top) as u16)
}

/// A weighted sum, rounded to a whole number.
#[inline]
fn weighted<const WIDE: bool>([a, b]: [i32; 2], [cb, cr]: [i32; 2]) -> i32 {
    let half = 1 << 15;
    if WIDE {
        let wide = i64::from;
        return ((wide(a) * wide(cb) + wide(b) * wide(cr) + i64::from(half)) >> 16) as i32;
    }
    (a * cb + b * cr + half) >> 16
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
            for (got, want) in rgb::<false>([y, cb, cr], 8).into_iter().zip(want) {
                assert!((f64::from(got) - want.clamp(0.0, 255.0)).abs() < 0.51, "{y} {cb} {cr}: {got} for {want}");
            }
        }
        assert_eq!(rgb::<false>([2048, 2048, 2048], 12), [2048; 3]);
        assert_eq!(rgb::<false>([4095, 4095, 0], 12), [1224, 4095, 4095]);
    }

    #[test]
    fn sixteen_bits_do_not_overflow() {
        let mut rows = [vec![40_000, 0, 65_535], vec![0, 65_535, 0], vec![65_535, 0, 0]];
        convert(&mut rows, 16);
        // 40000 + 1.402 * 32767, 40000 + 0.34414 * 32768 - 0.71414 * 32767, 40000 - 1.772 * 32768 and so on, within 0 and 65535.
        assert_eq!(rows, [vec![65_535, 0, 19_595], vec![27_877, 12_124, 65_535], vec![0, 58_063, 7_470]]);
    }

    #[test]
    fn extended_signs_do_not_count() {
        let mut rows = [vec![0xFF80, 0x80], vec![0xFFC0, 0xC0], vec![0xFF90, 0x90]];
        convert(&mut rows, 8);
        assert!(rows.iter().all(|row| row[0] == row[1] && row[0] < 256), "{rows:?}");
    }
}
