//! `hounsfield segment --neighbours`: classes by value and by neighbours.

use std::sync::Arc;

use hounsfield::Result;
use hounsfield::ops::mask::Rule;
use hounsfield::pipelines::{Input, Mask, TissueOptions};
use hounsfield::views::Foreground;
use hounsfield::volume::Header;

use super::super::classes::{ClassOutputs, ClassWork, classify};
use super::{Args, truth};
use crate::args::{ScratchArgs, Shared};
use crate::job::Job;

pub fn run(shared: &Shared, args: &Args, beta: f64) -> Result<()> {
    let masked = args.region.mask.is_some() || args.region.r#where.is_some();
    let options = TissueOptions { classes: args.classes, beta, bias_width_mm: None, zeros: !masked, ..TissueOptions::default() };
    options.check()?;
    let mut job = Job::new(shared, &args.input, args.region.mask.iter().chain(&args.channel).chain(&args.truth))?;
    let outputs = ClassOutputs {
        labels: job.output(&args.output)?,
        field: None,
        corrected: None,
        fractions: Vec::new(),
        figure: job.figure(args.figure.as_deref())?,
        report: job.maybe(args.report.as_deref())?,
    };
    let mut images = vec![job.resolve()?];
    let header = images[0].header().clone();
    for (n, path) in (2..).zip(&args.channel) {
        images.push(job.resolve_other(&format!("channel {n}"), path, &header)?);
    }
    let mask = chosen(&mut job, args, &images[0], &header)?;
    let truth = truth(&mut job, args.truth.as_deref(), &header)?;
    let scratch = ScratchArgs::default().place(&args.output, outputs.bytes(&header))?;
    let work = ClassWork { options, masked, title: "Classes by value and neighbours", names: &args.names, scratch };
    classify(job, &outputs, (&images, mask, truth), &work)
}

/// The voxels of the mask whose values lie in the range, as far as there are both.
fn chosen(job: &mut Job<'_>, args: &Args, image: &Input<'_>, header: &Header) -> Result<Option<Mask>> {
    let mask = job.mask(&args.region, header)?;
    let Some(range) = args.region.r#where else { return Ok(mask) };
    let within = Foreground::of(Arc::clone(image.source()), Some(range), false);
    let within = job.prepare("where", header.bytes(), |run| Mask::new(within, None, header, run))?;
    Ok(Some(match mask {
        Some(mask) => Mask::combined(vec![mask, within], Rule::AND)?,
        None => within,
    }))
}
