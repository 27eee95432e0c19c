//! `hounsfield map` where steps look at neighbours or at the whole volume.

use std::path::{Path, PathBuf};

use hounsfield::Result;
use hounsfield::findings::{FilterFinding, Rows};
use hounsfield::pipelines::{Bins, BorderRule, Counted, FilterChain, FilterOptions, Filtering, Input, Region};
use hounsfield::report::{Picker, Shade, Slice, display_window};
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Header, Observe};

use super::pointwise::Request;
use crate::args::Shared;
use crate::job::{self, Job};

pub fn run(shared: &Shared, request: &Request<'_>, chain: &FilterChain, border: BorderRule) -> Result<()> {
    let args = request.region;
    let markers: Vec<PathBuf> = chain.files().map(Path::to_path_buf).collect();
    let mut job = Job::new(shared, request.input, args.and_then(|r| r.mask.as_ref()).into_iter().chain(&markers))?;
    let image = job.output(request.output)?;
    let figure_file = job.figure(request.figure)?;

    let input = if chain.only_selects() { Input::of(job.open()?.into()) } else { job.resolve()? };
    let header = input.header().clone();
    let mask = args.map(|region| job.mask(region, &header)).transpose()?.flatten();
    let input = input.masked(mask);
    let before = figure_file.as_ref().map(|_| Before::new(&mut job, &input)).transpose()?;
    let options = FilterOptions { region: request.counted(), to: request.to, border };
    // What only selects asks for no statistics.
    let bytes = if chain.counting_passes() > 0 { header.bytes() } else { 0 };
    let filtering = job.prepare("count", bytes, |run| Filtering::new(&input, chain, &options, run))?;
    drop(input);
    job.costs(filtering.cost());
    let finding = FilterFinding { filtering: &filtering };
    finding.notes().iter().for_each(|note| job.note(note));
    let out = filtering.header();
    let after = job::middles(figure_file.is_some(), out)?;
    let dtype = out.meaning.dtype;
    let look = |at: u64, bytes: &[u8]| {
        after.iter().for_each(|p| p.see(at, Block { dtype, bytes }));
        Ok(())
    };
    job.write((&image, out), header.bytes(), |sink, run| {
        let tap = Tap { inner: sink, voxel_bytes: dtype.bytes(), mask: None, background: 0, look: Some(&look) };
        filtering.write(&tap, run)
    })?;
    if let (Some(file), Some(before), Some(after)) = (&figure_file, before, after) {
        job.draw(file, &finding.figure((&before.header, &before.shade), [&before.slices, &after.finish()])?)?;
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
