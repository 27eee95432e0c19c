//! `hounsfield segment`: fit a Gaussian mixture, write labels and posteriors, and show them.

mod shown;
mod words;

use std::path::{Path, PathBuf};

use hounsfield::io::output::{self, Target};
use hounsfield::io::{self, OpenOptions, Output, Sink, Source, WriteOptions};
use hounsfield::pipelines::{self, Resolved, Segmentation, Truth};
use hounsfield::report::Picker;
use hounsfield::volume::{Dtype, Header};
use hounsfield::{Error, Result};

use crate::args::{Method, Segment, Shared};
use crate::progress::Progress;
use crate::text::{print, print_json};
use crate::{job, picture};
use shown::Shown;
use words::Words;

/// Where everything goes, checked before the first voxel is read.
struct Targets {
    labels: Target,
    posteriors: Vec<Target>,
    figure: Option<Target>,
    report: Option<Target>,
}

impl Targets {
    fn new(shared: &Shared, command: &Segment) -> Result<Self> {
        let more = command.channel.iter().chain(&command.truth);
        let mut targets = job::targets(shared, &command.input, Some(&command.region), more)?;
        let posterior = |prefix: &PathBuf, class| PathBuf::from(format!("{}_{class}.nii.gz", prefix.display()));
        let prefixes = command.posteriors.iter();
        let posteriors = prefixes.flat_map(|prefix| (1..=command.classes).map(move |class| posterior(prefix, class)));
        let all = Self {
            labels: targets.add(&command.output)?,
            posteriors: posteriors.map(|path| targets.add(&path)).collect::<Result<_>>()?,
            figure: command.figure.as_deref().map(|path| targets.add(path)).transpose()?,
            report: command.report.as_deref().map(|path| targets.add(path)).transpose()?,
        };
        all.figure.as_ref().map(picture::check).transpose()?;
        Ok(all)
    }

    fn files(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.labels).chain(&self.posteriors).chain(&self.figure).chain(&self.report)
    }
}

pub fn run(shared: &Shared, command: &Segment) -> Result<()> {
    if !command.names.is_empty() && command.names.len() != command.classes {
        return Err(Error::usage(
            format!("{} names for {} classes", command.names.len(), command.classes),
            "give one name for each class, by mean",
        ));
    }
    let twice = |(i, name): (usize, &String)| name.trim().is_empty() || command.names[..i].contains(name);
    if let Some((_, name)) = command.names.iter().enumerate().find(|(i, name)| twice((*i, name))) {
        return Err(Error::usage(format!("the name {name:?} is empty or given twice"), "name each class differently"));
    }
    let job = pipelines::Segment {
        classes: command.classes,
        start: command.init.clone(),
        max_iterations: command.max_iter,
        tolerance: command.tol,
        monotone: command.monotone,
        method: command.method.map(|m| match m {
            Method::Exact => pipelines::Method::Exact,
            Method::Voxel => pipelines::Method::Voxel,
        }),
        region: job::region(&command.region),
    };
    job.check()?;
    let targets = Targets::new(shared, command)?;

    let mut channels = vec![job::resolve(shared, &command.input)?.as_float32()];
    let header = channels[0].header().clone();
    for path in &command.channel {
        channels.push(channel(shared, path)?);
    }
    let mask = job::mask(&command.region, &header)?;
    let truth = command.truth.as_deref().map(|path| truth(shared, path, &header)).transpose()?;
    let device = job::device(shared)?;

    let pictures = targets.figure.is_some() || targets.report.is_some();
    let original = if pictures { Some(Picker::middles(&header)?) } else { None };
    let observer = |at: u64, bytes: &[u8]| original.iter().for_each(|p| p.take(at, bytes));
    let watch = Progress::new(shared, "fit", header.bytes());
    let segmentation = Segmentation::new(channels, mask, &job, &device, Some(&observer), &watch)?;
    let mut events = watch.finish();

    let labels = if pictures { Some(Picker::middles(segmentation.header())?) } else { None };
    let observer = |at: u64, bytes: &[u8]| labels.iter().for_each(|p| p.take(at, bytes));
    let sink = io::create(&targets.labels, segmentation.header(), &WriteOptions::default())?;
    let watch = Progress::new(shared, "write", header.bytes());
    let written = segmentation.write_labels(sink.as_ref(), Some(&observer), truth.as_ref(), &device, &watch)?;
    events.extend(watch.finish());
    let mut staged = vec![sink.finish()?];
    if !targets.posteriors.is_empty() {
        let create = |t: &Target| io::create(t, &header.derived(Dtype::F32), &WriteOptions::default());
        let sinks = targets.posteriors.iter().map(create).collect::<Result<Vec<Box<dyn Output>>>>()?;
        let watch = Progress::new(shared, "posteriors", header.bytes() * sinks.len() as u64);
        let into: Vec<&dyn Sink> = sinks.iter().map(|s| s.as_ref() as &dyn Sink).collect();
        segmentation.write_posteriors(&into, &device, &watch)?;
        events.extend(watch.finish());
        staged.extend(sinks.into_iter().map(Output::finish).collect::<Result<Vec<_>>>()?);
    }
    let words = Words::new(command, &segmentation, &written, device.name(), events);
    for note in words.notes() {
        job::warn(shared, &note);
    }
    if let (Some(original), Some(labels)) = (original, labels) {
        let shown = Shown::new(command, &words, original.finish(), labels.finish());
        if let Some(file) = &targets.figure {
            staged.push(picture::stage(file, &shown.figure("Gaussian mixture")?, None)?);
        }
        if let Some(file) = &targets.report {
            staged.push(shown.report(file)?);
        }
    }
    output::publish(staged)?;
    if shared.json {
        let mut value = words.json();
        value["outputs"] = targets.files().map(|t| t.path().display().to_string()).collect();
        return print_json(&value);
    }
    let mut text = words.text();
    targets.files().for_each(|t| text += &format!("{}\n", t.path().display()));
    print(&text)
}

/// Another channel: as the first, but from one file.
fn channel(shared: &Shared, path: &Path) -> Result<Resolved> {
    let source = open(path)?;
    let watch = Progress::new(shared, "look", source.header().bytes());
    let resolved = pipelines::resolve(source, &watch)?.as_float32();
    watch.finish();
    Ok(resolved)
}

fn truth(shared: &Shared, path: &Path, image: &Header) -> Result<Truth> {
    let source = open(path)?;
    let watch = Progress::new(shared, "truth", source.header().bytes());
    let truth = Truth::new(source, image, &watch)?;
    watch.finish();
    Ok(truth)
}

fn open(path: &Path) -> Result<Box<dyn Source>> {
    io::open(&[path.to_path_buf()], &OpenOptions::default())
}
