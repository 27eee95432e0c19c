//! The way over voxels: EM with the E-step's kernel, for true floats and several channels.
//!
//! EM starts from the mixture that the first channel's histogram gives (exact for whole numbers, in 65,536 bins for floats), so that
//! f32 only has to polish it; with several channels their means and covariances are those of its posteriors. Every iteration looks at
//! all voxels: on the CPU block by block (gzipped channels that fit the memory of the job are held there, larger ones are decoded anew each
//! time), on the GPU in device memory, uploaded once. Sums are added block by block in order, whatever thread they came from; where blocks end depends on
//! threads and memory, and with it the last digits of the sums.

use std::sync::Arc;

use super::axes::{Axis, Found, binned, look};
use super::blocks::{Data, Selection, over, uploaded};
use super::exact::counted;
use super::outputs::Tap;
use super::{Method, Segment};
use crate::analysis::mixture::{self, Component, Fit, Gaussian, Joint, Settings};
use crate::engine::{Gpu, GpuError, GpuVolume};
use crate::io::Sink;
use crate::ops::gmm::{self, Channel, Model, Sums};
use crate::pipelines::device::Quiet;
use crate::pipelines::{Device, Mask, Observer, Watch, gather};
use crate::volume::{Block, Dtype};
use crate::{Error, Result};

/// Bins of true floats for figures.
const FIGURE_BINS: usize = 4096;

/// So many iterations without a rise end EM.
const LEVEL: u32 = 3;

/// A mixture over voxels.
pub(super) struct Voxels {
    /// In real units.
    pub joint: Joint,
    /// Of the first channel, for figures.
    pub values: Vec<(f64, u64)>,
    pub step: f64,
    pub not_finite: u64,
    model: Model,
    selection: Selection,
    on_device: Option<OnDevice>,
}

struct OnDevice {
    gpu: Arc<Gpu>,
    channels: Vec<GpuVolume>,
    mask: Option<GpuVolume>,
}

impl Voxels {
    /// `resolved` is what was found of each channel of `data`, in order.
    pub fn new(
        data: Data<'_>,
        axes: &[Found],
        mask: Option<&Mask>,
        job: &Segment,
        device: &Device,
        observer: Option<Observer<'_>>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let settings = job.settings(Method::Voxel);
        let mut axes = look(data, axes, watch)?;
        let first = data.channels[0].as_ref();
        let begin = |values: &[(f64, u64)], step| {
            mixture::fit(values, step, &Settings { start: job.start.clone(), ..Settings::classes(job.classes) })
        };
        let (start, values, step) = if axes[0].whole {
            let (values, step) = counted(first, mask, &job.region, device, observer, watch)?;
            (begin(&values, step)?, values, step)
        } else {
            if let Some(see) = observer {
                gather(first, see, watch)?;
            }
            let (bins, step) = binned(first, &mut axes[0], mask, job, device, watch)?;
            let fine: Vec<(f64, u64)> = bins.entries().iter().map(|e| (e.value, e.count)).collect();
            let (even, width) = bins.even(FIGURE_BINS).unwrap_or_default();
            (begin(&fine, step)?, even, width)
        };

        let selection = Selection {
            rescale: axes[0].rescale,
            range: job.region.range,
            paddings: data.channels.iter().map(|c| c.header().padding).collect(),
        };
        let model = Model::of_first(&[Channel::new(0.0, 1.0, true)], &[Component { weight: 1.0, mean: 0.0, variance: 1.0 }])?;
        let (joint, not_finite) = (Joint::from(&start), 0);
        let mut own = Self { joint, values, step, not_finite, model, selection, on_device: None };
        own.on_device = own.upload(data, device, watch);
        own.fit(data, &axes, &start.components, &settings, watch)?;
        Ok(own)
    }

