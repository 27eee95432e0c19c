//! Tissues of a brain, or the classes of whatever a mask holds: levels, neighbours and a smooth gain, in turns.
//!
//! COUNT, DECIDE, MAP, many times over: voxels are held as working values of 14 bits in the box around the mask, in memory, in slabs of a scratch file, or on a device; each round a sweep gives every voxel new weights, histograms
//! by class and sums over blocks are counted in whole numbers, and classes and gain are decided from them in f64. What is decided is a few thousand numbers; the voxels' part is the same bits wherever they are.

mod channels;
mod fit;
mod ranks;
mod resident;
mod rounds;
mod shape;
mod slabs;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use super::{Cost, Input, Mask, Run, ScratchPlace};
use crate::analysis::tissue::{NODES_PER_NAT, TissueClass};
use crate::io::Source;
use crate::ops::hmrf::MOST_CLASSES;
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

use channels::Channels;
use slabs::Slabs;

/// How tissues are told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TissueOptions {
    /// How many, 2 to 6.
    pub classes: usize,
    /// The first class is the brightest, as CSF in T2 and proton density; else the darkest, as in T1.
    pub brightest_first: bool,
    /// Nats that each of six like neighbours is worth, 0 to 10; 0: neighbours do not count.
    pub beta: f64,
    /// Full width at half maximum of the smooth gain; none: there is no gain.
    pub bias_width_mm: Option<f64>,
    /// Rounds of learning.
    pub rounds: u32,
    /// Whether voxels that are 0 take part where no mask says which do.
    pub zeros: bool,
}

impl Default for TissueOptions {
    fn default() -> Self {
        Self { classes: 3, brightest_first: false, beta: 0.7, bias_width_mm: Some(20.0), rounds: 16, zeros: false }
    }
}

impl TissueOptions {
    /// # Errors
    /// [`Error::Usage`] for what is out of bounds.
    pub fn check(&self) -> Result<()> {
        let usage = |what: String, remedy: &'static str| Err(Error::usage(what, remedy));
        match self {
            Self { classes, .. } if !(2..=MOST_CLASSES).contains(classes) => usage(format!("{classes} classes"), "give 2 to 6"),
            Self { beta, .. } if !(0.0..=10.0).contains(beta) => {
                usage(format!("a weight of {beta} for neighbours"), "give 0 to 10")
            }
            Self { rounds, .. } if !(1..=1000).contains(rounds) => usage(format!("{rounds} rounds"), "give 1 to 1000"),
            Self { bias_width_mm: Some(width), .. } if !(*width >= 1.0 && *width <= 1000.0) => {
                usage(format!("a gain of {width} mm width"), "give 1 to 1000 mm")
            }
            _ => Ok(()),
        }
    }
}

/// One round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TissueRound {
    /// How much neighbours counted.
    pub beta: f64,
    /// Voxels whose label changed.
    pub changed: u64,
}

/// Of the logarithm of the gain, in units of nodes, over the voxels that take part.
#[derive(Debug, Clone, Copy, PartialEq)]
struct GainRange {
    /// What is told of the gain has none.
    mean_log: f64,
    least: i32,
    most: i32,
}

impl GainRange {
    /// The gain itself, of geometric mean 1.
    fn gain(&self, b: i32) -> f64 {
        libm::exp((f64::from(b) - self.mean_log) / NODES_PER_NAT)
    }
}

/// Tissues that were told apart, ready to be written.
pub struct Tissue {
    header: Header,
    /// The first channel.
    source: Arc<dyn Source>,
    options: TissueOptions,
    channels: Channels,
    slabs: Slabs,
    /// By channel.
    nodes: Vec<Vec<i32>>,
    gains: Vec<GainRange>,
    /// Of the first channel's levels.
    histogram: Vec<u64>,
    /// By label, 1 first: the class that voxels have it for.
    order: Vec<usize>,
    /// By label.
    classes: Vec<TissueClass>,
    rounds: Vec<TissueRound>,
}

