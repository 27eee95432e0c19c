//! The inverse discrete cosine transform of 8 x 8 coefficients (T.81 A.3.3) in whole numbers: one dimension after the other by the
//! algorithm of Loeffler, Ligtenberg and Moschytz (ICASSP 1989, figure 1) with constants of 13 bits. Scaling and rounding are those of libjpeg's
//! accurate integer transform, so that samples are the same. Sums wrap, which only coefficients that no image has can show.

use std::array::from_fn;

/// Fraction bits of the constants.
const FRACTION: u32 = 13;

const fn constant(value: f64) -> i32 {
    (value * 8192.0 + 0.5) as i32
}

const C0_298: i32 = constant(0.298_631_336);
const C0_390: i32 = constant(0.390_180_644);
const C0_541: i32 = constant(0.541_196_100);
const C0_765: i32 = constant(0.765_366_865);
const C0_899: i32 = constant(0.899_976_223);
const C1_175: i32 = constant(1.175_875_602);
const C1_501: i32 = constant(1.501_321_110);
const C1_847: i32 = constant(1.847_759_065);
const C1_961: i32 = constant(1.961_570_560);
const C2_053: i32 = constant(2.053_119_869);
const C2_562: i32 = constant(2.562_915_447);
const C3_072: i32 = constant(3.072_711_026);

/// Eight samples from eight coefficients, times the root of 8 and 2^[`FRACTION`].
#[inline(always)]
fn transform(c: [i32; 8]) -> [i32; 8] {
    let add = i32::wrapping_add;
    let sub = i32::wrapping_sub;
    let mul = i32::wrapping_mul;
    // Even part: a rotation by 6/16 of pi of the second and sixth.
    let both = mul(add(c[2], c[6]), C0_541);
    let (low, high) = (sub(both, mul(c[6], C1_847)), add(both, mul(c[2], C0_765)));
    let (sum, difference) = (add(c[0], c[4]) << FRACTION, sub(c[0], c[4]) << FRACTION);
    let even = [add(sum, high), add(difference, low), sub(difference, low), sub(sum, high)];
    // Odd part.
    let (p, q) = (mul(add(c[7], c[1]), C0_899), mul(add(c[5], c[3]), C2_562));
    let (r, s) = (add(c[7], c[3]), add(c[5], c[1]));
    let both = mul(add(r, s), C1_175);
    let (r, s) = (sub(both, mul(r, C1_961)), sub(both, mul(s, C0_390)));
    let odd = [
        add(sub(mul(c[1], C1_501), p), s),
        add(sub(mul(c[3], C3_072), q), r),
        add(sub(mul(c[5], C2_053), q), s),
        add(sub(mul(c[7], C0_298), p), r),
    ];
    from_fn(|i| if i < 4 { add(even[i], odd[i]) } else { sub(even[7 - i], odd[7 - i]) })
}

/// Transforms columns and divides by 2^`bits` to nearest: a loop over columns, which compilers turn into vectors.
#[inline(always)]
fn columns(from: &[[i32; 8]; 8], bits: u32) -> [[i32; 8]; 8] {
    let mut to = [[0; 8]; 8];
    for x in 0..8 {
        let done = transform(from_fn(|y| from[y][x]));
        for y in 0..8 {
            to[y][x] = done[y].wrapping_add(1 << (bits - 1)) >> bits;
        }
    }
    to
}

fn turned(from: &[[i32; 8]; 8]) -> [[i32; 8]; 8] {
    from_fn(|y| from_fn(|x| from[x][y]))
}

/// The 8 x 8 samples of dequantised coefficients in natural order. `PRECISION` is 8 or 12; of the coefficients none behind place `last` of the
/// zigzag order may differ from zero.
pub(super) fn inverse<const PRECISION: u32>(coefficients: &[i32; 64], last: usize) -> [[u16; 8]; 8] {
    // What the first pass keeps of the fraction: 32 bits must hold the second.
    let kept = if PRECISION == 8 { 2 } else { 1 };
    let (centre, top) = (1 << (PRECISION - 1), (1 << PRECISION) - 1);
    let sample = |value: i32| value.wrapping_add(centre).clamp(0, top) as u16;
    if last == 0 {
        let flat = (coefficients[0].wrapping_mul(1 << kept)).wrapping_add(1 << (kept + 2)) >> (kept + 3);
        return [[sample(flat); 8]; 8];
    }
    let rows: [[i32; 8]; 8] = from_fn(|y| from_fn(|x| coefficients[8 * y + x]));
    let half = columns(&rows, FRACTION - kept);
    let done = columns(&turned(&half), FRACTION + kept + 3);
    turned(&done).map(|row| row.map(sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition (A.3.3), in floats.
    fn defined(coefficients: &[i32; 64]) -> [f64; 64] {
        use std::f64::consts::{FRAC_1_SQRT_2, PI};
        std::array::from_fn(|i| {
            let wave =
                |x: usize, u: usize| ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos() * if u == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            let (x, y) = (i % 8, i / 8);
            (0..64).map(|k| f64::from(coefficients[k]) * wave(x, k % 8) * wave(y, k / 8)).sum::<f64>() / 4.0
        })
    }

    fn check<const PRECISION: u32>() {
        let (centre, top) = (f64::from(1 << (PRECISION - 1)), f64::from((1 << PRECISION) - 1));
        let mut state = 1u32;
        for round in 0..200 {
            let mut coefficients = [0; 64];
            for _ in 0..round % 20 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                coefficients[(state >> 26) as usize] = (state >> 8 & 0x1FF) as i32 - 256;
            }
            let out = inverse::<PRECISION>(&coefficients, 63);
            for (i, want) in defined(&coefficients).into_iter().enumerate() {
                let got = f64::from(out[i / 8][i % 8]);
                assert!((got - (want + centre).clamp(0.0, top)).abs() < 0.75, "{round} {i}: {got} for {want}");
            }
        }
    }

    #[test]
    fn it_is_the_transform_of_the_standard() {
        check::<8>();
        check::<12>();
    }

    #[test]
    fn the_short_way_is_the_long_way() {
        for value in -1100..1100 {
            let mut coefficients = [0; 64];
            coefficients[0] = value;
            assert_eq!(inverse::<8>(&coefficients, 0), inverse::<8>(&coefficients, 63));
        }
    }
}
