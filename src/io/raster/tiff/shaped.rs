//! The description that tifffile writes of itself: `{"shape": [5, 2, 12, 16], "axes": "ZCYX"}`, the slowest axis first.

use super::described::{Described, PageAxis};

/// Axes of which pages are made; none if the text is another one. A page has this height, width and so many samples in a pixel.
pub(super) fn read(text: &str, page: [u64; 3]) -> Option<Described> {
    let text = text.trim();
    if !text.starts_with('{') || !text.contains("\"shape\"") {
        return None;
    }
    let (_, list) = text.split_once("\"shape\"")?.1.split_once('[')?;
    let shape: Vec<u64> = list.split(']').next()?.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
    let letters = text.split_once("\"axes\"").and_then(|(_, rest)| rest.split('"').nth(1)).unwrap_or_default();
    let mut described = Described { in_one_piece: true, ..Described::default() };
    if letters.len() != shape.len() {
        described.axes = unnamed(&shape, page, &mut described.notes)?;
        return Some(described);
    }
    // The fastest first, without those within a page.
    for (letter, n) in letters.chars().rev().zip(shape.iter().rev()).filter(|(letter, _)| !matches!(letter, 'X' | 'Y' | 'S')) {
        let has = |axis| described.axes.iter().any(|(a, _)| *a == axis);
        let axis = match letter {
            'C' => PageAxis::Channel,
            'T' => PageAxis::Time,
            'Z' => PageAxis::Slice,
            _ if *n == 1 => continue,
            _ if !letters.contains('Z') && !has(PageAxis::Slice) => PageAxis::Slice,
            _ if !letters.contains('T') && !has(PageAxis::Time) => PageAxis::Time,
            _ => return None,
        };
        if has(axis) {
            return None;
        }
        if !matches!(letter, 'C' | 'T' | 'Z') {
            let what = if axis == PageAxis::Slice { "slices" } else { "times" };
            described.notes.push(format!("an axis of {n} pages is neither slices, times nor channels: taken as {what}"));
        }
        described.axes.push((axis, *n));
    }
    Some(described)
}

/// Axes without names: all that do not lie within a page are slices.
fn unnamed(shape: &[u64], [height, width, samples]: [u64; 3], notes: &mut Vec<String>) -> Option<Vec<(PageAxis, u64)>> {
    let inner = [vec![height, width, samples], vec![samples, height, width], vec![height, width]];
    let outer = inner.iter().find_map(|inner| shape.strip_suffix(inner.as_slice()))?;
    let outer: Vec<u64> = outer.iter().copied().filter(|n| *n > 1).collect();
    if outer.len() > 1 {
        let sizes: Vec<String> = outer.iter().map(u64::to_string).collect();
        notes.push(format!(
            "the pages have {} axes without names ({}): taken as slices, in order",
            outer.len(),
            sizes.join(" x ")
        ));
    }
    let pages = outer.iter().try_fold(1u64, |n, more| n.checked_mul(*more))?;
    Some(if outer.is_empty() { Vec::new() } else { vec![(PageAxis::Slice, pages)] })
}