impl std::fmt::Debug for Tissue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { options, classes, rounds, .. } = self;
        f.debug_struct("Tissue")
            .field("options", options)
            .field("classes", classes)
            .field("rounds", rounds)
            .finish_non_exhaustive()
    }
}

impl Tissue {
    /// Learns classes and gain of the voxels that a mask selects, without one of those that are not 0 in the first image (or of all), from one image or two of the same voxels. Padding, NaN and
    /// infinities never take part. What does not fit the memory of the run lies in a scratch file.
    ///
    /// # Errors
    /// [`Error::Usage`] for options out of bounds, more than two images, a time series, no voxels, fewer different values than classes, or slices that do not fit the memory of the run; what
    /// reading and a scratch file give; [`Error::Interrupted`]. A failing GPU is no error: the CPU begins again.
    pub fn new(
        images: &[Input<'_>],
        mask: Option<&Mask>,
        (options, scratch): (TissueOptions, &ScratchPlace),
        run: &Run<'_>,
    ) -> Result<Self> {
        options.check()?;
        fit::fit((images, mask), options, scratch, run)
    }

    /// What it costs to learn from an image with this header, a quarter of which is brain.
    pub fn cost(image: &Header, options: &TissueOptions) -> Cost {
        let (voxels, rounds) = (image.grid.shape.voxels() / 4, options.rounds + 2);
        // Of a voxel, and of a voxel and round: measured on one thread, and seven reads of its weights and its level.
        Cost::each(voxels, (f64::from(rounds) * 45.0, 12 * u64::from(rounds)), 8 * voxels)
    }

    /// What labels are written as.
    pub fn header(&self) -> Header {
        self.header.derived(Dtype::U8).with(|h| (h.display.inverted, h.meaning.labels) = (false, true))
    }

    /// What was read.
    pub fn input(&self) -> &Header {
        &self.header
    }

    /// What was asked for.
    pub fn options(&self) -> &TissueOptions {
        &self.options
    }

    /// The classes by label, 1 first; levels as [`real`](Self::real) and [`real_std`](Self::real_std) turn them back.
    pub fn classes(&self) -> &[TissueClass] {
        &self.classes
    }

    /// The real value of a level of a channel, gain taken out.
    pub fn real(&self, channel: usize, level: f64) -> f64 {
        self.channels.scales[channel].origin + level * self.real_std(channel, 1.0)
    }

    /// A standard deviation of levels of a channel in real values.
    pub fn real_std(&self, channel: usize, std: f64) -> f64 {
        let gain = libm::exp(self.gains[channel].mean_log / NODES_PER_NAT);
        std * self.slabs.of.space.per_level() * self.channels.scales[channel].unit() * gain
    }

    /// How many images of the voxels there are.
    pub fn channels(&self) -> usize {
        self.channels.scales.len()
    }

    /// How many voxels have each level of the first channel, gain taken out.
    pub fn histogram(&self) -> &[u64] {
        &self.histogram
    }

    /// All rounds, the last sweeps included.
    pub fn rounds(&self) -> &[TissueRound] {
        &self.rounds
    }

    /// Voxels that take part.
    pub fn voxels(&self) -> u64 {
        self.channels.voxels
    }

    /// Voxels of the mask that are NaN or infinite.
    pub fn not_finite(&self) -> u64 {
        self.channels.not_finite
    }

    /// The value of the first image that was taken for no signal, if it is not 0: many values lie below it.
    pub fn shifted(&self) -> Option<f64> {
        let origin = self.channels.scales[0].origin;
        (origin != 0.0).then_some(origin)
    }

    /// The least and the greatest gain of a channel at any voxel that takes part.
    pub fn gains(&self, channel: usize) -> (f64, f64) {
        let range = self.gains[channel];
        (range.gain(range.least), range.gain(range.most))
    }
}
