//! Binary segmentations as one map of labels: each frame is one segment at one place, and places where a segment is empty are left out
//! (PS3.3 A.51, C.8.20).

use super::attributes::Image;
use super::axis::FrameIndex;
use super::geometry;
use super::marks::SEGMENT;
use super::places;
use crate::volume::{Geometry, Position};

/// The frames of each slice, with their labels.
pub(super) type LabelSlices = Vec<Vec<(FrameIndex, u16)>>;

/// A map of labels.
pub(super) struct SegmentMap {
    pub(super) slices: LabelSlices,
    pub(super) geometry: Option<Geometry>,
    pub(super) notes: Vec<String>,
}

/// The slices of a segmentation whose frames do not make a whole volume for each segment, or whose segments cannot overlap; none for all
/// others. `only` keeps one segment, counted from 1 in the order of their numbers, as label 1.
pub(super) fn map(images: &[Image], all: &[FrameIndex], only: Option<u32>) -> Option<SegmentMap> {
    let frame = |s: &FrameIndex| &images[s.0].frames[s.1];
    // Segments are counted in 16 bits: what is no such number has no label.
    let segment = |s: &FrameIndex| frame(s).marks[SEGMENT].filter(|n| (1.0..=65535.0).contains(n) && n.fract() == 0.0);
    let (first, labels) = (frame(&all[0]), images.iter().all(|image| image.labels));
    let normal = geometry::normal(first)?;
    let mut numbers: Vec<u16> = all.iter().map(|s| segment(s).map(|n| n as u16)).collect::<Option<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    let mut placed: Vec<(f64, FrameIndex)> =
        all.iter().map(|s| geometry::distance(frame(s), normal).map(|d| (d, *s))).collect::<Option<_>>()?;
    placed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let distances: Vec<f64> = placed.iter().map(|(d, _)| *d).collect();
    let runs = places::runs(&distances);
    let step = first.between.or(first.thickness)?;
    let from = distances[0];
    let slice = |d: f64| ((d - from) / step).round();
    let even = distances.iter().all(|d| (d - from - slice(*d) * step).abs() <= 0.01 * step + 0.01);
    let depth = (slice(distances[distances.len() - 1]) as usize).saturating_add(1);
    let whole = runs.iter().all(|run| *run == numbers.len()) && runs.len() == depth;
    let apart = images.iter().all(|image| image.segments_apart);
    if !labels || !even || depth > images.len().max(all.len()) * 1000 || (whole && (numbers.len() == 1 || !apart)) {
        return None;
    }
    let wanted = match only {
        None => None,
        Some(n) => Some(*numbers.get((n as usize).checked_sub(1)?)?),
    };
    let mut slices: LabelSlices = vec![Vec::new(); depth];
    let lowest = frame(&placed[0].1).position?;
    for (d, s) in placed {
        let number = segment(&s)? as u16;
        if wanted.is_none_or(|wanted| wanted == number) {
            slices[slice(d) as usize].push((s, if wanted.is_some() || numbers.len() == 1 { 1 } else { number }));
        }
    }
    let empty = slices.iter().filter(|frames| frames.is_empty()).count();
    let mut notes = match (wanted, numbers.as_slice()) {
        (Some(number), _) => vec![format!("segment {number} of {}, as label 1", numbers.len())],
        (None, [_]) => Vec::new(),
        (None, _) => vec![format!("{} segments as labels of one map", numbers.len())],
    };
    if empty > 0 {
        notes.push(format!("{empty} of {depth} slices have no frame: nothing is marked there"));
    }
    let geometry = first.spacing.and_then(|[dx, dy]| {
        let position = Position { origin_mm: lowest, direction: [first.orientation?[0], first.orientation?[1], normal] };
        Some(Geometry { spacing_mm: [dx, dy, step], position: Some(position) })
    });
    Some(SegmentMap { slices, geometry, notes })
}
