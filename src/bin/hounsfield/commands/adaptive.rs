//! `hounsfield equalize --adaptive`: tile by tile, with a limit.

use std::sync::{Mutex, PoisonError};

use hounsfield::Result;
use hounsfield::findings::{AdaptiveFinding, Rows};
use hounsfield::ops::histogram;
use hounsfield::pipelines::{Adaptive, AdaptiveMapping};
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Counts, Observe};

use crate::args::{FileArgs, RegionArgs, Shared};
use crate::job::{self, Job};

/// From where, which voxels, and where to.
pub struct Route<'a> {
    pub input: &'a FileArgs,
    pub region: &'a RegionArgs,
    pub output: &'a std::path::Path,
    pub figure: Option<&'a std::path::Path>,
}

pub fn run(shared: &Shared, work: &Adaptive, route: &Route<'_>) -> Result<()> {
    let mut job = Job::new(shared, route.input, &route.region.mask)?;
    let image = job.output(route.output)?;
    let figure_file = job.figure(route.figure)?;

    let input = job.resolve()?;
    let header = input.header().clone();
    let mask = job.mask(route.region, &header)?;
    let input = input.masked(mask);
    let before = job::middles(figure_file.is_some(), &header)?;
    let observed = input.observed(before.as_ref().map(|p| p as _));
    let mapping = job.pass("count", header.bytes(), |run| AdaptiveMapping::new(&observed, work, run))?;
    drop(observed);
    let finding = AdaptiveFinding { mapping: &mapping };
    finding.notes().iter().for_each(|note| job.note(note));

    let (out, results) = (mapping.header(), job::middles(figure_file.is_some(), mapping.header())?);
    let dtype = out.meaning.dtype;
    let counts = Mutex::new(Counts::exact(dtype));
    let look = |at: u64, bytes: &[u8]| {
        if let Some(picker) = &results {
            let block = Block { dtype, bytes };
            picker.see(at, block);
            let own = histogram::cpu(block, None);
            counts.lock().unwrap_or_else(PoisonError::into_inner).merge(&own);
        }
        Ok(())
    };
    job.write((&image, out), header.bytes(), |sink, run| {
        mapping.write(&Tap { inner: sink, voxel_bytes: dtype.bytes(), mask: None, background: 0, look: Some(&look) }, run)
    })?;
    if let (Some(file), Some(before), Some(results)) = (&figure_file, before, results) {
        let after = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        job.draw(file, &finding.figure([&before.finish(), &results.finish()], &after)?)?;
    }
    job.publish()?;

    let provenance = job.provenance()?;
    let mut rows = Rows::new();
    rows.key("output", job::name(&image));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.extend(finding.rows(&provenance));
    let figure_line: String = figure_file.iter().map(|file| job::name(file) + "\n").collect();
    job.tell(&format!("{}: {}{figure_line}", job::name(&image), finding.text(&provenance)), rows)
}
