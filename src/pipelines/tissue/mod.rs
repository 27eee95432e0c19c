//! Tissues of a brain, or the classes of whatever a mask holds: levels, neighbours and a smooth gain, in turns.
//!
//! COUNT, DECIDE, MAP, many times over: voxels are held as working values of 14 bits in the box around the mask; each round a sweep gives every voxel new weights, histograms by class and sums over blocks are counted in
//! whole numbers, and classes and gain are decided from them in f64. What is decided is a few thousand numbers; the voxels' part is the same bits on any number of threads.

mod fit;
#[cfg(test)]
mod tests;
mod working;
mod write;

use std::sync::Arc;

use super::{Input, Mask, Run};
use crate::analysis::tissue::{BlockGrid, NODES_PER_NAT, TissueClass};
use crate::io::Source;
use crate::ops::hmrf::{FaceWeights, MOST_CLASSES, SoftWeights};
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

use working::Working;

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
}

impl Default for TissueOptions {
    fn default() -> Self {
        Self { classes: 3, brightest_first: false, beta: 0.7, bias_width_mm: Some(20.0), rounds: 16 }
    }
}

impl TissueOptions {
    /// # Errors
    /// [`Error::Usage`] for what is out of bounds.
    pub fn check(&self) -> Result<()> {
        let usage = |what: String, remedy: &'static str| Err(Error::usage(what, remedy));
        match self {
            Self { classes, .. } if !(2..=MOST_CLASSES).contains(classes) => {
                usage(format!("{classes} classes of tissue"), "give 2 to 6")
            }
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

/// Tissues that were told apart, ready to be written.
pub struct Tissue {
    header: Header,
    source: Arc<dyn Source>,
    options: TissueOptions,
    working: Working,
    faces: FaceWeights,
    grid: BlockGrid,
    nodes: Vec<i32>,
    /// Mean of the field over the voxels that take part, in its units: what is told of the gain has none.
    mean_log: f64,
    levels: Vec<u16>,
    weights: SoftWeights,
    /// By label: 1 first.
    classes: Vec<TissueClass>,
    /// Labels of the box, as they are written.
    labels: Vec<u8>,
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
    /// Learns classes and gain of the voxels that a mask selects, without one of those that are not 0. Padding, NaN and infinities never take part.
    ///
    /// # Errors
    /// [`Error::Usage`] for options out of bounds, a time series, no voxels, fewer different values than classes, or what does not fit the memory of the run; what reading gives;
    /// [`Error::Interrupted`].
    pub fn new(input: &Input<'_>, mask: Option<&Mask>, options: TissueOptions, run: &Run<'_>) -> Result<Self> {
        options.check()?;
        let source = input.as_stored().source().clone();
        if source.header().grid.shape.volumes() > 1 {
            return Err(Error::usage("tissues of a time series", "take one of its volumes, or their mean"));
        }
        // Reading is told as one round.
        let run = &run.one_of(u64::from(options.rounds) + 1);
        let working = Working::new(source.clone(), mask, options.classes, run)?;
        fit::fit(source, working, options, run)
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

    /// The real value of a level, gain taken out.
    pub fn real(&self, level: f64) -> f64 {
        self.working.origin + level * self.real_std(1.0)
    }

    /// A standard deviation of levels in real values.
    pub fn real_std(&self, std: f64) -> f64 {
        std * self.working.per_level() * libm::exp(self.mean_log / NODES_PER_NAT)
    }

    /// How many voxels have each level, gain taken out.
    pub fn histogram(&self) -> Vec<u64> {
        fit::histogram(&self.levels)
    }

    /// All rounds, the last sweeps included.
    pub fn rounds(&self) -> &[TissueRound] {
        &self.rounds
    }

    /// Voxels that take part.
    pub fn voxels(&self) -> u64 {
        self.working.voxels
    }

    /// Voxels of the mask that are NaN or infinite.
    pub fn not_finite(&self) -> u64 {
        self.working.not_finite
    }

    /// The value that was taken for no signal, if it is not 0: many values lie below it.
    pub fn shifted(&self) -> Option<f64> {
        (self.working.origin != 0.0).then_some(self.working.origin)
    }

    /// The least and the greatest gain of any voxel that takes part.
    pub fn gains(&self) -> (f64, f64) {
        write::gains(self)
    }
}
