//! The whole job of segmentation by a Gaussian mixture: fit, then write labels and posteriors.

mod exact;
mod outputs;

pub use outputs::{Truth, Written};

use exact::Exact;
use outputs::{HELD_BYTES, Tap};

use super::narrow::Resolved;
use super::{Device, Mask, Observer, Region, Watch, map};
use crate::analysis::mixture::{Joint, Run, Settings, Start};
use crate::io::{Sink, Source};
use crate::volume::{Dtype, Header, Volume};
use crate::{Error, Result};

/// What to segment, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Number of classes.
    pub classes: usize,
    /// Where EM starts.
    pub start: Start,
    /// Most iterations; by default 10,000, or 500 over voxels.
    pub max_iterations: Option<u32>,
    /// The change of the mean log-likelihood that ends EM; by default 10⁻¹², or 10⁻⁶ over voxels.
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
            Method::Voxel => (500, 1e-6),
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
    decision: Exact,
}

impl Segmentation {
    /// Reads the channels and fits.
    ///
    /// # Errors
    /// [`Error::Usage`] if channels do not fit each other, the method does not fit them, no voxel takes part, or a class cannot be
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
        let [Resolved::Exact(source)] = channels.as_slice() else {
            return Err(Error::usage("true floats or several channels have no exact histogram", "use --method voxel"));
        };
        let decision = Exact::new(source.as_ref(), mask.as_ref(), job, device, observer, watch)?;
        let held_mask = match &mask {
            Some(m) if m.source().sequential() && m.source().header().bytes() <= HELD_BYTES => {
                Some(outputs::read_all(m.source(), &super::Silent)?)
            }
            _ => None,
        };
        let header = Header { labels: true, ..source.header().derived(Dtype::U8) };
        let channels = channels.into_iter().map(Resolved::into_source).collect();
        Ok(Self { channels, mask, held_mask, header, joint: Joint::from(&decision.mixture), decision })
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

    /// Where classes lie on the axis of values, from the smallest value that occurs to the largest; none for several channels.
    pub fn runs(&self) -> Option<&[Run]> {
        Some(&self.decision.runs)
    }

    /// The values that took part in the first channel, with counts, ascending, and their step.
    pub fn values(&self) -> (&[(f64, u64)], f64) {
        (&self.decision.values, self.decision.step)
    }

    /// Voxels that are NaN or infinite in some channel.
    pub fn not_finite(&self) -> u64 {
        0
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
        let tap = Tap::labels(sink, self.outside(), self.joint.components.len(), observer, truth);
        map(self.channels[0].as_ref(), &self.decision.labels(), &tap, device, watch)?;
        Ok(tap.finish())
    }

    /// Writes the posterior of each class as float32 to a sink of its own; 0 where the label is 0.
    ///
    /// # Errors
    /// As [`Segmentation::write_labels`]; [`Error::Usage`] unless there is one sink for each class.
    pub fn write_posteriors(&self, sinks: &[Box<dyn Sink>], device: &Device, watch: &dyn Watch) -> Result<()> {
        let classes = self.joint.components.len();
        if sinks.len() != classes {
            return Err(Error::usage(format!("{} outputs for {classes} posteriors", sinks.len()), "give one for each class"));
        }
        for (class, sink) in sinks.iter().enumerate() {
            let tap = Tap::masked(sink.as_ref(), Dtype::F32.bytes(), self.outside());
            map(self.channels[0].as_ref(), &self.decision.posteriors(class), &tap, device, watch)?;
        }
        Ok(())
    }

    fn outside(&self) -> Option<&dyn Source> {
        match (&self.held_mask, &self.mask) {
            (Some(held), _) => Some(held),
            (None, Some(mask)) => Some(mask.source()),
            (None, None) => None,
        }
    }
}
