//! What a cell of a table holds.

/// A cell that should be a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberCell {
    /// Nothing, or a word for nothing.
    Missing,
    /// A finite number.
    Finite(f64),
    /// A number with a comma: of decimals or between thousands, which nobody can tell.
    Comma,
    /// Anything else.
    Text,
}

/// Words for a missing value, in small letters.
const NOTHING: [&str; 11] = ["", ".", "-", "?", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"];

pub(super) fn is_missing(text: &str) -> bool {
    text.len() <= 4 && NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text))
}

pub(super) fn number(text: &str) -> NumberCell {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => NumberCell::Finite(number),
        Err(_) if text.contains(',') && text.replace(',', "").parse::<f64>().is_ok() => NumberCell::Comma,
        _ => NumberCell::Text,
    }
}
