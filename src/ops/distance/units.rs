//! Spacings in millimetres as whole numbers over a common unit.
//!
//! A file has its spacing as decimals, or as the `f32` nearest to them. The shortest decimal that gives the `f32` back is what was meant: 0.7, not 0.699999988. Over a common power
//! of ten, divided by their greatest common divisor, such decimals are small whole numbers, and squared distances exact.

/// Weights for the [distance](super), and what one of them is worth. Axes of one voxel have weight 0: there is nothing to walk along.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// Steps along x, y and z in units.
    pub weights: [u64; 3],
    /// One unit: millimetres are `√d² · unit_mm`, rounded by [`Units::millimetres`].
    pub unit_mm: f64,
    /// By how much distances may be off, relatively: 0 unless the exact weights were too large for 64 bits.
    pub error: f64,
    /// The square of the diagonal between the centres of opposite corners, below 2⁶².
    pub diagonal: u64,
    /// The unit exactly: `numerator · 10^exponent / denominator`.
    unit: (u64, i32, u64),
}

/// Squares of diagonals stay below.
const LIMIT: u64 = 1 << 62;

/// Coarser units tried: with two different spacings the best of so many is some 10⁵ times better than any.
const TRIALS: u64 = 1 << 16;

impl Units {
    /// Weights for voxels of `spacing_mm` in a volume of `shape`. `None` if an axis of more than one voxel has a spacing that, as `f32`, is no positive number.
    pub fn new(spacing_mm: [f64; 3], shape: [usize; 3]) -> Option<Self> {
        let steps = shape.map(|n| n.max(1) as u64 - 1);
        let mut decimals = [None; 3];
        for axis in (0..3).filter(|axis| steps[*axis] > 0) {
            decimals[axis] = Some(decimal(spacing_mm[axis])?);
        }
        let exponent = decimals.iter().flatten().map(|(_, exponent)| *exponent).min().unwrap_or(0);
        Some(exact(decimals, exponent, steps).unwrap_or_else(|| coarser(decimals, steps)))
    }

    /// Whether squared distances fit `u32`, which is twice as fast.
    pub fn fits_u32(&self) -> bool {
        self.diagonal < 1 << 31
    }

    /// A squared distance in millimetres: the `f32` nearest to `√d² · unit`, ties to even. All ones, no background, give infinity.
    #[inline]
    pub fn millimetres(&self, square: u64) -> f32 {
        self.nearest(square, (square as f64).sqrt() * self.unit_mm, 1)
    }

    /// A squared distance in square millimetres: the `f32` nearest to `d² · unit²`, ties to even. All ones give infinity.
    #[inline]
    pub fn square_millimetres(&self, square: u64) -> f32 {
        self.nearest(square, square as f64 * self.unit_mm * self.unit_mm, 2)
    }

    /// The `f32` nearest to a distance, or with `power` 2 to its square, that is `near` the f64 given.
    #[inline]
    fn nearest(&self, square: u64, near: f64, power: i32) -> f32 {
        if square == 0 || square == u64::MAX {
            return if square == 0 { 0.0 } else { f32::INFINITY };
        }
        // `near` is right to 50 bits or more. Only where the boundary between two `f32` may lie within that, the numbers are compared exactly. Denormals always are.
        let tail = near.to_bits() & 0x1fff_ffff;
        if tail.abs_diff(0x1000_0000) > 64 && near >= f64::from(f32::MIN_POSITIVE) {
            return near as f32;
        }
        self.rounded(square, near as f32, power)
    }

    /// Which of `guess` and its neighbours is the nearest.
    #[cold]
    fn rounded(&self, square: u64, guess: f32, power: i32) -> f32 {
        let middle = |a: f32, b: f32| (f64::from(a) + f64::from(b)) / 2.0;
        let even = |value: f32| value.to_bits() & 1 == 0;
        if guess.is_infinite() {
            return guess;
        }
        if guess > 0.0 {
            let order = self.against(square, middle(guess.next_down(), guess), power);
            if order.is_lt() || order.is_eq() && !even(guess) {
                return guess.next_down();
            }
        }
        let order = self.against(square, middle(guess, guess.next_up()), power);
        if order.is_gt() || order.is_eq() && !even(guess) { guess.next_up() } else { guess }
    }

    /// `√d² · unit`, or with `times` 2 the square of it, against a positive number, exactly: as products of whole numbers, those of a distance squared.
    fn against(&self, square: u64, number: f64, times: i32) -> std::cmp::Ordering {
        let (numerator, exponent, denominator) = self.unit;
        let bits = number.to_bits();
        let (mantissa, power) = match bits >> 52 {
            0 => (bits, -1074),
            biased => (bits & ((1 << 52) - 1) | 1 << 52, biased as i32 - 1075),
        };
        let (mut ours, mut theirs) = (vec![square, numerator, numerator], vec![denominator, denominator]);
        // The number stands twice beside the square of a distance, once beside a squared distance.
        let copies = 2 / times;
        theirs.extend(std::iter::repeat_n(mantissa, copies as usize));
        let mut raise = |base, by: i32, up: bool| {
            let side = if up == (by > 0) { &mut ours } else { &mut theirs };
            side.extend(std::iter::repeat_n(base, by.unsigned_abs() as usize));
        };
        raise(10, 2 * exponent, true);
        raise(2, copies * power, false);
        let (ours, theirs) = (product(&ours), product(&theirs));
        ours.len().cmp(&theirs.len()).then_with(|| ours.iter().rev().cmp(theirs.iter().rev()))
    }
}

