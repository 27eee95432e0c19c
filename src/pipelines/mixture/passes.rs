//! Passes over all voxels with a mixture: the E-step's sums, labels, posteriors.

use std::cell::RefCell;
use std::ops::Range;

use crate::engine::{Chunk, GpuError, UNIT_VOXELS};
use crate::io::Sink;
use crate::ops::gmm::{self, GpuModel, Model, Sums};
use crate::pipelines::device::with_fallback;
use crate::pipelines::input::Part;
use crate::pipelines::ways::blocks::Blocks;
use crate::pipelines::ways::lanes::{self, Pass, Recording};
use crate::pipelines::ways::resident::Resident;
use crate::pipelines::{Input, Run};
use crate::volume::Dtype;
use crate::{Error, Result};

/// A mixture and the voxels that it is held against.
pub(super) struct EStep {
    pub model: Model,
    input: Input<'static>,
    resident: Option<Resident>,
}

impl EStep {
    /// Brings the voxels to the device if there is one and they fit.
    pub fn new(input: Input<'static>, model: Model, run: &Run<'_>) -> Result<Self> {
        Ok(Self { resident: Resident::new(&input, run)?, input, model })
    }

    /// Ends the stay on the device: what is written goes through lanes of other sizes.
    pub fn leave_device(&mut self, run: &Run<'_>) {
        self.resident = None;
        if let Some((gpu, _)) = run.device.current() {
            gpu.clear_pool();
        }
    }

    /// The E-step's sums over all voxels.
    pub fn sums(&mut self, run: &Run<'_>) -> Result<Sums> {
        run.stop()?;
        if let Some(on) = &self.resident {
            match gmm::run(&on.gpu, &on.channels, on.mask.as_ref(), &self.model) {
                Ok(sums) => return Ok(sums),
                Err(e) => run.note(&format!("{e}; the voxels are read again in each pass")),
            }
            self.resident = None;
        }
        let (model, input, run) = (&self.model, &self.input, &run.quiet());
        let none = || Sums::none(model.channels(), model.classes());
        let cell = RefCell::new(none());
        with_fallback(
            run,
            lanes::unit(input, 0, run),
            |attempt| {
                let gpu = attempt.gpu;
                let device_model = GpuModel::upload(gpu, model)?;
                let group = gmm::partials_bytes(gpu, &device_model, 1)?;
                let mut pass = Pass {
                    kernel: gmm::SHADER.name,
                    output_bytes: &|voxels| gmm::partials_bytes(gpu, &device_model, voxels as u32).unwrap_or(group),
                    record: &|to| gmm::encode(to.gpu, to.encoder, &paired(to.channels), to.mask, &device_model, to.output),
                    again: true,
                    drain: &mut |_, bytes| {
                        cell.borrow_mut().merge(&device_model.sums(bytes));
                        Ok(())
                    },
                };
                lanes::pass(input, attempt, &mut pass, run)
            },
            |from| {
                let parts = Blocks::of(input, run).from(from).each(Vec::new, |done: &mut Vec<_>, part| {
                    done.push((part.at, gmm::statistics(&part.blocks, part.mask, model)));
                    Ok(())
                })?;
                let mut parts: Vec<(u64, Sums)> = parts.into_iter().flatten().collect();
                parts.sort_by_key(|(at, _)| *at);
                parts.iter().for_each(|(_, part)| cell.borrow_mut().merge(part));
                Ok(())
            },
        )?;
        Ok(cell.into_inner())
    }

    /// Writes the most likely class of each voxel, from 1.
    pub fn write_labels(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let cpu = |out: &mut Vec<u8>, part: Part<'_>| {
            out.resize(part.voxels() as usize, 0);
            gmm::labels(&part.blocks, part.mask, &self.model, out);
            sink.write(part.at, out)
        };
        let on_device = |to: Recording<'_>, model: &GpuModel| {
            gmm::encode_labels(to.gpu, to.encoder, &paired(to.channels), to.mask, model, to.output)
        };
        let on_cpu = |from| Blocks::of(&self.input, run).from(from).each(Vec::new, cpu).map(|_| ());
        self.write(&Results { dtype: Dtype::U8, on_device: &on_device, on_cpu: &on_cpu }, sink, run)
    }

    /// Writes the posterior of each class, as f32.
    pub fn write_posteriors(&self, sinks: &[&dyn Sink], run: &Run<'_>) -> Result<()> {
        // The CPU has all classes of a voxel at once.
        let cpu = |wanted: Range<usize>, from: u64, run: &Run<'_>| {
            let work = |out: &mut Vec<f32>, part: Part<'_>| {
                let voxels = part.voxels() as usize;
                out.resize(voxels * sinks.len(), 0.0);
                gmm::posteriors(&part.blocks, part.mask, &self.model, out);
                let shares = sinks.iter().zip(out.chunks_exact(voxels)).take(wanted.end).skip(wanted.start);
                shares.into_iter().try_for_each(|(sink, share)| sink.write(part.at, bytemuck::cast_slice(share)))
            };
            Blocks::of(&self.input, run).from(from).each(Vec::new, work).map(|_| ())
        };
        if run.device.current().is_none() {
            return cpu(0..sinks.len(), 0, run);
        }
        let run = &run.one_of(sinks.len() as u64);
        sinks.iter().enumerate().try_for_each(|(class, sink)| {
            let on_device = |to: Recording<'_>, model: &GpuModel| {
                gmm::encode_posterior(to.gpu, to.encoder, &paired(to.channels), to.mask, model, class, to.output)
            };
            let on_cpu = |from| cpu(class..class + 1, from, run);
            self.write(&Results { dtype: Dtype::F32, on_device: &on_device, on_cpu: &on_cpu }, *sink, run)
        })
    }

    fn write(&self, results: &Results<'_>, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let size = results.dtype.bytes() as u64;
        with_fallback(
            run,
            lanes::unit(&self.input, size, run),
            |attempt| {
                let model = GpuModel::upload(attempt.gpu, &self.model)?;
                let mut pass = Pass {
                    kernel: gmm::SHADER.name,
                    // Kernels write whole units.
                    output_bytes: &|voxels| voxels.next_multiple_of(UNIT_VOXELS) * size,
                    record: &|to| (results.on_device)(to, &model),
                    again: false,
                    drain: &mut |unit, bytes| sink.write(unit.at, &bytes[..(unit.voxels * size) as usize]),
                };
                lanes::pass(&self.input, attempt, &mut pass, run)
            },
            results.on_cpu,
        )
    }
}

/// What a voxel becomes, either way.
struct Results<'a> {
    dtype: Dtype,
    on_device: &'a dyn Fn(Recording<'_>, &GpuModel) -> Result<(), GpuError>,
    /// All voxels from one on.
    on_cpu: &'a dyn Fn(u64) -> Result<()>,
}

fn paired(channels: &[(Dtype, Chunk)]) -> Vec<(Dtype, &Chunk)> {
    channels.iter().map(|(dtype, chunk)| (*dtype, chunk)).collect()
}

/// Sums over at least one voxel.
pub(super) fn some(sums: Sums) -> Result<Sums> {
    if sums.count == 0 {
        return Err(Error::no_voxel());
    }
    Ok(sums)
}
