//! From arguments to what the pipelines take.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::engine::{AdapterChoice, Gpu};
use hounsfield::io::output::Targets;
use hounsfield::io::{self, OpenOptions, Source};
use hounsfield::pipelines::{self, Device, Mask, Resolved};
use hounsfield::{Error, Result};

use crate::args::{Grey, Input, Padding, Region, Shared};
use crate::progress::Progress;

/// The device that `--device` means for one pass over a file.
pub fn device(shared: &Shared) -> Result<Device> {
    let choice = match shared.device.as_str() {
        "cpu" => return Ok(Device::Cpu),
        "auto" => {
            // Decided without opening a graphics API, which alone costs up to 0.2 s and tens of MiB.
            say(shared, "device: CPU (auto: one pass over a file moves more bytes than it computes; --device gpu insists)");
            return Ok(Device::Cpu);
        }
        "gpu" => AdapterChoice::Any,
        other => match other.parse() {
            Ok(index) => AdapterChoice::Index(index),
            Err(_) => AdapterChoice::Name(other.into()),
        },
    };
    let gpu = Gpu::open(&choice)?;
    say(shared, &format!("device: {}", gpu.name()));
    Ok(Device::Gpu(Arc::new(gpu)))
}

/// With -v.
pub fn say(shared: &Shared, text: &str) {
    if shared.verbose && !shared.quiet {
        eprintln!("hounsfield: {text}");
    }
}

/// What the reader should know; unless --quiet.
pub fn warn(shared: &Shared, text: &str) {
    if !shared.quiet {
        eprintln!("hounsfield: note: {text}");
    }
}

/// The paths meant: a pattern that a shell left alone is a list of files in natural order.
fn paths(input: &Input) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in &input.paths {
        let text = path.to_string_lossy();
        if path.exists() || !text.contains(['*', '?', '[']) {
            all.push(path.clone());
            continue;
        }
        let bad = |_| Error::usage(format!("{text:?} is neither a file nor a pattern"), "check the name");
        let mut found: Vec<PathBuf> = glob::glob(&text).map_err(bad)?.filter_map(std::result::Result::ok).collect();
        if found.is_empty() {
            return Err(Error::usage(format!("no file matches {text:?}"), "check the pattern"));
        }
        found.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()));
        all.append(&mut found);
    }
    Ok(all)
}

/// How the input is read.
pub fn options(input: &Input) -> OpenOptions {
    let grey = match input.grey {
        Grey::Rec601 => io::Grey::Rec601,
        Grey::Rec709 => io::Grey::Rec709,
    };
    OpenOptions { grey, series: input.series, trust_geometry: input.trust_geometry, ..OpenOptions::default() }
}

/// Opens the input and says its notes.
pub fn open(shared: &Shared, input: &Input) -> Result<Box<dyn Source>> {
    let source = io::open(&paths(input)?, &options(input))?;
    for note in &source.header().notes {
        warn(shared, note);
    }
    Ok(source)
}

/// Opens the input as the pipelines count it; wide types take a look at all voxels.
pub fn resolve(shared: &Shared, input: &Input) -> Result<Resolved> {
    let source = open(shared, input)?;
    let watch = Progress::new(shared, "look", source.header().bytes());
    let resolved = pipelines::resolve(source, &watch);
    watch.finish();
    resolved
}

/// Opens the mask, if one is asked for.
pub fn mask(region: &Region, image: &hounsfield::volume::Header) -> Result<Option<Mask>> {
    let Some(path) = &region.mask else { return Ok(None) };
    let source = io::open(std::slice::from_ref(path), &OpenOptions::default())?;
    Mask::new(source, region.label, image).map(Some)
}

/// Which values count.
pub fn region(region: &Region) -> pipelines::Region {
    pipelines::Region { range: region.r#where, with_padding: region.padding != Some(Padding::Drop) }
}

/// The outputs of a job that reads these inputs, and `more` of them.
pub fn targets<'a>(
    shared: &Shared,
    input: &Input,
    region: Option<&Region>,
    more: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<Targets> {
    let mask = region.and_then(|r| r.mask.clone());
    Ok(Targets::new(shared.force, paths(input)?.into_iter().chain(mask).chain(more.into_iter().cloned())))
}
