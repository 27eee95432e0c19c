//! What pages are to each other: the axes along which they lie, as descriptions tell them.

use crate::volume::{Rescale, Unit};

/// An axis along which pages lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageAxis {
    Slice,
    Time,
    Channel,
}

/// What a description says of the pages of a volume, or of one of several.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Described {
    /// Axes and how many pages lie along them, the fastest first, each at most once.
    pub(super) axes: Vec<(PageAxis, u64)>,
    /// The page of each plane in the order of the axes, where that is not the file's order.
    pub(super) planes: Option<Vec<u64>>,
    /// Slices may lie behind each other in one page.
    pub(super) in_one_piece: bool,
    /// Millimetres along x, y and z.
    pub(super) spacing_mm: [Option<f64>; 3],
    pub(super) time_step_s: Option<f64>,
    pub(super) rescale: Rescale,
    pub(super) unit: Unit,
    /// Colours of a palette are for display, the numbers are the values.
    pub(super) indexed: bool,
    /// What was assumed.
    pub(super) notes: Vec<String>,
}

impl Default for Described {
    fn default() -> Self {
        Self {
            axes: Vec::new(),
            planes: None,
            in_one_piece: false,
            spacing_mm: [None; 3],
            time_step_s: None,
            rescale: Rescale::IDENTITY,
            unit: Unit::Unknown,
            indexed: false,
            notes: Vec::new(),
        }
    }
}

impl Described {
    /// How many pages lie along an axis.
    pub(super) fn along(&self, axis: PageAxis) -> u64 {
        self.axes.iter().find(|(a, _)| *a == axis).map_or(1, |(_, n)| *n)
    }

    /// Planes of all axes; none if they are too many to count.
    pub(super) fn count(&self) -> Option<u64> {
        self.axes.iter().try_fold(1u64, |n, (_, more)| n.checked_mul(*more))
    }

    /// The plane of a slice at a time in a channel, all from 0.
    pub(super) fn plane(&self, slice: u64, time: u64, channel: u64) -> u64 {
        let mut step = 1;
        let mut plane = 0;
        for (axis, n) in &self.axes {
            plane += step
                * match axis {
                    PageAxis::Slice => slice,
                    PageAxis::Time => time,
                    PageAxis::Channel => channel,
                };
            step *= n;
        }
        plane
    }
}
