//! Decimal strings (PS3.5 6.2, DS and IS) as real files write them: read where they can mean one number only, else refused with their text.
//! Nothing here ever turns into a default.

use super::tags;

/// The numbers of one value.
#[derive(Debug, PartialEq)]
pub(super) struct Numbers {
    /// At least one, all finite.
    pub(super) values: Vec<f64>,
    /// Some are written with a decimal comma, which the standard does not know.
    pub(super) comma: bool,
    /// The step of the last decimal that is written, 0 for binary numbers.
    pub(super) resolution: f64,
}

impl Numbers {
    pub(super) fn binary(values: Vec<f64>) -> Self {
        Self { values, comma: false, resolution: 0.0 }
    }
}

/// A value that should be a number.
#[derive(Debug, PartialEq)]
pub(super) struct Unreadable {
    what: String,
}

impl Unreadable {
    pub(super) fn new(tag: u32, text: &str) -> Self {
        Self { what: format!("{} is no number that can be read: \"{}\"", tags::named(tag), harmless(text)) }
    }

    pub(super) fn count(tag: u32, found: usize, wanted: usize) -> Self {
        let wanted = if wanted == 1 { "one number".into() } else { format!("{wanted} numbers") };
        Self { what: format!("{} should be {wanted} and is {found}", tags::named(tag)) }
    }

    pub(super) fn range(tag: u32, value: f64) -> Self {
        Self { what: format!("{} is {value:e}, which no scanner writes", tags::named(tag)) }
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// The numbers of a text, parted by backslashes; none if it is empty.
pub(super) fn read(tag: u32, text: &str) -> Result<Option<Numbers>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut numbers = Numbers { values: Vec::new(), comma: false, resolution: 1.0 };
    for part in text.split('\\') {
        let part = part.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace());
        // A comma is no character of a decimal string: where there is one, it stands for the point.
        let comma = part.matches(',').count() == 1 && !part.contains('.');
        let plain = if comma { part.replace(',', ".") } else { part.into() };
        let value = decimal(&plain).ok_or_else(|| Unreadable::new(tag, text))?;
        numbers.comma |= comma;
        numbers.resolution = numbers.resolution.min(resolution(&plain));
        numbers.values.push(value);
    }
    Ok(Some(numbers))
}

/// A finite decimal number: digits, sign, point and exponent, but none of the words that a parser may know.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|v: &f64| plain && v.is_finite())
}

/// The step of the last digit.
fn resolution(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    10.0_f64.powi(exponent.parse::<i32>().unwrap_or(0).saturating_sub(decimals.min(64) as i32).clamp(-64, 64))
}

/// The text of a number for a message: what numbers are made of, and known units. Other words could be a person's name.
fn harmless(text: &str) -> String {
    const WORDS: [&str; 12] = ["e", "E", "x", "HU", "hu", "mm", "cm", "NaN", "nan", "inf", "Inf", "None"];
    const LONGEST: usize = 48;
    let mut out = String::new();
    let mut word = String::new();
    let end = |word: &mut String, out: &mut String| {
        out.push_str(if word.is_empty() || WORDS.contains(&word.as_str()) { word } else { "…" });
        word.clear();
    };
    for c in text.chars().take(4 * LONGEST) {
        if c.is_alphabetic() {
            word.push(c);
        } else {
            end(&mut word, &mut out);
            out.push(if c.is_ascii_digit() || " +-.,\\".contains(c) { c } else { '?' });
        }
    }
    end(&mut word, &mut out);
    if out.chars().count() > LONGEST {
        out = out.chars().take(LONGEST).chain(['…']).collect();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<f64>> {
        read(tags::SLOPE, text).ok().flatten().map(|n| n.values)
    }

    #[test]
    fn one_meaning_is_read() {
        assert_eq!(values("1.5"), Some(vec![1.5]));
        assert_eq!(values(" -1024 \\+2e3"), Some(vec![-1024.0, 2000.0]));
        assert_eq!(values("-1024,0"), Some(vec![-1024.0]));
        assert!(read(tags::SLOPE, "0,5\\1").unwrap().unwrap().comma);
        assert_eq!(values(""), None);
    }

    #[test]
    fn anything_else_is_refused_with_its_text() {
        for (text, shown) in [
            ("-1024 HU", "-1024 HU"),
            ("NaN", "NaN"),
            ("inf", "inf"),
            ("1e999", "1e999"),
            ("1,024.5", "1,024.5"),
            ("1,024,5", "1,024,5"),
            ("1\\", "1\\"),
            ("--1", "--1"),
            ("0x10", "0x10"),
            ("Li^Jo", "…?…"),
            ("7 Müller", "7 …"),
        ] {
            let error = read(tags::INTERCEPT, text).unwrap_err().to_string();
            assert_eq!(error, format!("RescaleIntercept (0028,1052) is no number that can be read: \"{shown}\""), "{text}");
        }
    }

    #[test]
    fn the_last_digit_says_how_exact_a_number_is() {
        let of = |text: &str| read(tags::POSITION, text).unwrap().unwrap().resolution;
        assert_eq!(of("-12.5\\30\\7.25"), 0.01);
        assert_eq!(of("1\\2\\3"), 1.0);
        assert!((of("1.25e-1") - 0.001).abs() < 1e-15);
        assert!((of("3e2") - 1.0).abs() < 1e-15, "no coarser than one");
    }
}
