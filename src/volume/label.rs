//! What stored values stand for where a volume holds labels, or is a mask: real values, rounded to whole numbers.

use super::{Dtype, Rescale};

/// Stored values of one rescale as labels.
///
/// Labels are real values rounded to the nearest whole number, from which they may lie no farther than a tolerance: 0.01, or half a stored step
/// where that is more and a step is less than 1, and what float32 loses of slope and intercept besides; always less than a half. Programs that keep float labels as integers
/// (nibabel: real 0 … 4 as int16 with slope 4/65535) round each to the next stored step, so that it lies at most half a step off; and as long as a step is less than 1 no
/// two labels share a stored value. Maps of fractions are beyond the tolerance, and no labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelScale {
    dtype: Dtype,
    rescale: Rescale,
    /// The stored value of an integer type that stands for real 0, if there is one.
    zero: Option<f64>,
}

/// A stored value as a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounded {
    /// The nearest whole number.
    pub label: f64,
    /// How far from it the real value lies.
    pub distance: f64,
    /// Whether that is near enough.
    pub fits: bool,
}

/// The largest tolerance: nearer to one whole number than to the next.
const MOST: f64 = 0.49;

impl LabelScale {
    /// The tolerance where a stored step is finer.
    pub const TOLERANCE: f64 = 0.01;

    /// For stored values of this type and rescale.
    pub fn new(dtype: Dtype, rescale: Rescale) -> Self {
        let mut scale = Self { dtype, rescale, zero: None };
        if dtype.is_integer() {
            let (low, high) = dtype.limits();
            let nearest = rescale.stored(0.0).round_ties_even().clamp(low, high);
            let near = rescale.real(nearest).abs() <= rescale.slope.abs() / 2.0 + scale.rounding(nearest);
            scale.zero = near.then_some(nearest);
        }
        scale
    }

    /// What float32 may have lost of slope and intercept: a unit in the last place of each.
    fn rounding(&self, stored: f64) -> f64 {
        if self.rescale == Rescale::IDENTITY {
            return 0.0;
        }
        f64::from(f32::EPSILON) * ((self.rescale.slope * stored).abs() + self.rescale.intercept.abs())
    }

    /// Whether every stored value is a whole number by its type and rescale alone.
    pub fn is_whole(&self) -> bool {
        let Rescale { slope, intercept } = self.rescale;
        self.dtype.is_integer() && slope.fract() == 0.0 && intercept.fract() == 0.0
    }

    /// How far a real value may lie from a whole number.
    pub fn tolerance(&self, stored: f64) -> f64 {
        let step = self.rescale.slope.abs();
        let half = if self.dtype.is_integer() && step < 1.0 { step / 2.0 } else { 0.0 };
        (half.max(Self::TOLERANCE) + self.rounding(stored)).min(MOST)
    }

    /// The real value of a stored one.
    pub fn real(&self, stored: f64) -> f64 {
        self.rescale.real(stored)
    }

    /// The label of a stored value; NaN, which stands for "nothing here", is 0. Infinities fit nowhere.
    pub fn label(&self, stored: f64) -> Rounded {
        if stored.is_nan() {
            return Rounded { label: 0.0, distance: 0.0, fits: true };
        }
        let real = self.rescale.real(stored);
        if !real.is_finite() {
            return Rounded { label: 0.0, distance: f64::INFINITY, fits: false };
        }
        let label = real.round();
        let distance = (real - label).abs();
        Rounded { label, distance, fits: distance <= self.tolerance(stored) }
    }

    /// Whether a stored value stands for real 0, or is NaN: outside of a mask. Of an integer type that is the one stored value nearest to 0, if it lies
    /// within half a step; of floats what float32's rounding cannot tell from 0.
    pub fn is_zero(&self, stored: f64) -> bool {
        match self.zero {
            Some(zero) => stored == zero,
            None if self.dtype.is_integer() => false,
            None => stored.is_nan() || self.rescale.real(stored).abs() <= self.rounding(stored),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nibabel stores real values from `low` to `high`: slope and intercept rounded to float32.
    fn nibabel(low: f64, high: f64, dtype: Dtype) -> Rescale {
        let (first, last) = dtype.limits();
        let slope = f64::from(((high - low) / (last - first)) as f32);
        Rescale { slope, intercept: f64::from((low - first * slope) as f32) }
    }

    fn stored(rescale: Rescale, dtype: Dtype, real: f64) -> f64 {
        let (first, last) = dtype.limits();
        rescale.stored(real).round_ties_even().clamp(first, last)
    }

    #[test]
    fn labels_come_back_from_every_type_and_range_with_steps_below_one() {
        for dtype in [Dtype::U8, Dtype::I8, Dtype::I16, Dtype::U16] {
            for (low, high) in [(0, 1), (0, 4), (1, 3), (-1, 7), (0, 100), (0, 200), (7, 250)] {
                let rescale = nibabel(f64::from(low), f64::from(high), dtype);
                for rescale in [rescale, Rescale { slope: -rescale.slope, intercept: f64::from(low + high) - rescale.intercept }]
                {
                    let scale = LabelScale::new(dtype, rescale);
                    for label in low..=high {
                        let stored = stored(rescale, dtype, label.into());
                        let found = scale.label(stored);
                        assert!(found.fits && found.label == f64::from(label), "{dtype} {low} {high} {label}: {found:?}");
                        assert_eq!(scale.is_zero(stored), label == 0, "{dtype} {low} {high} {label}");
                    }
                }
            }
        }
    }

    #[test]
    fn steps_of_one_and_more_hold_labels_only_where_they_are_whole() {
        let coarse = LabelScale::new(Dtype::U8, nibabel(0.0, 1000.0, Dtype::U8));
        assert!(!coarse.label(1.0).fits && coarse.label(0.0).fits && coarse.label(255.0).fits);
        let double = LabelScale::new(Dtype::U8, Rescale { slope: 2.0, intercept: -4.0 });
        assert!(double.is_whole() && double.label(3.0) == Rounded { label: 2.0, distance: 0.0, fits: true });
        assert!(double.is_zero(2.0) && !double.is_zero(0.0));
    }

    #[test]
    fn fractions_are_no_labels_but_lie_inside_a_mask() {
        let share = LabelScale::new(Dtype::U8, Rescale { slope: f64::from(1.0f32 / 255.0), intercept: 0.0 });
        assert!(!share.label(94.0).fits && share.label(255.0).fits);
        assert!(share.is_zero(0.0) && !share.is_zero(1.0));
        let float = LabelScale::new(Dtype::F32, Rescale::IDENTITY);
        assert!(!float.label(0.37).fits && float.label(1.003_921_6).fits && !float.label(f64::INFINITY).fits);
        assert!(float.is_zero(0.0) && float.is_zero(f64::NAN) && !float.is_zero(1e-30) && !float.is_zero(f64::INFINITY));
        assert_eq!(float.label(f64::NAN).label, 0.0);
    }

    #[test]
    fn a_range_without_zero_has_no_background() {
        let scale = LabelScale::new(Dtype::U8, Rescale { slope: 0.5, intercept: 1.0 });
        assert!((0..=255).all(|v| !scale.is_zero(v.into())));
        // Floats whose intercept cancels: what float32 cannot tell from 0 is 0.
        let float = LabelScale::new(Dtype::F32, Rescale { slope: f64::from(0.1f32), intercept: f64::from(-0.3f32) });
        assert!(float.is_zero(3.0) && !float.is_zero(3.001));
    }
}
