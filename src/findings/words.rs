//! Numbers as people read them.

/// A number with up to seven significant digits, without needless zeros.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{}", value + 0.0);
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-5..15).contains(&magnitude) {
        return format!("{value:.6e}");
    }
    let text = format!("{value:.*}", (6 - magnitude).clamp(0, 12) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Several numbers, ` x ` between them.
pub fn by(values: impl IntoIterator<Item = f64>) -> String {
    values.into_iter().map(number).collect::<Vec<_>>().join(" x ")
}

/// A count with its thousands apart.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its unit, which may be empty.
pub fn real(value: f64, unit: &str) -> String {
    with_unit(&number(value), unit)
}

/// A text with its unit, which may be empty.
pub(super) fn with_unit(text: &str, unit: &str) -> String {
    if unit.is_empty() { text.to_owned() } else { format!("{text} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!(
            [0.0, -0.0, 1.5, -1000.0, 0.07540697, 123456789.0].map(number),
            ["0", "0", "1.5", "-1000", "0.07540697", "123456789"]
        );
        assert_eq!([1e-9, 1e20, f64::NAN].map(number), ["1.000000e-9", "1.000000e20", "NaN"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((real(40.0, "HU"), real(0.5, "")), ("40 HU".into(), "0.5".into()));
    }
}
