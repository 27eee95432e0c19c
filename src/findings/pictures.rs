//! Pictures of picked slices, as all figures show them.

use crate::analysis::statistics::Statistics;
use crate::report::{Shade, display_window};
use crate::volume::Header;

/// Greys for an image of these statistics: the file's own window if it shows the data, else the 1st to the 99th percentile.
pub fn shade(header: &Header, statistics: Option<&Statistics>) -> Shade {
    let (low, high, min, max) = statistics.map_or((0.0, 1.0, 0.0, 1.0), |s| (s.percentiles[0], s.percentiles[5], s.min, s.max));
    Shade::new(header, display_window(header, low, high, min, max))
}
