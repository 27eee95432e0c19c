//! What the channels hold, before EM begins.

use std::sync::Arc;

use super::Segment;
use super::blocks::{Data, Quiet};
use super::outputs::same_grid;
use crate::io::Source;
use crate::ops::gmm::{Channel, MOST_CHANNELS};
use crate::ops::histogram::Edges;
use crate::pipelines::select::narrowest;
use crate::pipelines::{Census, Device, Mask, Watch, census, count_floats};
use crate::volume::Rescale;
use crate::{Error, Result};

/// Bins of the histogram from which floats start.
const FLOAT_BINS: usize = 4096;

/// Voxels of one channel seen as a whole.
pub(super) struct Axis {
    pub rescale: Rescale,
    /// Stored values are whole numbers.
    pub whole: bool,
    census: Census,
}

impl Axis {
    /// Numbers x about right, from the extremes alone.
    pub fn rough(&self) -> Channel {
        Channel::new(f64::midpoint(self.census.min, self.census.max), (self.census.max - self.census.min) / 4.0, self.whole)
    }

    /// The variance floor in the numbers x: of the stored step for whole numbers, else of 65,536 steps between the extremes.
    pub fn floor(&self, frame: &Channel) -> f64 {
        let range = self.census.max - self.census.min;
        let step = match (self.whole, range > 0.0) {
            (true, _) => 1.0,
            (false, true) => range / 65_536.0,
            (false, false) => self.census.max.abs().max(1e-30) * f64::from(f32::EPSILON),
        };
        (step * f64::from(frame.scale)).powi(2) / 12.0
    }
}

/// What `resolve` found of a channel: the census of true floats.
pub(super) type Found = Option<Census>;

/// Rescale and extremes of each channel; the extremes of whole numbers take a look at the voxels where there are several channels.
pub(super) fn look(data: Data<'_>, found: &[Found], watch: &dyn Watch) -> Result<Vec<Axis>> {
    let d = data.channels.len();
    if d > MOST_CHANNELS {
        return Err(Error::usage(format!("{d} channels"), format!("give {MOST_CHANNELS} or fewer")));
    }
    let image = data.channels[0].header();
    let axis = |(i, (source, found)): (usize, (&dyn Source, &Found))| {
        let header = source.header();
        same_grid(header, image, &format!("channel {}", i + 1))?;
        let uniform = || Error::usage("a rescale for each slice", "convert the volume first, or use --method exact");
        let rescale = header.rescale.uniform().ok_or_else(uniform)?;
        let census = match found {
            Some(census) => *census,
            None if d == 1 => Census { min: 0.0, max: 0.0, whole: true, not_finite: 0 },
            None => census(source, &Quiet(watch))?,
        };
        if census.min > census.max {
            return Err(Error::no_voxel());
        }
        Ok(Axis { rescale, whole: found.is_none(), census })
    };
    data.channels.iter().map(AsRef::as_ref).zip(found).enumerate().map(axis).collect()
}

/// (real value, count) of float voxels in bins, and the width of a bin.
pub(super) fn binned(
    source: &dyn Source,
    axis: &Axis,
    mask: Option<&Mask>,
    job: &Segment,
    device: &Device,
    watch: &dyn Watch,
) -> Result<(Vec<(f64, u64)>, f64)> {
    let (low, high) = narrowest((axis.census.min, axis.census.max), axis.rescale, job.region.range)?;
    let Ok(edges) = Edges::at_most(low as f32, high as f32, FLOAT_BINS).map(Arc::new) else {
        // One value, as far as f32 can tell.
        return Ok((vec![(axis.rescale.real(low), 1)], (low * axis.rescale.slope).abs().max(1e-30) * f64::from(f32::EPSILON)));
    };
    let counts = count_floats(source, mask, &edges, device, &Quiet(watch))?;
    let ends = edges.values();
    let middle = |i: usize| axis.rescale.real(f64::midpoint(f64::from(ends[i]), f64::from(ends[i + 1])));
    let mut values: Vec<(f64, u64)> =
        counts.bins.iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, n)| (middle(i), *n)).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let step = (f64::from(ends[edges.bins()]) - f64::from(ends[0])) / edges.bins() as f64 * axis.rescale.slope.abs();
    Ok((values, step))
}
