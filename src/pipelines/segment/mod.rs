//! The whole job of segmentation by a Gaussian mixture: fit, then write labels and posteriors.

mod axes;
mod blocks;
mod exact;
mod outputs;
#[cfg(test)]
mod tests;
mod voxel;

pub use outputs::{Truth, Written};

use blocks::Data;
use exact::Exact;
use outputs::{Tap, held};
use voxel::Voxels;

use super::narrow::Resolved;
use super::{Device, Mask, Observer, Region, Watch, map};
use crate::analysis::mixture::{Joint, Run, Settings, Start};
use crate::io::{Sink, Source};
use crate::volume::{Dtype, Header, Volume};
use crate::{Error, Hint, Result};

/// What to segment, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Number of classes.
    pub classes: usize,
    /// Where EM starts.
    pub start: Start,
    /// Most iterations; by default 10,000, or 2000 over voxels.
    pub max_iterations: Option<u32>,
    /// The change of the mean log-likelihood that ends EM; by default 10⁻¹², or 10⁻¹¹ over voxels, where sums of f32 may
    /// end it sooner.
    pub tolerance: Option<f64>,
    /// Labels may not fall as the value rises.
    pub monotone: bool,
    /// How; by default exactly where that applies.
    pub method: Option<Method>,
    /// Which values take part. Padding never does.
    pub region: Region,
}

/// Over what EM runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Over the exact histogram of one channel of whole numbers.
    Exact,
    /// Over the voxels, in f32: true floats, several channels.
    Voxel,
}

impl Segment {
    /// So many classes, all else by default.
    pub fn classes(classes: usize) -> Self {
        Self {
            classes,
            start: Start::Otsu,
            max_iterations: None,
            tolerance: None,
            monotone: false,
            method: None,
            region: Region::default(),
        }
    }

    /// Checks the numbers, before anything is read.
    ///
    /// # Errors
    /// [`Error::Usage`] for a number of classes, a tolerance or means out of their range.
    pub fn check(&self) -> Result<()> {
        self.settings(Method::Exact).check()
    }

    fn settings(&self, method: Method) -> Settings {
        let (iterations, tolerance) = match method {
            Method::Exact => (10_000, 1e-12),
            Method::Voxel => (2000, 1e-11),
        };
        Settings {
            classes: self.classes,
            start: self.start.clone(),
            max_iterations: self.max_iterations.unwrap_or(iterations),
            tolerance: self.tolerance.unwrap_or(tolerance),
        }
    }
}

/// A mixture that was fitted, ready to be written as labels and posteriors.
pub struct Segmentation {
    channels: Vec<Box<dyn Source>>,
    mask: Option<Mask>,
    /// The mask where it can be read out of order.
    held_mask: Option<Volume>,
    header: Header,
    joint: Joint,
    decision: Decision,
}

enum Decision {
    Exact(Box<Exact>),
    Voxels(Box<Voxels>),
}

impl Segmentation {
    /// Reads the channels and fits.
    ///
    /// # Errors
    /// [`Error::Usage`] if channels do not fit each other, the method does not fit them, no voxel counts, or a class cannot be
    /// fitted; what reading gives; [`Error::Interrupted`].
    pub fn new(
        channels: Vec<Resolved>,
        mask: Option<Mask>,
        job: &Segment,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        job.check()?;
        let channels: Vec<Resolved> = channels.into_iter().map(Resolved::as_float32).collect();
        let exact = matches!(channels.as_slice(), [Resolved::Exact(_)]);
        let method = job.method.unwrap_or(if exact { Method::Exact } else { Method::Voxel });
        if method == Method::Exact && !exact {
            return Err(Error::usage("true floats or several channels have no exact histogram", Hint::FitVoxels));
        }
        if method == Method::Voxel && job.monotone {
            return Err(Error::usage("classes over voxels are not cut by value", Hint::OmitMonotone));
        }
        let Some(first) = channels.first() else { return Err(Error::usage("no channels", "give at least one")) };
        let header = Header { labels: true, ..first.header().derived(Dtype::U8) };
        let found: Vec<axes::Found> = channels
            .iter()
            .map(|c| match c {
                Resolved::Exact(_) => None,
                Resolved::Floats(_, census) => Some(*census),
            })
            .collect();
        let mut channels: Vec<Box<dyn Source>> = channels.into_iter().map(Resolved::into_source).collect();
        let held_mask = match &mask {
            Some(m) if m.source().sequential() && m.source().header().bytes() <= watch.memory_bytes() => {
                Some(outputs::read_all(m.source(), &super::Silent)?)
            }
            _ => None,
        };
        let (joint, decision) = match method {
            Method::Exact => {
                let exact = Exact::new(channels[0].as_ref(), mask.as_ref(), job, device, observer, watch)?;
                (Joint::from(&exact.mixture), Decision::Exact(Box::new(exact)))
            }
            Method::Voxel => {
                let share = watch.memory_bytes() / channels.len() as u64;
                channels = channels.into_iter().map(|c| held(c, share, watch)).collect::<Result<_>>()?;
                let data = Data { channels: &channels, mask: outside(&held_mask, &mask) };
                let voxels = Voxels::new(data, &found, mask.as_ref(), job, device, observer, watch)?;
                (voxels.joint.clone(), Decision::Voxels(Box::new(voxels)))
            }
        };
        Ok(Self { channels, mask, held_mask, header, joint, decision })
    }

