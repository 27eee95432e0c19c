//! What map, window and threshold share: one count, one decision, one map, and the figure of it.

use std::path::Path;

use hounsfield::Result;
use hounsfield::analysis::steps::Chain;
use hounsfield::findings::{MappingFinding, Note, Provenance, Rows};
use hounsfield::io::output::Target;
use hounsfield::pipelines::{Mapping, Pointwise, Region};
use hounsfield::volume::Dtype;

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};

/// What to do.
pub struct Request<'a> {
    pub input: &'a FileArgs,
    pub output: &'a Path,
    pub figure: Option<&'a Path>,
    pub region: Option<&'a RegionArgs>,
    pub steps: Chain,
    pub to: Option<Dtype>,
    pub title: &'a str,
}

/// The outputs, and what they came from.
pub struct Product {
    pub mapping: Mapping,
    pub image: Target,
    pub figure: Option<Target>,
    pub provenance: Provenance,
}

impl Product {
    pub fn finding(&self) -> MappingFinding<'_> {
        MappingFinding { mapping: &self.mapping }
    }

    /// What every result says of itself in JSON.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        rows.key("output", job::name(&self.image));
        rows.key("figure", self.figure.as_ref().map(job::name));
        rows.extend(self.finding().rows(&self.provenance));
        rows
    }

    /// The figure's name, if there is one, on a line.
    pub fn figure_line(&self) -> String {
        self.figure.iter().map(|file| job::name(file) + "\n").collect()
    }
}

/// Does it, and publishes the outputs.
pub fn carry_out(shared: &Shared, request: Request<'_>) -> Result<Product> {
    // Every output is checked before the first voxel is read.
    let mut job = Job::new(shared, request.input, request.region.iter().filter_map(|r| r.mask.as_ref()))?;
    let image = job.output(request.output)?;
    let figure_file = job.figure(request.figure)?;

    let input = job.resolve()?;
    let header = input.header().clone();
    let mask = request.region.map(|region| job.mask(region, &header)).transpose()?.flatten();
    let input = input.masked(mask);
    let picker = job::middles(figure_file.is_some(), &header)?;
    let region = Region {
        range: request.region.and_then(|r| r.r#where),
        with_padding: request.region.is_some_and(|r| r.with_padding == Some(true)),
    };
    let work = Pointwise { to: request.to, region, ..Pointwise::new(request.steps) };
    let observed = input.observed(picker.as_ref().map(|p| p as _));
    let mapping = job.pass("count", header.bytes(), |run| Mapping::new(&observed, &work, run))?;
    drop(observed);
    let finding = MappingFinding { mapping: &mapping };
    finding.notes().iter().for_each(|note| job.note(note));
    job.write((&image, mapping.header()), header.bytes(), |sink, run| mapping.write(sink, run))?;
    if let (Some(file), Some(picker)) = (&figure_file, picker) {
        job.draw(file, &finding.figure(request.title, &picker.finish())?)?;
    }
    job.publish()?;
    if header.origin.burned_in_text && figure_file.is_some() {
        job.note(&Note::BurntText);
    }
    let provenance = job.provenance(String::new())?;
    Ok(Product { mapping, image, figure: figure_file, provenance })
}
