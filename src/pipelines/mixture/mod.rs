//! The whole job of segmentation by a Gaussian mixture: fit, then write labels and posteriors.

mod axes;
mod em;
mod exact;
mod passes;
#[cfg(test)]
mod tests;

use em::Voxels;
use exact::Exact;

use super::hold::held;
use super::truth::{Register, Truth, Written};
use super::{Input, Mask, Region, Run, map};
use crate::analysis::mixture::{ClassSpan, FitSettings, Joint, Start, Trials};
use crate::io::Sink;
use crate::views::Tap;
use crate::volume::{Dtype, Header};
use crate::{Error, Hint, Result};

/// What to segment, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Number of classes.
    pub classes: usize,
    /// Where EM starts. Over voxels it is where the fit to the first channel's histogram starts, from whose end the voxels go on.
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
            start: Start::Best,
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

    fn settings(&self, method: Method) -> FitSettings {
        let (iterations, tolerance) = match method {
            Method::Exact => (10_000, 1e-12),
            Method::Voxel => (2000, 1e-11),
        };
        FitSettings {
            classes: self.classes,
            start: self.start.clone(),
            max_iterations: self.max_iterations.unwrap_or(iterations),
            tolerance: self.tolerance.unwrap_or(tolerance),
        }
    }
}

/// A mixture that was fitted, ready to be written as labels and posteriors.
pub struct Segmentation {
    input: Input<'static>,
    mask: Option<Mask>,
    header: Header,
    joint: Joint,
    decision: FitResult,
}

impl std::fmt::Debug for Segmentation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segmentation").field("header", &self.header).field("joint", &self.joint).finish_non_exhaustive()
    }
}

enum FitResult {
    Exact(Box<Exact>),
    Voxels(Box<Voxels>),
}

impl Segmentation {
    /// Reads the channels, of which `mask` selects voxels, and fits. Who looks on at the first channel sees it once.
    ///
    /// # Errors
    /// [`Error::Usage`] if channels do not fit each other, the method does not fit them, no voxel counts, or a class cannot be
    /// fitted; what reading gives; [`Error::Interrupted`].
    pub fn new(channels: &[Input<'_>], mask: Option<Mask>, job: &Segment, run: &Run<'_>) -> Result<Self> {
        job.check()?;
        let Some(first) = channels.first() else { return Err(Error::usage("no channels", "give at least one")) };
        let exact = channels.len() == 1 && first.is_exact();
        let method = job.method.unwrap_or(if exact { Method::Exact } else { Method::Voxel });
        if method == Method::Exact && !exact {
            return Err(Error::usage("true floats or several channels have no exact histogram", Hint::FitVoxels));
        }
        if method == Method::Voxel && job.monotone {
            return Err(Error::usage("classes over voxels are not cut by value", Hint::OmitMonotone));
        }
        let header = first.header().derived(Dtype::U8).with(|h| h.meaning.labels = true);
        // Each pass reads both again, and labels ask for the mask in any order.
        let mask = mask.map(|mask| mask.held(run)).transpose()?;
        let share = run.memory_bytes / channels.len() as u64;
        let mut channels = channels.to_vec();
        if method == Method::Voxel {
            for channel in &mut channels {
                *channel = channel.clone().reading(held(channel.source().clone(), share, &run.quiet())?);
            }
        }
        channels[0] = channels[0].clone().masked(mask.clone());
        let (joint, decision) = match method {
            Method::Exact => {
                let exact = Exact::new(&channels[0], job, run)?;
                (Joint::from(&exact.mixture), FitResult::Exact(Box::new(exact)))
            }
            Method::Voxel => {
                let voxels = Voxels::new(&channels, job, run)?;
                (voxels.joint.clone(), FitResult::Voxels(Box::new(voxels)))
            }
        };
        let input = channels.swap_remove(0).observed(None);
        Ok(Self { input, mask, header, joint, decision })
    }

    /// What labels are written as.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read: the first channel, as the kernels take it.
    pub fn input(&self) -> &Header {
        self.input.header()
    }

    /// The mixture in real units.
    pub fn mixture(&self) -> &Joint {
        &self.joint
    }

    /// The starts that were tried; over voxels on the histogram of the first channel.
    pub fn trials(&self) -> &Trials {
        match &self.decision {
            FitResult::Exact(exact) => &exact.trials,
            FitResult::Voxels(voxels) => &voxels.trials,
        }
    }

    /// Where classes lie on the axis of values, from the smallest value that occurs to the largest; none for the way over voxels.
    pub fn spans(&self) -> Option<&[ClassSpan]> {
        match &self.decision {
            FitResult::Exact(exact) => Some(&exact.spans),
            FitResult::Voxels(_) => None,
        }
    }

    /// The values that took part in the first channel, with counts, ascending, and their step.
    pub fn values(&self) -> (&[(f64, u64)], f64) {
        match &self.decision {
            FitResult::Exact(exact) => (&exact.values, exact.step),
            FitResult::Voxels(voxels) => (&voxels.values, voxels.step),
        }
    }

    /// Voxels that are NaN or infinite in some channel.
    pub fn not_finite(&self) -> u64 {
        match &self.decision {
            FitResult::Exact(_) => 0,
            FitResult::Voxels(voxels) => voxels.not_finite,
        }
    }

    /// Writes the labels: 0 outside of mask and range and for padding, else the class from 1. They are counted, and compared with `truth`, on the way.
    ///
    /// # Errors
    /// What reading and writing give; [`Error::Interrupted`].
    pub fn write_labels(&self, sink: &dyn Sink, truth: Option<&Truth>, run: &Run<'_>) -> Result<Written> {
        let register = Register::new(self.joint.components.len(), truth);
        let look = |at: u64, labels: &[u8]| register.enter(at, labels);
        match &self.decision {
            FitResult::Exact(exact) => {
                let tap = Tap {
                    inner: sink,
                    voxel_bytes: 1,
                    mask: self.mask.as_ref().map(Mask::source),
                    background: 0,
                    look: Some(&look),
                };
                map(&self.input, &exact.labels(), &tap, run)?;
            }
            FitResult::Voxels(voxels) => {
                voxels
                    .e_step
                    .write_labels(&Tap { inner: sink, voxel_bytes: 1, mask: None, background: 0, look: Some(&look) }, run)?;
            }
        }
        Ok(register.counted())
    }

    /// Writes the posterior of each class as float32 to a sink of its own; 0 where the label is 0.
    ///
    /// # Errors
    /// As [`Segmentation::write_labels`]; [`Error::Usage`] unless there is one sink for each class.
    pub fn write_posteriors(&self, sinks: &[&dyn Sink], run: &Run<'_>) -> Result<()> {
        let classes = self.joint.components.len();
        if sinks.len() != classes {
            return Err(Error::usage(format!("{} outputs for {classes} posteriors", sinks.len()), "give one for each class"));
        }
        match &self.decision {
            FitResult::Exact(exact) => {
                let (run, mask) = (run.one_of(classes as u64), self.mask.as_ref().map(Mask::source));
                sinks.iter().enumerate().try_for_each(|(class, sink)| {
                    let tap = Tap { inner: *sink, voxel_bytes: Dtype::F32.bytes(), mask, background: 0, look: None };
                    map(&self.input, &exact.posteriors(class), &tap, &run)
                })
            }
            FitResult::Voxels(voxels) => voxels.e_step.write_posteriors(sinks, run),
        }
    }
}
