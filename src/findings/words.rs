//! Numbers as people read them.

use crate::analysis::overlap::Absence;

/// A number with up to seven significant digits, without needless zeros.
pub fn number(value: f64) -> String {
    significant(value, 7)
}

/// The same among values that spread over `spread`: with more digits where seven do not show a thousandth of that.
pub fn number_among(value: f64, spread: f64) -> String {
    if !(spread > 0.0 && spread.is_finite()) {
        return number(value);
    }
    significant(value, (place(value) - place(spread) + 4).clamp(7, 17))
}

/// The power of ten of the first digit; 0 for 0.
fn place(value: f64) -> i32 {
    if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 }
}

fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{}", value + 0.0);
    }
    let magnitude = place(value);
    if !(-5..15).contains(&magnitude) {
        return format!("{value:.*e}", digits as usize - 1);
    }
    let text = format!("{value:.*}", (digits - 1 - magnitude).clamp(0, 16) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// How the numbers of a column are written, so that they can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    /// With so many decimals.
    Decimals(usize),
    /// As powers of ten, with so many decimals before the power.
    Powers(usize),
}

impl Digits {
    /// The most decimals that are written out.
    const LONGEST: i32 = 9;

    /// With `usual` decimals where these show three digits of something as large as `scale`; else with four digits of it, in numbers of up to
    /// `largest`.
    pub fn new(usual: usize, scale: f64, largest: f64) -> Self {
        let known = |v: f64| v > 0.0 && v.is_finite();
        let needed = match known(scale) {
            true if 2 - place(scale) > usual as i32 => 3 - place(scale),
            _ => usual as i32,
        };
        let first = if known(largest) { place(largest) } else { 0 };
        match needed <= Self::LONGEST && first < 15 {
            true => Self::Decimals(needed as usize),
            false => Self::Powers((needed + first).clamp(3, 16) as usize),
        }
    }

    /// A number of the column.
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Decimals(n) => format!("{value:.n$}"),
            Self::Powers(n) => format!("{value:.n$e}"),
        }
    }
}

/// A share or a size with so many decimals; one that these would show as less than half of their last digit, or as 0, with three digits of its own.
pub(super) fn decimals(value: f64, n: usize) -> String {
    let plain = format!("{value:.n$}");
    let lost = value != 0.0 && value.abs() < 5.0 * 10f64.powi(-(n as i32));
    if lost { significant(value, 3) } else { plain }
}

/// Why nothing is said of how well two label maps agree on a class.
pub(super) fn absence(absence: Absence) -> &'static str {
    match absence {
        Absence::FromBoth => "in neither",
        Absence::FromFound => "only in the reference",
        Absence::FromTruth => "not in the reference",
    }
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

/// CSV with tabs instead of commas between fields, and no quotes.
pub fn tabbed(csv: &str) -> String {
    let mut quoted = false;
    let field = |c: char| match c {
        '"' => {
            quoted = !quoted;
            None
        }
        ',' if !quoted => Some('\t'),
        other => Some(other),
    };
    csv.chars().filter_map(field).collect()
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
        assert_eq!(number(0.000_012_345_678), "0.00001234568");
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((real(40.0, "HU"), real(0.5, "")), ("40 HU".into(), "0.5".into()));
    }

    #[test]
    fn values_that_lie_close_together_keep_what_tells_them_apart() {
        assert_eq!([999_999.992, 1_000_000.008].map(|v| number_among(v, 0.016)), ["999999.992", "1000000.008"]);
        assert_eq!([16_777_216.0, 16_777_219.0].map(|v| number_among(v, 3.0)), ["16777216", "16777219"]);
        // Where seven digits are enough, nothing changes; a constant has no spread.
        for spread in [4095.0, 0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(
                [-1024.0, 0.07540697, 123_456_789.0].map(|v| number_among(v, spread)),
                ["-1024", "0.07540697", "123456789"]
            );
        }
        assert_eq!(number_among(1e-9, 1e-9), "1.000000e-9");
    }

    #[test]
    fn columns_have_the_usual_decimals_where_these_say_something() {
        let written = |scale, largest, v| Digits::new(4, scale, largest).write(v);
        assert_eq!(written(95.0, 1000.3, -1000.302), "-1000.3020");
        assert_eq!(written(0.05, 1.0, 0.05), "0.0500");
        assert_eq!((written(0.0, 7.5, 7.5), written(f64::NAN, 7.5, 7.5)), ("7.5000".into(), "7.5000".into()));
        assert_eq!(written(1.1e-4, 4e-4, 0.000_246_12), "0.0002461");
        assert_eq!(written(2e-9, 4e-8, 4.123_456e-8), "4.1235e-8");
        assert_eq!(written(0.0005, 1e6, 999_999.992), "999999.9920000");
        assert_eq!(written(3e20, 1e21, 1.25e21), "1.2500000000000000e21");
    }

    #[test]
    fn small_shares_are_not_written_as_nothing() {
        assert_eq!([0.403, 0.005, 0.0, 1234.5].map(|v| decimals(v, 3)), ["0.403", "0.005", "0.000", "1234.500"]);
        assert_eq!([0.0049, 0.0005, 1.25e-9].map(|v| decimals(v, 3)), ["0.0049", "0.0005", "1.25e-9"]);
    }

    #[test]
    fn tabs_stand_for_commas_between_fields() {
        assert_eq!(tabbed("a,b\n1,\"x, y\"\n"), "a\tb\n1\tx, y\n");
    }
}
