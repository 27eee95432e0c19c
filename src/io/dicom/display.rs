//! How a file wants its images shown: windows and tables.

use super::dataset::Dataset;
use super::lut::Lut;
use super::tags;
use crate::volume::{VoiLut, Window, WindowFunction};

/// The windows of the first frame that has some.
pub(super) fn windows(set: &Dataset) -> Vec<Window> {
    let group = [tags::FRAME_GROUPS, tags::SHARED_GROUPS]
        .into_iter()
        .find_map(|groups| set.items(groups).first()?.items(tags::VOI_GROUP).first())
        .unwrap_or(set);
    let function = match group.text(tags::WINDOW_FUNCTION) {
        Some("SIGMOID") => WindowFunction::Sigmoid,
        Some("LINEAR_EXACT") => WindowFunction::LinearExact,
        _ => WindowFunction::Linear,
    };
    group
        .numbers(tags::WINDOW_CENTER)
        .into_iter()
        .zip(group.numbers(tags::WINDOW_WIDTH))
        .filter(|(_, width)| *width > 0.0)
        .map(|(center, width)| Window { center, width, function })
        .collect()
}

/// Tables that are whole; their descriptor's second number may be negative where the values they are for may.
pub(super) fn voi_luts(set: &Dataset, signed: bool) -> Vec<VoiLut> {
    let tables = set.items(tags::VOI_LUT).iter().filter_map(|item| Lut::read(item, signed));
    tables.map(|lut| VoiLut { first: f64::from(lut.first), top: lut.top, entries: lut.entries }).collect()
}
