//! Pictures of picked slices, as all figures show them.

use crate::Result;
use crate::analysis::statistics::Statistics;
use crate::report::{Picture, Shade, Slice, View, display_window};
use crate::volume::{Header, Rescales};

/// Greys for an image of these statistics: the file's own window if it shows the data, else the 1st to the 99th percentile.
pub fn shade(header: &Header, statistics: Option<&Statistics>) -> Shade {
    let (low, high, min, max) = statistics.map_or((0.0, 1.0, 0.0, 1.0), |s| (s.percentiles[0], s.percentiles[5], s.min, s.max));
    Shade::new(header, display_window(header, low, high, min, max))
}

/// Slices of the image with this header in greys.
pub(super) fn greys(header: &Header, slices: &[Slice], rescale: &Rescales, shade: &Shade) -> Result<Vec<Picture>> {
    captioned(header, slices, |slice| Picture::grey(slice, rescale, shade))
}

/// Slices of the image with this header in the colours of labels.
pub(super) fn colours(header: &Header, slices: &[Slice]) -> Result<Vec<Picture>> {
    captioned(header, slices, |slice| Picture::coloured(slice, |label| crate::report::colours::label(label as u64)))
}

/// The captions say where in the image a slice lies.
fn captioned(header: &Header, slices: &[Slice], picture: impl Fn(&Slice) -> Result<Picture>) -> Result<Vec<Picture>> {
    let caption = |slice: &Slice| View::new(header, slice.view.plane()).caption(slice.index);
    slices.iter().map(|slice| Ok(picture(slice)?.captioned(caption(slice)))).collect()
}

/// The real values of all pixels that are numbers, ascending.
pub(super) fn real_values(header: &Header, slices: &[Slice]) -> Vec<f64> {
    let rescale = header.meaning.rescale.of_slice(0);
    let stored = |slice: &Slice| -> Vec<f64> {
        (0..slice.height()).flat_map(|v| (0..slice.width()).map(move |u| (u, v))).map(|(u, v)| slice.stored(u, v)).collect()
    };
    let mut all: Vec<f64> = slices.iter().flat_map(stored).map(|v| rescale.real(v)).filter(|v| v.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// From the 1st to the 99th percentile of what is shown.
pub(super) fn own_greys(header: &Header, slices: &[Slice]) -> Shade {
    let all = real_values(header, slices);
    let at = |share: usize| all.get(all.len().saturating_sub(1) * share / 100).copied().unwrap_or_default();
    let (low, high, min, max) = (at(1), at(99), at(0), at(100));
    Shade::new(header, display_window(header, low, high, min, max))
}
