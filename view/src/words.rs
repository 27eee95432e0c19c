//! Numbers and places in words.

use std::path::Path;

/// The last part of a path.
pub fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A position, as its side says: `12.5 L, 3.0 P, 100.0 S`.
pub fn sides([x, y, z]: [f64; 3]) -> String {
    let one = |mm: f64, [minus, plus]: [char; 2]| {
        let text = format!("{:.1}", mm.abs());
        format!("{text} {}", if mm < 0.0 && text != "0.0" { minus } else { plus })
    };
    format!("{}, {}, {} mm", one(x, ['R', 'L']), one(y, ['A', 'P']), one(z, ['I', 'S']))
}

/// Three numbers in mm.
pub fn millimetres(position: [f64; 3]) -> String {
    // No minus before what is shown as 0.
    position.map(|mm| format!("{:.1}", if mm.abs() < 0.05 { 0.0 } else { mm })).join(" ")
}

/// A real value with as many digits as it needs.
pub fn real(value: f64, unit: &str) -> String {
    let number = if value.fract() == 0.0 && value.abs() < 1e9 { format!("{value:.0}") } else { format!("{value:.4}") };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// As shells read it.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_letters_and_zero_has_no_sign() {
        assert_eq!(sides([-12.54, 3.0, -0.01]), "12.5 R, 3.0 P, 0.0 S mm");
        assert_eq!(millimetres([-0.01, 1.25, -3.0]), "0.0 1.2 -3.0");
        assert_eq!((real(-1000.0, "HU"), real(0.25, "")), ("-1000 HU".into(), "0.2500".into()));
        assert_eq!((quoted("a b'c"), quoted("x/y.nii")), (r"'a b'\''c'".into(), "x/y.nii".into()));
    }
}
