//! What `resample`, `crop`, `pad` and `reorient` share: voxels put onto another grid and written.

use std::sync::Arc;

use hounsfield::Result;
use hounsfield::findings::{PlacementFinding, Rows};
use hounsfield::io::output::Target;
use hounsfield::io::{self, Source};
use hounsfield::ops::resample::Sampling;
use hounsfield::pipelines::{self, Background, Input, Resampling};
use hounsfield::views::RealValues;
use hounsfield::volume::{Header, Placement};

use crate::job::{self, Job};

/// Onto which grid, and how.
pub struct Onto {
    pub placement: Placement,
    /// None where voxels are only moved.
    pub sampling: Option<Sampling>,
    /// In real units; what stands outside of an image unless told otherwise, if none.
    pub fill: Option<f64>,
}

/// Real values where the file has a rescale for each slice and the target mixes them.
pub fn comparable(job: &Job<'_>, source: Arc<dyn Source>, placement: &Placement) -> Arc<dyn Source> {
    let header = source.header();
    let kept = placement.header(header).is_ok_and(|target| target.meaning.rescale.uniform().is_some());
    if kept {
        return source;
    }
    let to = io::real_type(header);
    job.warn(&format!("the rescale differs between slices: real values are written as {to}"));
    Arc::new(RealValues::new(source, to))
}

/// Writes the target, and tells of it.
pub fn write(mut job: Job<'_>, target: &Target, source: Arc<dyn Source>, onto: Onto) -> Result<()> {
    let Onto { placement, sampling, fill } = onto;
    let source = comparable(&job, source, &placement);
    let fill = fill_of(&job, source.header(), fill)?;
    let what = Resampling { placement, sampling: sampling.unwrap_or(Sampling::Nearest), fill: fill.bits };
    let header = what.header(source.header())?;
    if sampling.is_some() {
        job.costs(what.cost(source.header()));
    }
    let input = Input::of(source);
    let outside = job.write((target, &header), header.bytes(), |sink, run| pipelines::resample(&input, &what, sink, run))?;
    job.publish()?;
    let finding = PlacementFinding { header: &header, sampling, outside, fill: fill.real };
    let provenance = job.provenance()?;
    let mut rows = Rows::new();
    rows.key("output", job::name(target));
    rows.extend(finding.rows(&provenance));
    job.tell(&format!("{}: {}", job::name(target), finding.text(&provenance)), rows)
}

fn fill_of(job: &Job<'_>, header: &Header, wanted: Option<f64>) -> Result<Background> {
    let Some(real) = wanted else { return Ok(Background::outside(header)) };
    let fill = Background::of(header, real)?;
    if !fill.exact {
        let unit = header.meaning.unit.symbol();
        job.warn(
            &format!("{real} {unit} cannot be stored in this image: {} {unit} is written outside of it", fill.real)
                .replace("  ", " "),
        );
    }
    Ok(fill)
}