    fn fit(&mut self, data: Data<'_>, axes: &[Axis], start: &[Component], settings: &Settings, watch: &dyn Watch) -> Result<()> {
        let classes = start.len();
        let (frame, mut gaussians) = self.begin(data, axes, start, watch)?;
        let floor: Vec<f64> = axes.iter().zip(&frame).map(|(a, c)| a.floor(c)).collect();
        let (mut previous, mut iterations, mut converged) = (f64::NEG_INFINITY, 0, false);
        // EM never lowers the likelihood: where it no longer rises, it has come as far as sums of f32 can tell.
        let mut level = 0;
        while iterations < settings.max_iterations && !converged {
            self.model = Model::new(&frame, &gaussians)?;
            let sums = self.pass(data, watch)?;
            iterations += 1;
            gaussians = maximised(&sums, &gaussians, &floor, iterations)?;
            let likelihood = sums.log_likelihood / sums.count as f64;
            level = if likelihood > previous { 0 } else { level + 1 };
            converged = (likelihood - previous).abs() <= settings.tolerance || level == LEVEL;
            previous = likelihood;
        }
        gaussians = mixture::ordered(gaussians);
        if axes[0].rescale.slope < 0.0 {
            gaussians.reverse();
        }
        self.model = Model::new(&frame, &gaussians)?;
        let sums = self.pass(data, watch)?;
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
    fn begin(
        &mut self,
        data: Data<'_>,
        axes: &[Axis],
        start: &[Component],
        watch: &dyn Watch,
    ) -> Result<(Vec<Channel>, Vec<Gaussian>)> {
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
        self.model = Model::of_first(&frame, &components)?;
        let sums = self.pass(data, watch)?;
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

    /// The E-step's sums over all voxels.
    fn pass(&mut self, data: Data<'_>, watch: &dyn Watch) -> Result<Sums> {
        if watch.stopped() {
            return Err(Error::Interrupted);
        }
        if let Some(on) = &self.on_device {
            match gmm::run(&on.gpu, &on.channels, on.mask.as_ref(), &self.model) {
                Ok(sums) => return some(sums),
                Err(e) => watch.event(&falls_back(&e)),
            }
            self.on_device = None;
        }
        let (model, selection) = (&self.model, &self.selection);
        let quiet = Quiet(watch);
        let parts: Vec<Vec<(u64, Sums)>> = over(data, selection, &quiet, Vec::new, |done: &mut Vec<_>, at, blocks, selected| {
            done.push((at, gmm::statistics(blocks, selected, model)));
            Ok(())
        })?;
        let mut parts: Vec<(u64, Sums)> = parts.into_iter().flatten().collect();
        parts.sort_by_key(|(at, _)| *at);
        let mut sums = Sums::none(model.channels(), model.classes());
        parts.iter().for_each(|(_, part)| sums.merge(part));
        some(sums)
    }

    pub fn write_labels(&self, data: Data<'_>, sink: &Tap<'_>, watch: &dyn Watch) -> Result<()> {
        if let Some(on) = &self.on_device {
            let labels = gmm::run_labels(&on.gpu, &on.channels, on.mask.as_ref(), &self.model);
            match labels.and_then(|l| l.download(&on.gpu)) {
                Ok(labels) => return sink.write(0, &labels),
                Err(e) => watch.event(&falls_back(&e)),
            }
        }
        over(data, &self.selection, watch, Vec::new, |out: &mut Vec<u8>, at, blocks, selected| {
            out.resize(blocks[0].len(), 0);
            gmm::labels(blocks, selected, &self.model, out);
            sink.write(at, out)
        })
        .map(|_| ())
    }

    pub fn write_posteriors(&self, data: Data<'_>, sinks: &[&dyn Sink], watch: &dyn Watch) -> Result<()> {
        let mut done = 0;
        if let Some(on) = &self.on_device {
            for (class, sink) in sinks.iter().enumerate() {
                let share = gmm::run_posterior(&on.gpu, &on.channels, on.mask.as_ref(), &self.model, class);
                match share.and_then(|s| s.download(&on.gpu)) {
                    Ok(share) => sink.write(0, &share)?,
                    Err(e) => {
                        watch.event(&falls_back(&e));
                        break;
                    }
                }
                done += 1;
            }
        }
        if done == sinks.len() {
            return Ok(());
        }
        over(data, &self.selection, watch, Vec::new, |out: &mut Vec<f32>, at, blocks, selected| {
            let voxels = blocks[0].len();
            out.resize(voxels * sinks.len(), 0.0);
            gmm::posteriors(blocks, selected, &self.model, out);
            let shares = sinks.iter().zip(out.chunks_exact(voxels)).skip(done);
            shares.into_iter().try_for_each(|(sink, share)| sink.write(at, bytemuck::cast_slice(share)))
        })
        .map(|_| ())
    }

    /// The channels in device memory; none on the CPU, or if they do not fit.
    fn upload(&self, data: Data<'_>, device: &Device, watch: &dyn Watch) -> Option<OnDevice> {
        let Device::Gpu(gpu) = device else { return None };
        let volumes = || -> Result<OnDevice> {
            let channels = data.channels.iter().map(|c| uploaded(gpu, c.as_ref())).collect::<Result<_>>()?;
            let mut mask = None;
            if self.selection.selects(data) {
                let mut all = vec![0; data.channels[0].header().shape.voxels() as usize];
                let parts = over(data, &self.selection, &Quiet(watch), Vec::new, |done: &mut Vec<_>, at, _, selected| {
                    done.extend(selected.map(|s| (at, s.to_vec())));
                    Ok(())
                })?;
                parts.iter().flatten().for_each(|(at, part)| all[*at as usize..][..part.len()].copy_from_slice(part));
                mask = Some(GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: &all })?);
            }
            Ok(OnDevice { gpu: gpu.clone(), channels, mask })
        };
        volumes().map_err(|e| watch.event(&format!("{e}; the CPU does it"))).ok()
    }
}

fn falls_back(error: &GpuError) -> String {
    format!("{error}; the CPU goes on, within the stated bound of the same result")
}

fn some(sums: Sums) -> Result<Sums> {
    if sums.count == 0 {
        return Err(Error::no_voxel());
    }
    Ok(sums)
}

fn maximised(sums: &Sums, old: &[Gaussian], floor: &[f64], iteration: u32) -> Result<Vec<Gaussian>> {
    let classes = old.len();
    let one = |(j, (m, g)): (usize, (&mixture::Moments, &Gaussian))| {
        m.maximise(g, sums.count as f64, floor, (j + 1, classes, iteration))
    };
    sums.classes.iter().zip(old).enumerate().map(one).collect()
}
