//! `hounsfield map --steps median:1`: steps that look at neighbours.

use std::path::Path;

use hounsfield::Result;
use hounsfield::findings::FilterFinding;
use hounsfield::pipelines::{self, Bins, Cost, Counted, Filter, Input, Region};
use hounsfield::report::{Picker, Shade, Slice, display_window};
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Header, Observe};

use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

/// Minima and maxima for each voxel.
const MEDIAN: Cost = Cost::Neighbourhood(110);

/// From where, and where to.
pub struct Way<'a> {
    pub input: &'a FileArgs,
    pub output: &'a Path,
    pub figure: Option<&'a Path>,
}

pub fn run(shared: &Shared, filter: Filter, way: &Way<'_>) -> Result<()> {
    let mut job = Job::new(shared, way.input, [])?.costs(MEDIAN);
    let image = job.output(way.output)?;
    let figure_file = job.figure(way.figure)?;

    let input = Input::of(job.open()?.into());
    let header = input.header().clone();
    let before = figure_file.as_ref().map(|_| Before::new(&mut job, &input)).transpose()?;
    let after = job::middles(figure_file.is_some(), &header)?;
    let look = |at: u64, bytes: &[u8]| {
        after.iter().for_each(|p| p.see(at, Block { dtype: header.meaning.dtype, bytes }));
        Ok(())
    };
    job.write((&image, &header), header.bytes(), |sink, run| {
        let tap = Tap { inner: sink, voxel_bytes: header.meaning.dtype.bytes(), mask: None, look: Some(&look) };
        pipelines::filter(&input, filter, &tap, run)
    })?;
    let finding = FilterFinding { header: &header, filter };
    if let (Some(file), Some(before), Some(after)) = (&figure_file, before, after) {
        job.draw(file, &finding.figure((&before.header, &before.shade), [&before.slices, &after.finish()])?)?;
    }
    job.publish()?;
    let provenance = job.provenance()?;
    let mut rows = hounsfield::findings::Rows::new();
    rows.key("output", job::name(&image));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.extend(finding.rows(&provenance));
    let figure_line: String = figure_file.iter().map(|file| job::name(file) + "\n").collect();
    job.tell(&format!("{}: {}{figure_line}", job::name(&image), finding.text(&provenance)), rows)
}

/// The middle slices of the image, and its greys.
struct Before {
    header: Header,
    shade: Shade,
    slices: Vec<Slice>,
}

impl Before {
    /// Counts the image, for its greys, and takes its slices on the way.
    fn new(job: &mut Job<'_>, input: &Input<'_>) -> Result<Self> {
        let (source, bytes) = (input.source().clone(), input.header().bytes());
        let counted = job.prepare("look", bytes, |run| Input::resolve(source, run))?;
        let header = counted.header().clone();
        let picker = Picker::middles(&header)?;
        let observed = counted.observed(Some(&picker));
        let counted =
            job.pass("count", header.bytes(), |run| Counted::of(&observed, &Region::default(), Bins::Following, run))?;
        drop(observed);
        let (min, max) = counted.values.ends().unwrap_or((0.0, 1.0));
        let limits = counted.values.percentiles(&[1.0, 99.0]).unwrap_or_else(|| vec![min, max]);
        let shade = Shade::new(&header, display_window(&header, limits[0], limits[1], min, max));
        Ok(Self { header, shade, slices: picker.finish() })
    }
}
