//! Rounds of sweeps, counts and decisions, wherever the voxels are.

use super::shape::BoxShape;
use super::{TissueOptions, TissueRound};
use crate::Result;
use crate::analysis::tissue::{BlockSums, SmoothField, TissueClass};
use crate::ops::hmrf::Energies;
use crate::pipelines::Run;

/// Sweeps in the end, with classes and gain as they are.
const LAST: usize = 2;

/// What a sweep goes by.
pub(super) struct SweepModel<'a> {
    /// Of the gain, by channel.
    pub nodes: &'a [Vec<i32>],
    pub energies: &'a Energies,
    /// Whether classes and gain are learnt from what it finds.
    pub learn: bool,
}

/// What a sweep finds.
#[derive(Debug, PartialEq)]
pub(super) struct SweepCounts {
    /// Labels that changed.
    pub changed: u64,
    /// Weights by class and level; none where nothing is learnt.
    pub histograms: Vec<Vec<u64>>,
    /// By channel; none where nothing is learnt.
    pub sums: Vec<BlockSums>,
}

impl SweepCounts {
    pub fn none(of: &BoxShape, learn: bool) -> Self {
        let [classes, channels] = [of.classes, of.space.channels()].map(|n| if learn { n } else { 0 });
        Self {
            changed: 0,
            histograms: vec![vec![0; of.space.levels()]; classes],
            sums: vec![BlockSums::none(&of.grid, of.classes); channels],
        }
    }

    pub fn add_histograms(&mut self, more: &[Vec<u64>]) {
        self.histograms.iter_mut().flatten().zip(more.iter().flatten()).for_each(|(all, more)| *all += more);
    }
}

/// Voxels that sweeps go over: in memory, in a file, on a device.
pub(super) trait Rounds {
    /// Levels under the gain, new weights and labels, and what is learnt from.
    fn sweep(&mut self, model: &SweepModel<'_>) -> Result<SweepCounts>;
}

/// What rounds decide.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TissueFit {
    /// In the order of weights and labels.
    pub classes: Vec<TissueClass>,
    /// Of the gain, by channel.
    pub nodes: Vec<Vec<i32>>,
    pub rounds: Vec<TissueRound>,
}

impl TissueFit {
    /// Learns classes, from these on, and a gain.
    pub fn learn(
        voxels: &mut dyn Rounds,
        (of, spacing_mm): (&BoxShape, [f64; 3]),
        (options, classes): (&TissueOptions, &[TissueClass]),
        (run, bytes): (&Run<'_>, u64),
    ) -> Result<Self> {
        let mut fit =
            Self { classes: classes.to_vec(), nodes: vec![vec![0; of.grid.len()]; of.space.channels()], rounds: Vec::new() };
        for round in 0..options.rounds {
            run.stop()?;
            // From nothing on, so that the first labels, under a gain that is not known yet, do not hold each other.
            let beta = options.beta * f64::from(round) / f64::from((options.rounds - 1).max(1));
            let counts = fit.go(voxels, beta, true)?;
            TissueClass::learn(&mut fit.classes, &counts.histograms, of.space);
            if let Some(width_mm) = options.bias_width_mm {
                let field = SmoothField::new(of.grid, spacing_mm, width_mm);
                for (channel, (nodes, sums)) in fit.nodes.iter_mut().zip(&counts.sums).enumerate() {
                    *nodes = field.nodes(sums, &fit.classes, (channel, of.space));
                }
            }
            run.advance(bytes);
        }
        for _ in 0..LAST {
            run.stop()?;
            fit.go(voxels, options.beta, false)?;
        }
        Ok(fit)
    }

    fn go(&mut self, voxels: &mut dyn Rounds, beta: f64, learn: bool) -> Result<SweepCounts> {
        let gaussians: Vec<_> = self.classes.iter().map(TissueClass::gaussian).collect();
        let energies = Energies::new(&gaussians, beta);
        let counts = voxels.sweep(&SweepModel { nodes: &self.nodes, energies: &energies, learn })?;
        self.rounds.push(TissueRound { beta, changed: counts.changed });
        Ok(counts)
    }
}
