//! DICOM display windows (PS3.3 C.11.2.1.2): the three functions, and the usual windows of CT; and display tables (C.11.2.1.1).

use crate::volume::{VoiLut, Window, WindowFunction};
use crate::{Error, Result};

/// The usual windows of CT by name: (name, centre, width) in HU.
///
/// Values as radiology teaching gives them (Radiopaedia, "Windowing (CT)"); stroke is the narrow one of Lev et al., Radiology 1999.
/// Departments differ by some tens of HU: where it matters, give centre and width.
pub const PRESETS: [(&str, f64, f64); 8] = [
    ("lung", -600.0, 1500.0),
    ("bone", 400.0, 1800.0),
    ("brain", 40.0, 80.0),
    ("soft-tissue", 40.0, 400.0),
    ("abdomen", 50.0, 400.0),
    ("liver", 30.0, 150.0),
    ("mediastinum", 50.0, 350.0),
    ("stroke", 32.0, 8.0),
];

/// The preset of that name, whatever the case of its letters: its name as [`PRESETS`] has it, and the window with the standard's default function.
///
/// # Errors
/// [`Error::Usage`] with all names, if there is none.
pub fn named(name: &str) -> Result<(&'static str, Window)> {
    let known = PRESETS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name.trim()));
    let (name, center, width) = known.ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.0).collect();
        Error::usage(format!("there is no window {name:?}"), format!("give one of {}, or centre and width", names.join(", ")))
    })?;
    Ok((name, Window { center: *center, width: *width, function: WindowFunction::Linear }))
}

/// Where in the window a real value lies, 0 to 1.
pub fn fraction(window: &Window, real: f64) -> f64 {
    let Window { center: c, width: w, function } = *window;
    match (function, ends(window)) {
        (WindowFunction::Sigmoid, _) => 1.0 / (1.0 + libm::exp(-4.0 * (real - c) / w)),
        (_, Some((left, _))) if real <= left => 0.0,
        (_, Some((_, right))) if real > right => 1.0,
        _ if is_linear(window) => (real - (c - 0.5)) / (w - 1.0) + 0.5,
        _ => (real - c) / w + 0.5,
    }
}

/// The last value that is 0 and the last one that is not yet 1; none for the sigmoid, which has no ends.
pub fn ends(window: &Window) -> Option<(f64, f64)> {
    let Window { center: c, width: w, function } = *window;
    match function {
        WindowFunction::Sigmoid => None,
        _ if is_linear(window) => Some((c - 0.5 - (w - 1.0) / 2.0, c - 0.5 + (w - 1.0) / 2.0)),
        _ => Some((c - w / 2.0, c + w / 2.0)),
    }
}

/// Where between black and white, 0 to 1, a table puts a real value. Tables are for whole numbers; others take the nearest, halves
/// the upper one.
pub fn looked_up(lut: &VoiLut, real: f64) -> f64 {
    let last = lut.entries.len().saturating_sub(1);
    // `as` clamps, and NaN becomes 0.
    let place = ((real - lut.first + 0.5).floor() as usize).min(last);
    lut.entries.get(place).map_or(0.0, |e| f64::from(*e) / f64::from(lut.top))
}

/// Whether a table nowhere falls, or nowhere rises.
pub fn is_monotone(lut: &VoiLut) -> bool {
    lut.entries.is_sorted() || lut.entries.is_sorted_by(|a, b| a >= b)
}

/// The real values from which on a table gives another result.
pub fn jumps(lut: &VoiLut) -> Vec<f64> {
    let changes = lut.entries.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]);
    changes.map(|(i, _)| lut.first + i as f64 + 0.5).collect()
}

/// The standard wants a width of 1 or more for LINEAR; files with less mean the exact function.
fn is_linear(window: &Window) -> bool {
    window.function == WindowFunction::Linear && window.width >= 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_rises_from_0_to_1() {
        for function in [WindowFunction::Linear, WindowFunction::LinearExact, WindowFunction::Sigmoid] {
            for width in [0.5, 1.0, 2.0, 400.0] {
                let window = Window { center: 40.0, width, function };
                let all: Vec<f64> = (-8000..8000).map(|x| fraction(&window, f64::from(x) / 4.0)).collect();
                assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "{window:?}");
                assert!(all[0] < 1e-6 && all[15_999] > 1.0 - 1e-6, "{window:?}");
            }
        }
    }

    #[test]
    fn a_table_holds_for_whole_numbers_and_beyond_its_ends() {
        let lut = VoiLut { first: -2.0, entries: vec![0, 10, 10, 255], top: 255 };
        let at = |x: f64| looked_up(&lut, x) * 255.0;
        assert_eq!([-1e9, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 1e9].map(at), [0.0, 0.0, 0.0, 10.0, 10.0, 255.0, 255.0, 255.0]);
        assert_eq!([-1.51, -1.5, 0.49, 0.5].map(at), [0.0, 10.0, 10.0, 255.0]);
        assert_eq!(jumps(&lut), [-1.5, 0.5]);
        assert!(is_monotone(&lut) && !is_monotone(&VoiLut { entries: vec![0, 2, 1], ..lut }));
    }

    #[test]
    fn presets_have_names() {
        assert_eq!(named("lung").map(|(_, w)| (w.center, w.width)).unwrap(), (-600.0, 1500.0));
        assert_eq!(named("Soft-Tissue").unwrap().0, "soft-tissue");
        assert!(named("knee").unwrap_err().to_string().starts_with("there is no window \"knee\"; give one of lung, bone"));
    }
}