    /// What labels are written as.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read: the first channel, as the kernels take it.
    pub fn input(&self) -> &Header {
        self.channels[0].header()
    }

    /// The mixture in real units.
    pub fn mixture(&self) -> &Joint {
        &self.joint
    }

    /// Where classes lie on the axis of values, from the smallest value that occurs to the largest; none for the way over voxels.
    pub fn runs(&self) -> Option<&[Run]> {
        match &self.decision {
            Decision::Exact(exact) => Some(&exact.runs),
            Decision::Voxels(_) => None,
        }
    }

    /// The values that took part in the first channel, with counts, ascending, and their step.
    pub fn values(&self) -> (&[(f64, u64)], f64) {
        match &self.decision {
            Decision::Exact(exact) => (&exact.values, exact.step),
            Decision::Voxels(voxels) => (&voxels.values, voxels.step),
        }
    }

    /// Voxels that are NaN or infinite in some channel.
    pub fn not_finite(&self) -> u64 {
        match &self.decision {
            Decision::Exact(_) => 0,
            Decision::Voxels(voxels) => voxels.not_finite,
        }
    }

    /// Writes the labels: 0 outside of mask and range and for padding, else the class from 1.
    ///
    /// # Errors
    /// What reading and writing give; [`Error::Interrupted`].
    pub fn write_labels(
        &self,
        sink: &dyn Sink,
        observer: Option<Observer<'_>>,
        truth: Option<&Truth>,
        device: &Device,
        watch: &dyn Watch,
    ) -> Result<Written> {
        let classes = self.joint.components.len();
        let tap = match &self.decision {
            Decision::Exact(exact) => {
                let tap = Tap::labels(sink, outside(&self.held_mask, &self.mask), classes, observer, truth);
                map(self.channels[0].as_ref(), &exact.labels(), &tap, device, watch)?;
                tap
            }
            Decision::Voxels(voxels) => {
                let tap = Tap::labels(sink, None, classes, observer, truth);
                voxels.write_labels(self.data(), &tap, watch)?;
                tap
            }
        };
        Ok(tap.counted())
    }

    /// Writes the posterior of each class as float32 to a sink of its own; 0 where the label is 0.
    ///
    /// # Errors
    /// As [`Segmentation::write_labels`]; [`Error::Usage`] unless there is one sink for each class.
    pub fn write_posteriors(&self, sinks: &[&dyn Sink], device: &Device, watch: &dyn Watch) -> Result<()> {
        let classes = self.joint.components.len();
        if sinks.len() != classes {
            return Err(Error::usage(format!("{} outputs for {classes} posteriors", sinks.len()), "give one for each class"));
        }
        match &self.decision {
            Decision::Exact(exact) => sinks.iter().enumerate().try_for_each(|(class, sink)| {
                let tap = Tap::masked(*sink, Dtype::F32.bytes(), outside(&self.held_mask, &self.mask));
                map(self.channels[0].as_ref(), &exact.posteriors(class), &tap, device, watch)
            }),
            Decision::Voxels(voxels) => voxels.write_posteriors(self.data(), sinks, watch),
        }
    }

    fn data(&self) -> Data<'_> {
        Data { channels: &self.channels, mask: outside(&self.held_mask, &self.mask) }
    }
}

/// The mask to read voxels from, where there is one.
fn outside<'a>(held: &'a Option<Volume>, mask: &'a Option<Mask>) -> Option<&'a dyn Source> {
    match (held, mask) {
        (Some(held), _) => Some(held),
        (None, Some(mask)) => Some(mask.source()),
        (None, None) => None,
    }
}
