//! What map, window and threshold share: one count, one decision, one map, and the figure of it.

use std::path::Path;

use hounsfield::Result;
use hounsfield::analysis::steps::Chain;
use hounsfield::findings::{MappingFinding, Provenance, Rows};
use hounsfield::io::output::Target;
use hounsfield::pipelines::{Mapping, Pointwise, Region};
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Dtype, Observe};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};

/// What to do.
pub struct Request<'a> {
    pub input: &'a FileArgs,
    pub output: &'a Path,
    pub figure: Option<&'a Path>,
    pub region: Option<&'a RegionArgs>,
    pub to: Option<Dtype>,
    pub title: &'a str,
}

impl Request<'_> {
    /// Which voxels count, but for a mask.
    pub fn counted(&self) -> Region {
        Region {
            range: self.region.and_then(|r| r.r#where),
            with_padding: self.region.is_some_and(|r| r.with_padding == Some(true)),
        }
    }
}

/// The outputs, and what they came from.
pub struct Product<'a> {
    pub job: Job<'a>,
    pub mapping: Mapping,
    pub image: Target,
    pub figure: Option<Target>,
    pub provenance: Provenance,
}

impl Product<'_> {
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
pub fn carry_out<'a>(shared: &'a Shared, request: Request<'_>, steps: Chain) -> Result<Product<'a>> {
    // Every output is checked before the first voxel is read.
    let mut job = Job::new(shared, request.input, request.region.iter().filter_map(|r| r.mask.as_ref()))?;
    let image = job.output(request.output)?;
    let figure_file = job.figure(request.figure)?;

    let input = job.resolve()?;
    let header = input.header().clone();
    let mask = request.region.map(|region| job.mask(region, &header)).transpose()?.flatten();
    let input = input.masked(mask);
    let picker = job::middles(figure_file.is_some(), &header)?;
    let work = Pointwise { to: request.to, region: request.counted(), ..Pointwise::new(steps) };
    let observed = input.observed(picker.as_ref().map(|p| p as _));
    let mapping = job.pass("count", header.bytes(), |run| Mapping::new(&observed, &work, run))?;
    drop(observed);
    let finding = MappingFinding { mapping: &mapping };
    finding.notes().iter().for_each(|note| job.note(note));
    let (out, results) = (mapping.header(), job::middles(figure_file.is_some(), mapping.header())?);
    let (dtype, voxel_bytes) = (out.meaning.dtype, out.meaning.dtype.bytes());
    let look = |at: u64, bytes: &[u8]| {
        results.iter().for_each(|p| p.see(at, Block { dtype, bytes }));
        Ok(())
    };
    job.write((&image, out), header.bytes(), |sink, run| {
        mapping.write(&Tap { inner: sink, voxel_bytes, mask: None, background: 0, look: Some(&look) }, run)
    })?;
    if let (Some(file), Some(before), Some(results)) = (&figure_file, picker, results) {
        job.draw(file, &finding.figure(request.title, [&before.finish(), &results.finish()])?)?;
    }
    job.publish()?;
    let provenance = job.provenance()?;
    Ok(Product { job, mapping, image, figure: figure_file, provenance })
}
