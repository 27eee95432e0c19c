//! The description that ImageJ and Fiji write: lines of `key=value`, and the resolution fields beside it.

use super::described::{Described, PageAxis};
use super::directory::Directory;
use super::tags;
use crate::io::length::{millimetres, positive, seconds};
use crate::volume::{Rescale, Unit};

/// What of ImageJ's description is known here.
pub(super) fn read(text: &str, directory: &Directory<'_>) -> Described {
    let number = |key: &str| value(text, key).and_then(|v| v.parse::<f64>().ok());
    let count = |key: &str| value(text, key).and_then(|v| v.parse::<u64>().ok()).filter(|n| *n > 0);
    let mut notes = Vec::new();
    let (spacing_mm, said) = spacing(text, directory);
    notes.extend(said);
    let (rescale, said) = calibration(text, directory);
    notes.extend(said);
    // The interval is in seconds unless another unit is named.
    let tick = value(text, "tunit").map_or(Some(1.0), seconds);
    let time_step_s = number("finterval").zip(tick).and_then(|(interval, tick)| positive(interval, tick));
    Described {
        axes: axes(text, &count),
        planes: None,
        in_one_piece: true,
        spacing_mm,
        time_step_s,
        rescale,
        unit: value(text, "vunit").map_or(Unit::Unknown, unit),
        // Its colour tables are for display: the numbers are what was measured.
        indexed: true,
        notes,
    }
}

/// The value of a key, without blanks.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::trim)
}

/// Channels, slices and frames, the fastest first; a stack that only counts its images is one of slices.
fn axes(text: &str, count: &dyn Fn(&str) -> Option<u64>) -> Vec<(PageAxis, u64)> {
    use PageAxis::{Channel, Slice, Time};
    let (channels, slices, frames) = (count("channels"), count("slices"), count("frames"));
    if [channels, slices, frames].iter().all(|n| n.is_none_or(|n| n == 1)) {
        return count("images").map_or_else(Vec::new, |images| vec![(Slice, images)]);
    }
    // ImageJ itself always writes channels first, tifffile knows of other orders.
    let order = value(text, "order").map(str::to_ascii_lowercase);
    let order = order.filter(|o| o.len() == 3 && ["c", "z", "t"].iter().all(|axis| o.contains(axis)));
    let axis = |letter| match letter {
        'c' => (Channel, channels.unwrap_or(1)),
        'z' => (Slice, slices.unwrap_or(1)),
        _ => (Time, frames.unwrap_or(1)),
    };
    order.as_deref().unwrap_or("czt").chars().map(axis).collect()
}

/// Millimetres along x, y and z, and what was assumed.
fn spacing(text: &str, directory: &Directory<'_>) -> ([Option<f64>; 3], Option<String>) {
    let Some(unit) = value(text, "unit") else { return ([None; 3], None) };
    let Some(mm) = millimetres(unit) else { return ([None; 3], None) };
    let of = |key| value(text, key).and_then(millimetres).unwrap_or(mm);
    // Pixels to a unit; ImageJ takes a centimetre of the field for what it is where the text speaks of micrometres.
    let in_cm = directory.number(tags::RESOLUTION_UNIT).ok().flatten() == Some(3) && millimetres(unit) == Some(1e-3);
    let pixel = |tag, mm: f64| directory.fraction(tag).and_then(|[n, d]| positive(d / n, if in_cm { 10.0 } else { mm }));
    let (x, y) = (pixel(tags::X_RESOLUTION, mm), pixel(tags::Y_RESOLUTION, of("yunit")));
    let given = value(text, "spacing").and_then(|v| v.parse::<f64>().ok()).map(f64::abs).filter(|v| *v > 0.0 && v.is_finite());
    let z = positive(given.unwrap_or(1.0), of("zunit"));
    let stack = !text.lines().any(|line| line.starts_with("spacing=")) && text.lines().any(|line| line.starts_with("slices="));
    let assumed = || format!("no distance of slices is given; as ImageJ does, one unit is assumed ({} mm)", of("zunit"));
    ([x, y, z], (stack && given.is_none()).then(assumed))
}

/// Stored numbers to real ones, if they follow a straight line, and what is not read.
fn calibration(text: &str, directory: &Directory<'_>) -> (Rescale, Option<String>) {
    const STRAIGHT_LINE: f64 = 0.0;
    let number = |key: &str| value(text, key).and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite());
    let bits = directory.numbers(tags::BITS, 1 << 16).ok().flatten().and_then(|all| all.first().copied()).unwrap_or(1);
    // ImageJ knows functions of whole numbers of one and two bytes, 20 stands for none.
    let Some(function) = number("cf").filter(|f| *f != 20.0 && bits <= 16) else { return (Rescale::IDENTITY, None) };
    match (function, number("c0"), number("c1")) {
        (STRAIGHT_LINE, Some(intercept), Some(slope)) if slope != 0.0 => {
            // It keeps signed words as unsigned ones, and counts from there.
            let signed = bits == 16 && directory.number(tags::SAMPLE_FORMAT).ok().flatten() == Some(2);
            let intercept = if signed { intercept + 32768.0 * slope } else { intercept };
            (Rescale { slope, intercept }, None)
        }
        _ => (
            Rescale::IDENTITY,
            Some("ImageJ's calibration of values is no straight line and is not read: values are as stored".into()),
        ),
    }
}

/// Only units that are known; the text could say anything.
fn unit(text: &str) -> Unit {
    match text.to_ascii_lowercase().as_str() {
        "hu" | "hounsfield" | "hounsfield unit" | "hounsfield units" => Unit::Hounsfield,
        _ => Unit::Unknown,
    }
}
