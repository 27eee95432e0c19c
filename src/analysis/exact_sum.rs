//! Sums of f64 that do not depend on the order of the terms: any block size and any number of threads give the same bits.

/// An exact sum of up to 2⁷⁰ finite values.
///
/// Every f64 is ±m · 2^(e - 1075) with m < 2⁵³; the m of one exponent are summed as integers, so nothing is ever rounded until
/// [`ExactSum::value`] rounds once.
#[derive(Debug, Clone)]
pub struct ExactSum {
    by_exponent: Box<[i128]>,
}

const EXPONENTS: usize = 2047;

impl Default for ExactSum {
    fn default() -> Self {
        Self { by_exponent: vec![0; EXPONENTS].into() }
    }
}

impl ExactSum {
    /// Adds a finite value.
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as usize;
        let fraction = (bits & ((1 << 52) - 1)) as i128;
        // Denormals have exponent 1 and no hidden bit.
        let (place, mantissa) = if exponent == 0 { (1, fraction) } else { (exponent, fraction | 1 << 52) };
        self.by_exponent[place] += if bits >> 63 == 1 { -mantissa } else { mantissa };
    }

    /// Adds the terms of another sum.
    pub fn merge(&mut self, other: &Self) {
        for (a, b) in self.by_exponent.iter_mut().zip(&other.by_exponent) {
            *a += b;
        }
    }

    /// The sum, rounded once to nearest, ties to even.
    pub fn value(&self) -> f64 {
        // Two's complement in limbs of 32 bits; bit 0 is 2^-1074.
        const LIMBS: usize = (EXPONENTS + 128) / 32 + 2;
        let mut limbs = [0i64; LIMBS];
        for (place, sum) in self.by_exponent.iter().enumerate().skip(1) {
            if *sum == 0 {
                continue;
            }
            let shift = place - 1;
            let negative = *sum < 0;
            let magnitude = sum.unsigned_abs();
            // A shift by 0 to 31 bits within the limbs, then whole limbs.
            for part in 0..5 {
                let low = shift % 32;
                let piece = (magnitude.checked_shr(32 * part as u32).unwrap_or(0) as u32 as u64) << low;
                let sign = if negative { -1 } else { 1 };
                limbs[shift / 32 + part] += sign * (piece & 0xffff_ffff) as i64;
                limbs[shift / 32 + part + 1] += sign * (piece >> 32) as i64;
            }
        }
        let mut carry = 0;
        for limb in &mut limbs {
            let sum = *limb + carry;
            *limb = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
        let negative = carry < 0;
        if negative {
            let mut carry = 1;
            for limb in &mut limbs {
                let sum = (!*limb & 0xffff_ffff) + carry;
                *limb = sum & 0xffff_ffff;
                carry = sum >> 32;
            }
        }
        let Some(top) = limbs.iter().rposition(|l| *l != 0) else { return 0.0 };
        let highest = 32 * top + (63 - limbs[top].leading_zeros() as usize);
        let bit = |i: usize| limbs[i / 32] >> (i % 32) & 1 == 1;
        // 53 bits from the highest on, or all there are.
        let low = highest.saturating_sub(52);
        let mut mantissa = (low..=highest).rev().fold(0u64, |m, i| m << 1 | u64::from(bit(i)));
        if low > 0 {
            let half = bit(low - 1);
            let more = (0..low - 1).any(bit);
            mantissa += u64::from(half && (more || mantissa & 1 == 1));
        }
        let value = libm::ldexp(mantissa as f64, low as i32 - 1074);
        if negative { -value } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[f64]) -> f64 {
        let mut s = ExactSum::default();
        values.iter().for_each(|v| s.add(*v));
        s.value()
    }

    #[test]
    fn nothing_is_lost_to_cancellation() {
        assert_eq!(sum(&[1e300, 1.0, -1e300]), 1.0);
        assert_eq!(sum(&[1e16, 1.0, 1.0, -1e16]), 2.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[-5.5, 2.25]), -3.25);
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[f64::from_bits(1), f64::from_bits(1)]), f64::from_bits(2));
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
    }

    #[test]
    fn ties_go_to_even() {
        let one = 1.0f64;
        let half_ulp = f64::EPSILON / 2.0;
        assert_eq!(sum(&[one, half_ulp]), one);
        assert_eq!(sum(&[one, half_ulp, f64::from_bits(1)]), one + f64::EPSILON);
        assert_eq!(sum(&[one + f64::EPSILON, half_ulp]), one + 2.0 * f64::EPSILON);
    }

    #[test]
    fn any_order_and_any_split_give_the_same_bits() {
        let values: Vec<f64> = (0..1000u64)
            .map(|i| f64::from_bits(crate::ops::testing::noise(i)))
            .filter(|v| v.is_finite() && v.abs() < 1e300)
            .collect();
        let forward = sum(&values);
        let mut backward: Vec<f64> = values.clone();
        backward.reverse();
        assert_eq!(forward.to_bits(), sum(&backward).to_bits());
        let (mut a, mut b) = (ExactSum::default(), ExactSum::default());
        values.iter().enumerate().for_each(|(i, v)| if i % 3 == 0 { a.add(*v) } else { b.add(*v) });
        a.merge(&b);
        assert_eq!(forward.to_bits(), a.value().to_bits());
    }
}
