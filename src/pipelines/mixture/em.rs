//! The way over voxels: EM with the E-step's kernel, for true floats and several channels.
//!
//! EM starts from the mixture that the first channel's histogram gives (exact for whole numbers, in 65,536 bins for floats), the best of several
//! starts there, so that f32 only has to polish it; with several channels their means and covariances are those of its posteriors. Every iteration looks at
//! all voxels: in device memory where they fit the memory of the job, else block by block or lane by lane (gzipped channels that fit are
//! held decoded, larger ones are decoded anew each time). Sums are added block by block in order, whatever thread they came from; where blocks end
//! depends on threads and memory, and with it the last digits of the sums.

use super::axes::{Axis, binned, look};
use super::passes::{EStep, some};
use super::{Method, Segment};
use crate::Result;
use crate::analysis::mixture::{self, Component, Fit, FitSettings, Gaussian, Joint, Trials};
use crate::ops::gmm::{Channel, Model, Sums};
use crate::pipelines::input::Selection;
use crate::pipelines::{Input, Run};

/// Bins of true floats for figures.
const FIGURE_BINS: usize = 4096;

/// So many iterations without a rise end EM.
const LEVEL: u32 = 3;

/// So many without a higher likelihood than ever before do, too: rounding can let it go up and down for ever.
const STALE: u32 = 50;

/// A mixture over voxels.
pub(super) struct Voxels {
    /// In real units.
    pub joint: Joint,
    /// On the histogram of the first channel.
    pub trials: Trials,
    /// Of the first channel, for figures.
    pub values: Vec<(f64, u64)>,
    pub step: f64,
    pub not_finite: u64,
    pub e_step: EStep,
}

