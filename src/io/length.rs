//! Units of length and time as programs for microscopes and pictures write them.

/// Millimetres of a unit; none of what is no length, such as pixels.
pub(in crate::io) fn millimetres(unit: &str) -> Option<f64> {
    // Some write µ as Java does; the sign itself is one of two characters, or of another encoding's.
    let plain = unit.trim().replace("\\u00B5", "u").replace("\\u00b5", "u").replace("&#181;", "u").replace("&#xB5;", "u");
    let plain = plain.replace(['µ', 'μ', char::REPLACEMENT_CHARACTER], "u").to_lowercase();
    Some(match plain.as_str() {
        "m" | "meter" | "metre" | "meters" | "metres" => 1e3,
        "cm" | "centimeter" | "centimetre" | "centimeters" => 10.0,
        "mm" | "millimeter" | "millimetre" | "millimeters" => 1.0,
        "um" | "micron" | "microns" | "micrometer" | "micrometre" | "micrometers" => 1e-3,
        "nm" | "nanometer" | "nanometre" | "nanometers" => 1e-6,
        "pm" | "picometer" => 1e-9,
        "å" | "angstrom" => 1e-7,
        "in" | "inch" | "inches" | "\"" => 25.4,
        _ => return None,
    })
}

/// Seconds of a unit of time; none of what is none.
pub(in crate::io) fn seconds(unit: &str) -> Option<f64> {
    let plain = unit.trim().replace(['µ', 'μ', char::REPLACEMENT_CHARACTER], "u").to_lowercase();
    Some(match plain.as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "ms" | "msec" | "millisecond" | "milliseconds" => 1e-3,
        "us" | "usec" | "microsecond" | "microseconds" => 1e-6,
        "ns" | "nanosecond" | "nanoseconds" => 1e-9,
        "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86400.0,
        _ => return None,
    })
}

/// The product, if it is a length or a time: positive and finite.
pub(in crate::io) fn positive(number: f64, unit: f64) -> Option<f64> {
    // In decimal digits 0.0026755 mm, not 0.0026755000000000003.
    let product = if unit < 1.0 { number / (1.0 / unit).round() } else { number * unit };
    (product.is_finite() && product > 0.0).then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_micrometre_has_many_names() {
        for name in ["um", "µm", "μm", "\\u00B5m", "micron", "Microns", " micrometer ", "\u{FFFD}m", "&#181;m"] {
            assert_eq!(millimetres(name), Some(1e-3), "{name}");
        }
        assert_eq!(
            (millimetres("inch"), millimetres("pixel"), millimetres(""), millimetres("reference frame")),
            (Some(25.4), None, None, None)
        );
        assert_eq!((seconds("sec"), seconds("ms"), seconds("frames")), (Some(1.0), Some(1e-3), None));
        assert_eq!(positive(2.6755, 1e-3), Some(0.0026755));
        assert_eq!((positive(0.0, 1.0), positive(f64::NAN, 1.0)), (None, None));
    }
}
