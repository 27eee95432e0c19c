//! Sums of f64 that do not depend on the order of the terms: any block size and any number of threads give the same bits.

/// An exact sum of up to 2⁷⁰ finite values.
///
/// Every f64 is ±m · 2^(e - 1075) with m < 2⁵³; the m of one exponent are summed as integers, so nothing is ever rounded until
/// [`ExactSum::value`] rounds once.
#[derive(Clone)]
pub(super) struct ExactSum {
    by_exponent: Box<[i128]>,
    /// What was added last, upper and lower half of each m apart: sums of 64 bits take a third of the time of those of 128.
    recent: Box<[[[i64; 2]; LANES]]>,
    /// Terms in `recent`.
    pending: u64,
}

const EXPONENTS: usize = 2047;

/// Terms take turns, for those of one exponent follow each other and each would wait for the one before.
const LANES: usize = 4;

/// Of the 53 bits of m, those in the lower half.
const LOW_BITS: u32 = 26;

/// 2³⁴ halves of 27 bits fit 64 bits.
const MOST_PENDING: u64 = 1 << 34;

impl Default for ExactSum {
    fn default() -> Self {
        Self { by_exponent: vec![0; EXPONENTS].into(), recent: vec![[[0; 2]; LANES]; EXPONENTS + 1].into(), pending: 0 }
    }
}

impl ExactSum {
    /// Adds a finite value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as usize;
        // Denormals have exponent 1 and no hidden bit.
        let mantissa = (bits & ((1 << 52) - 1)) as i64 | i64::from(exponent != 0) << 52;
        // All ones for a negative value: x ^ sign - sign is then -x.
        let sign = bits as i64 >> 63;
        let sums = &mut self.recent[exponent.max(1)][self.pending as usize % LANES];
        sums[0] += ((mantissa & ((1 << LOW_BITS) - 1)) ^ sign) - sign;
        sums[1] += ((mantissa >> LOW_BITS) ^ sign) - sign;
        self.pending += 1;
        if self.pending == MOST_PENDING {
            self.settle();
        }
    }

    fn settle(&mut self) {
        for place in 0..EXPONENTS {
            self.by_exponent[place] = self.at(place);
            self.recent[place] = [[0; 2]; LANES];
        }
        self.pending = 0;
    }

    /// The sum of all m of one exponent.
    fn at(&self, place: usize) -> i128 {
        let halves = self.recent[place].iter().map(|[low, high]| i128::from(*low) + (i128::from(*high) << LOW_BITS));
        self.by_exponent[place] + halves.sum::<i128>()
    }

    pub fn merge(&mut self, other: &Self) {
        for (place, sum) in self.by_exponent.iter_mut().enumerate() {
            *sum += other.at(place);
        }
    }

    /// The sum, rounded once to nearest, ties to even.
    pub fn value(&self) -> f64 {
        // Two's complement in limbs of 32 bits; bit 0 is 2^-1074.
        const LIMBS: usize = (EXPONENTS + 128) / 32 + 2;
        let mut limbs = [0i64; LIMBS];
        for place in 1..EXPONENTS {
            let sum = self.at(place);
            if sum == 0 {
                continue;
            }
            let shift = place - 1;
            let negative = sum < 0;
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
    fn settled_terms_count_as_much_as_recent_ones() {
        let mut s = ExactSum::default();
        for v in [1e300, -1e300, 0.1, -0.3, f64::from_bits(3), -f64::MIN_POSITIVE] {
            s.add(v);
            s.settle();
        }
        assert_eq!(s.value(), sum(&[0.1, -0.3, f64::from_bits(3), -f64::MIN_POSITIVE]));
        assert_eq!(s.value(), 0.1 - 0.3);
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