/// Digits and exponent of the shortest decimal that gives the `f32` back; no zeros at the end.
fn decimal(mm: f64) -> Option<(u64, i32)> {
    let single = mm as f32;
    if !(single > 0.0 && single.is_finite()) {
        return None;
    }
    let text = format!("{single:e}");
    let (digits, exponent) = text.split_once('e')?;
    let places = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    Some((digits.replace('.', "").parse().ok()?, exponent.parse::<i32>().ok()? - places))
}

/// The decimals over 10^`exponent`, divided by their greatest common divisor, if the square of the diagonal allows.
fn exact(decimals: [Option<(u64, i32)>; 3], exponent: i32, steps: [u64; 3]) -> Option<Units> {
    let mut whole = [0; 3];
    for (whole, (digits, own)) in whole.iter_mut().zip(decimals).filter_map(|(whole, decimal)| Some((whole, decimal?))) {
        *whole = u128::from(digits).checked_mul(10u128.checked_pow((own - exponent).unsigned_abs())?)?;
    }
    let divisor = whole.iter().fold(0, |a, b| gcd(a, *b)).max(1);
    let mut weights = [0; 3];
    for (weight, whole) in weights.iter_mut().zip(whole) {
        *weight = u64::try_from(whole / divisor).ok()?;
    }
    // One of the numbers has its own digits, at most nine, so the divisor has no more.
    let unit = (divisor as u64, exponent, 1);
    Some(Units { weights, unit_mm: value(unit), error: 0.0, diagonal: diagonal(weights, steps)?, unit })
}

/// Weights of nearly the same proportions: the largest spacing as some whole number, the others rounded, with the least error of [`TRIALS`] tries from the largest
/// number that fits downwards.
fn coarser(decimals: [Option<(u64, i32)>; 3], steps: [u64; 3]) -> Units {
    let mm = decimals.map(|decimal| decimal.map_or(0.0, |(digits, exponent)| value((digits, exponent, 1))));
    let largest = (0..3).fold(0, |best, axis| if mm[axis] > mm[best] { axis } else { best });
    let ratios = mm.map(|own| own / mm[largest]);
    let length = (0..3).map(|axis| (ratios[axis] * steps[axis] as f64).powi(2)).sum::<f64>().sqrt();
    let most = ((LIMIT as f64).sqrt() / length) as u64 + 1;
    let mut best: Option<Units> = None;
    for weight in (1..=most).rev().take(TRIALS as usize) {
        // An axis so fine that it would be nothing is one unit: that error, too, is told.
        let weights =
            [0, 1, 2].map(|axis| if steps[axis] == 0 { 0 } else { (ratios[axis] * weight as f64).round().max(1.0) as u64 });
        let off =
            |axis: usize| if steps[axis] == 0 { 0.0 } else { (weights[axis] as f64 / weight as f64 / ratios[axis] - 1.0).abs() };
        let error = (0..3).map(off).fold(0.0, f64::max);
        if let Some(diagonal) = diagonal(weights, steps).filter(|_| best.as_ref().is_none_or(|best| error < best.error)) {
            let (digits, exponent) = decimals[largest].unwrap_or((1, 0));
            let unit = (digits, exponent, weight);
            best = Some(Units { weights, unit_mm: value(unit), error, diagonal, unit });
        }
    }
    best.expect("weights of 1 hold")
}

fn value((numerator, exponent, denominator): (u64, i32, u64)) -> f64 {
    let scaled: f64 = format!("{numerator}e{exponent}").parse().expect("digits and an exponent");
    scaled / denominator as f64
}

fn diagonal(weights: [u64; 3], steps: [u64; 3]) -> Option<u64> {
    let square = |axis: usize| weights[axis].checked_mul(steps[axis])?.checked_pow(2);
    (0..3).try_fold(0u64, |sum, axis| sum.checked_add(square(axis)?)).filter(|sum| *sum < LIMIT)
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The product of whole numbers, in words from the least on, without zeros at the end.
fn product(factors: &[u64]) -> Vec<u64> {
    let mut words = vec![1u64];
    for factor in factors {
        let mut carry = 0u128;
        for word in &mut words {
            carry += u128::from(*word) * u128::from(*factor);
            *word = carry as u64;
            carry >>= 64;
        }
        if carry > 0 {
            words.push(carry as u64);
        }
    }
    words
}
