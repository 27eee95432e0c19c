//! What the channels hold, before EM begins.

use super::Segment;
use crate::analysis::distribution::Distribution;
use crate::ops::gmm::{Channel, MOST_CHANNELS};
use crate::pipelines::truth::same_grid;
use crate::pipelines::{Bins, Census, Counted, Input, Region, Run, census, differences};
use crate::volume::Rescale;
use crate::{Error, Hint, Result};

/// A std may not be smaller than this part of a step of [`Axis::width`], which is that of 65,536 over most voxels.
const FINE: f64 = 16.0;

/// Steps between the values below and above which lies a thousandth of the voxels each.
const STEPS: f64 = 4096.0;

/// Voxels of one channel seen as a whole.
pub(super) struct Axis {
    pub rescale: Rescale,
    /// Stored values are whole numbers.
    pub whole: bool,
    census: Census,
    /// A step of true floats in stored values, once it is known.
    width: Option<f64>,
}

impl Axis {
    /// Numbers x about right, from the extremes alone.
    pub fn rough(&self) -> Channel {
        Channel::new(f64::midpoint(self.census.min, self.census.max), (self.census.max - self.census.min) / 4.0, self.whole)
    }

    /// The variance floor in the numbers x: of the stored step for whole numbers, else of 65,536 steps between the values that
    /// most voxels lie between, or between the extremes where only these are known.
    pub fn floor(&self, frame: &Channel) -> f64 {
        let range = self.census.max - self.census.min;
        let step = match (self.whole, self.width) {
            (true, _) => 1.0,
            (false, Some(width)) => width / FINE,
            (false, None) if range > 0.0 => range / (STEPS * FINE),
            (false, None) => self.census.max.abs().max(1e-30) * f64::from(f32::EPSILON),
        };
        (step * f64::from(frame.scale)).powi(2) / 12.0
    }
}

/// Rescale and extremes of each channel; the extremes of whole numbers take a look at the voxels where there are several channels.
pub(super) fn look(channels: &[Input<'_>], run: &Run<'_>) -> Result<Vec<Axis>> {
    let d = channels.len();
    if d > MOST_CHANNELS {
        return Err(Error::usage(format!("{d} channels"), format!("give {MOST_CHANNELS} or fewer")));
    }
    let axis = |(i, channel): (usize, &Input<'_>)| {
        let header = channel.header();
        same_grid(header, channels[0].header(), &format!("channel {}", i + 1))?;
        let uniform = || Error::usage("a rescale for each slice", Hint::FitExactly);
        let rescale = header.meaning.rescale.uniform().ok_or_else(uniform)?;
        let census = match channel.census() {
            Some(census) => *census,
            None if d == 1 => Census { min: 0.0, max: 0.0, ..Census::NOTHING },
            None => census(&channel.clone().masked(None).observed(None), &run.quiet())?,
        };
        if census.min > census.max {
            return Err(Error::no_voxel());
        }
        Ok(Axis { rescale, whole: channel.is_exact(), census, width: None })
    };
    channels.iter().enumerate().map(axis).collect()
}

/// Float voxels in bins, and a step: what bins of even width over most voxels would be wide.
pub(super) fn binned(input: &Input<'_>, axis: &mut Axis, job: &Segment, run: &Run<'_>) -> Result<(Distribution, f64)> {
    let counted = Counted::of(input, &Region { with_padding: false, ..job.region }, Bins::Following, run)?;
    let values = counted.values;
    let most = values.percentiles(&[0.1, 99.9]).unwrap_or_default();
    let (low, high) = values.ends().unwrap_or_default();
    let range = match most[..] {
        [a, b] if b > a => b - a,
        _ => high - low,
    };
    if low == high {
        if let Some(refusal) = differences::hidden(input, job.region.range, run)? {
            return Err(refusal);
        }
        return Ok((values, low.abs().max(1e-30) * f64::from(f32::EPSILON)));
    }
    let step = range.abs() / STEPS;
    axis.width = Some(step / axis.rescale.slope.abs());
    Ok((values, step))
}
