//! What the channels hold, before EM begins.

use super::Segment;
use super::blocks::Data;
use super::outputs::same_grid;
use crate::analysis::distribution::Distribution;
use crate::io::Source;
use crate::ops::gmm::{Channel, MOST_CHANNELS};
use crate::pipelines::device::Quiet;
use crate::pipelines::select::{float_bins, narrowest};
use crate::pipelines::{Census, Device, Mask, Watch, census, count_floats};
use crate::volume::{Counts, Dtype, Rescale};
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
        let uniform = || Error::usage("a rescale for each slice", Hint::FitExactly);
        let rescale = header.rescale.uniform().ok_or_else(uniform)?;
        let census = match found {
            Some(census) => *census,
            None if d == 1 => Census { min: 0.0, max: 0.0, whole: true, not_finite: 0 },
            None => census(source, &Quiet(watch))?,
        };
        if census.min > census.max {
            return Err(Error::no_voxel());
        }
        Ok(Axis { rescale, whole: found.is_none(), census, width: None })
    };
    data.channels.iter().map(AsRef::as_ref).zip(found).enumerate().map(axis).collect()
}

/// Float voxels in bins, and a step: what bins of even width over most voxels would be wide.
pub(super) fn binned(
    source: &dyn Source,
    axis: &mut Axis,
    mask: Option<&Mask>,
    job: &Segment,
    device: &Device,
    watch: &dyn Watch,
) -> Result<(Distribution, f64)> {
    let (low, high) = narrowest((axis.census.min, axis.census.max), axis.rescale, job.region.range)?;
    let (rescale, (low32, high32)) = (axis.rescale, (low as f32, high as f32));
    if low32 >= high32 {
        // One value, as far as f32 can tell.
        let mut one = Counts::binned(Dtype::F32, 1);
        one.bins[0] = 1;
        let step = (low * rescale.slope).abs().max(1e-30) * f64::from(f32::EPSILON);
        return Ok((Distribution::binned(&[low32, low32.next_up()], &one, rescale), step));
    }
    let edges = float_bins(source, mask, low32, high32, device, watch)?;
    let counts = count_floats(source, mask, &edges, device, &Quiet(watch))?;
    let values = Distribution::binned(edges.values(), &counts, rescale);
    let most = values.percentiles(&[0.1, 99.9]).unwrap_or_default();
    let range = match most[..] {
        [a, b] if b > a => b - a,
        _ => rescale.real(high) - rescale.real(low),
    };
    let step = range.abs() / STEPS;
    axis.width = Some(step / rescale.slope.abs());
    Ok((values, step))
}
