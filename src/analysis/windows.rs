//! DICOM display windows (PS3.3 C.11.2.1.2): the three functions, and the usual windows of CT.

use crate::volume::{Window, WindowFunction};

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

/// The preset of that name, with the standard's default function.
pub fn preset(name: &str) -> Option<Window> {
    let (_, center, width) = *PRESETS.iter().find(|(known, ..)| *known == name)?;
    Some(Window { center, width, function: WindowFunction::Linear })
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
    fn presets_have_names() {
        assert_eq!(preset("lung").map(|w| (w.center, w.width)), Some((-600.0, 1500.0)));
        assert_eq!(preset("knee"), None);
    }
}