impl Voxels {
    /// Fits a mixture to channels of one grid; the first has the mask and who looks on.
    pub fn new(channels: &[Input<'_>], job: &Segment, run: &Run<'_>) -> Result<Self> {
        let settings = job.settings(Method::Voxel);
        let mut axes = look(channels, run)?;
        let begin = |values: &[(f64, u64)], step| {
            mixture::search(values, step, &FitSettings { start: job.start.clone(), ..FitSettings::classes(job.classes) })
        };
        let first = &channels[0];
        let ((start, trials), values, step) = if first.is_exact() {
            let (values, step) = super::exact::counted(first, &job.region, run)?;
            (begin(&values, step)?, values, step)
        } else {
            let (bins, step) = binned(first, &mut axes[0], job, run)?;
            let fine: Vec<(f64, u64)> = bins.entries().iter().map(|e| (e.value, e.count)).collect();
            let (even, width) = bins.even(FIGURE_BINS).unwrap_or_default();
            (begin(&fine, step)?, even, width)
        };

        let selection = Selection {
            rescale: axes[0].rescale,
            range: job.region.range,
            paddings: channels.iter().map(|c| c.header().meaning.padding).collect(),
        };
        let joined = first.clone().observed(None).joined(&channels[1..], selection);
        let model = Model::of_first(&[Channel::new(0.0, 1.0, true)], &[Component { weight: 1.0, mean: 0.0, variance: 1.0 }])?;
        let e_step = EStep::new(joined, model, run)?;
        let mut own = Self { joint: Joint::from(&start), trials, values, step, not_finite: 0, e_step };
        own.fit(&axes, &start.components, &settings, run)?;
        own.e_step.leave_device(run);
        Ok(own)
    }

    fn fit(&mut self, axes: &[Axis], start: &[Component], settings: &FitSettings, run: &Run<'_>) -> Result<()> {
        let classes = start.len();
        let (frame, mut gaussians) = self.begin(axes, start, run)?;
        let floor: Vec<f64> = axes.iter().zip(&frame).map(|(a, c)| a.floor(c)).collect();
        let (mut previous, mut iterations, mut converged) = (f64::NEG_INFINITY, 0, false);
        // EM never lowers the likelihood: where it no longer rises, it has come as far as sums of f32 can tell.
        let (mut level, mut highest, mut stale) = (0, f64::NEG_INFINITY, 0);
        while iterations < settings.max_iterations && !converged {
            self.e_step.model = Model::new(&frame, &gaussians)?;
            let sums = some(self.e_step.sums(run)?)?;
            iterations += 1;
            gaussians = maximised(&sums, &gaussians, &floor, iterations)?;
            let likelihood = sums.log_likelihood / sums.count as f64;
            level = if likelihood > previous { 0 } else { level + 1 };
            stale = if likelihood > highest { 0 } else { stale + 1 };
            highest = highest.max(likelihood);
            converged = (likelihood - previous).abs() <= settings.tolerance || level == LEVEL || stale == STALE;
            previous = likelihood;
        }
        gaussians = mixture::ordered(gaussians);
        if axes[0].rescale.slope < 0.0 {
            gaussians.reverse();
        }
        self.e_step.model = Model::new(&frame, &gaussians)?;
        let sums = some(self.e_step.sums(run)?)?;
        self.not_finite = sums.not_finite;

        // From x to real values: x = (stored - centre) · scale.
        let line = |(a, c): (&Axis, &Channel)| {
            let (at, per) = c.line();
            (a.rescale.real(at), a.rescale.slope * per)
        };
        let (centre, scale): (Vec<f64>, Vec<f64>) = axes.iter().zip(&frame).map(line).unzip();
        let log_likelihood = sums.log_likelihood / sums.count as f64 - scale.iter().map(|s| libm::log(s.abs())).sum::<f64>();
        let d = axes.len() as u32;
        let parameters = classes as u32 - 1 + classes as u32 * (d + d * (d + 1) / 2);
        self.joint = Joint {
            components: gaussians.iter().map(|g| g.scaled(&centre, &scale)).collect(),
            fit: Fit { log_likelihood, iterations, converged, count: sums.count, parameters },
        };
        Ok(())
    }

    /// The channels' numbers x, and the first parameters in them.
    fn begin(&mut self, axes: &[Axis], start: &[Component], run: &Run<'_>) -> Result<(Vec<Channel>, Vec<Gaussian>)> {
        let first = axes[0].rescale;
        let mean: f64 = start.iter().map(|c| c.weight * c.mean).sum();
        let square: f64 = start.iter().map(|c| c.weight * (c.variance + (c.mean - mean) * (c.mean - mean))).sum();
        let mut frame: Vec<Channel> = axes.iter().map(Axis::rough).collect();
        frame[0] = Channel::new(first.stored(mean), square.sqrt() / first.slope.abs(), axes[0].whole);
        let (at, per) = frame[0].line();
        let inner = |c: &Component| {
            let per_real = 1.0 / (per * first.slope);
            let mean = (first.stored(c.mean) - at) / per;
            Component { weight: c.weight, mean, variance: c.variance * per_real * per_real }
        };
        let components: Vec<Component> = start.iter().map(inner).collect();
        if axes.len() == 1 {
            return Ok((frame, components.iter().map(Gaussian::from).collect()));
        }
        self.e_step.model = Model::of_first(&frame, &components)?;
        let sums = some(self.e_step.sums(run)?)?;
        let d = axes.len();
        let old: Vec<Gaussian> = components
            .iter()
            .map(|c| {
                let mut mean = vec![0.0; d];
                mean[0] = c.mean;
                Gaussian { weight: c.weight, mean, covariance: vec![0.0; d * (d + 1) / 2] }
            })
            .collect();
        let floor: Vec<f64> = axes.iter().zip(&frame).map(|(a, c)| a.floor(c)).collect();
        let rough = maximised(&sums, &old, &floor, 0)?;
        // Now that mean and spread of all channels are known, the numbers x are chosen anew.
        let mut fine = frame.clone();
        for a in 1..d {
            let mean: f64 = rough.iter().map(|g| g.weight * g.mean[a]).sum();
            let square: f64 = rough.iter().map(|g| g.weight * (g.covariance(a, a) + (g.mean[a] - mean).powi(2))).sum();
            let (at, per) = frame[a].line();
            fine[a] = Channel::new(at + per * mean, per * square.sqrt(), axes[a].whole);
        }
        let (mut shift, mut scale) = (vec![0.0; d], vec![1.0; d]);
        for a in 0..d {
            let ((at, per), (fine_at, fine_per)) = (frame[a].line(), fine[a].line());
            (shift[a], scale[a]) = ((at - fine_at) / fine_per, per / fine_per);
        }
        Ok((fine, rough.iter().map(|g| g.scaled(&shift, &scale)).collect()))
    }
}

fn maximised(sums: &Sums, old: &[Gaussian], floor: &[f64], iteration: u32) -> Result<Vec<Gaussian>> {
    let classes = old.len();
    let one = |(j, (m, g)): (usize, (&mixture::Moments, &Gaussian))| {
        m.maximise(g, sums.count as f64, floor, (j + 1, classes, iteration))
    };
    sums.classes.iter().zip(old).enumerate().map(one).collect()
}
