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
