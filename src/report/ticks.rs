//! Round numbers for axes and scale bars.

/// The smallest of 1, 2, 5 × 10ⁿ that is `at_least`.
pub(super) fn round_up(at_least: f64) -> f64 {
    if !(at_least.is_finite() && at_least > 0.0) {
        return 1.0;
    }
    let power = 10f64.powi(at_least.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|&step| step >= at_least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// Multiples of a round step in `low..=high`, about `wanted` of them at most, with their labels.
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    if !(low.is_finite() && high.is_finite() && high > low) {
        return Vec::new();
    }
    let step = round_up((high - low) / wanted.max(1) as f64);
    let first = (low / step - 1e-9).ceil();
    (0..=wanted + 1)
        .map(|i| (first + i as f64) * step)
        .take_while(|&x| x <= high + 1e-9 * step)
        .map(|x| (x, number(x, step)))
        .collect()
}

/// `x` with as many digits as its neighbours at distance `step` call for: with decimals, or where that is long as a power of ten.
pub(super) fn number(x: f64, step: f64) -> String {
    let x = if x.abs() < step * 1e-6 { 0.0 } else { x };
    let place = |v: f64| v.abs().log10().floor();
    let decimals = -place(step);
    if x == 0.0 {
        let decimals = if decimals > 4.0 { 0 } else { decimals.max(0.0) as usize };
        return format!("{x:.decimals$}");
    }
    // Behind the first digit.
    let digits = place(x) + decimals;
    let large = x.abs() >= 1e7 && digits <= 3.0;
    let text = if large || x.abs() < 1e-4 || x.abs() >= 1e15 || decimals > 9.0 {
        let text = format!("{x:.*e}", digits.clamp(3.0, 16.0) as usize);
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{power}", mantissa.trim_end_matches('0').trim_end_matches('.'))
    } else {
        format!("{x:.*}", decimals.max(0.0) as usize)
    };
    text.replace('-', "−")
}

/// A value for people: at most `digits` significant ones, no trailing zeros.
pub(super) fn short(x: f64, digits: i32) -> String {
    if x == 0.0 || !x.is_finite() {
        return number(x, 1.0);
    }
    let decimals = digits - 1 - x.abs().log10().floor() as i32;
    let text = number(x, 10f64.powi(-decimals));
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, wanted: usize) -> Vec<String> {
        ticks(low, high, wanted).into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(-1024.0, 3071.0, 6), ["−1000", "0", "1000", "2000", "3000"]);
        assert_eq!(labels(0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(0.0, 0.037, 4), ["0.00", "0.01", "0.02", "0.03"]);
        assert_eq!(labels(0.0, 65535.0, 4), ["0", "20000", "40000", "60000"]);
        // Far from zero, and small, neighbours are still told apart.
        assert_eq!(labels(16_777_216.0, 16_777_220.0, 5), ["16777216", "16777217", "16777218", "16777219", "16777220"]);
        assert_eq!(labels(999_999.992, 1_000_000.008, 4), ["999999.995", "1000000.000", "1000000.005"]);
        assert_eq!(labels(0.0, 5.4e-8, 3), ["0", "2e−8", "4e−8"]);
        assert_eq!(labels(1.02e-8, 1.08e-8, 3), ["1.02e−8", "1.04e−8", "1.06e−8", "1.08e−8"]);
        assert_eq!(labels(1e8, 4e8, 3), ["1e8", "2e8", "3e8", "4e8"]);
        assert!(ticks(1.0, 1.0, 5).is_empty());
        assert!(ticks(f64::NAN, 1.0, 5).is_empty());
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(short(0.123456, 3), "0.123");
        assert_eq!(short(75.0, 3), "75");
        assert_eq!(short(-1000.25, 3), "−1000");
        assert_eq!(short(0.5, 3), "0.5");
        assert_eq!(short(2e-7, 3), "2e−7");
        assert_eq!((short(123_456_789.0, 3).as_str(), short(1.5e-7, 3).as_str()), ("1.235e8", "1.5e−7"));
        assert_eq!((round_up(3.0), round_up(5.0), round_up(0.011)), (5.0, 5.0, 0.02));
    }
}
