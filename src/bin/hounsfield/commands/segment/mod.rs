//! `hounsfield segment`: fit a Gaussian mixture, write labels and posteriors, and show them.

mod neighbours;

use std::path::{Path, PathBuf};

use hounsfield::analysis::mixture::Start;
use hounsfield::findings::{FurtherChannel, MixtureFinding};
use hounsfield::io::output::Target;
use hounsfield::io::{Output, Role, Sink};
use hounsfield::pipelines::{Bins, Counted, Method, Region, Segment, Segmentation, Truth};
use hounsfield::report::Picker;
use hounsfield::views::Tap;
use hounsfield::volume::{Block, Dtype, Header, Observe};
use hounsfield::{Error, Result};

use crate::args::{FileArgs, RegionArgs, Shared, parse};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Another image of the same voxels (T2 beside T1), whose axes may be flipped or permuted; repeat for up to four channels
    #[arg(long, value_name = "FILE")]
    pub channel: Vec<PathBuf>,
    /// Number of classes, 1 to 8
    #[arg(long, short = 'k', value_name = "K", default_value_t = 3)]
    pub classes: usize,
    /// Labels to write, 0 outside and 1 to K by mean: .nii, .nii.gz, .nrrd, .mha, .npy, .png, .tif, or - for .nii on standard output
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Write the posterior of each class as float32 to PREFIX_1.nii.gz, PREFIX_2.nii.gz, …
    #[arg(long, value_name = "PREFIX")]
    pub posteriors: Option<PathBuf>,
    /// Original and classes side by side, and the histogram with the fitted bells: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// The same with numbers and method as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
    /// Where EM starts: best for the best of otsu, quantile, kmeans, even, roots, falling, rising, broad and split; one of these; or means=A,B,C
    #[arg(long, value_name = "START", default_value = "best", value_parser = parse::start, allow_hyphen_values = true)]
    pub init: Start,
    /// Most iterations [default: 10000; 2000 over voxels]
    #[arg(long, value_name = "N")]
    pub max_iter: Option<u32>,
    /// Change of the mean log-likelihood that ends EM [default: 1e-12; 1e-11 over voxels]
    #[arg(long, value_name = "T")]
    pub tol: Option<f64>,
    /// Labels never fall as the value rises
    #[arg(long)]
    pub monotone: bool,
    /// Over what EM runs [default: exact for one channel of whole numbers, else voxel]
    #[arg(long, value_name = "METHOD", value_parser = parse::method())]
    pub method: Option<Method>,
    /// Neighbours draw a voxel to their class: nats for each of six that are alike, 0 to 10 [0.7 if none are given]. A hidden Markov random field, as in tissue but without a gain; up to two channels, 2 to 6 classes
    #[arg(long, value_name = "NATS", num_args = 0..=1, require_equals = true, default_missing_value = "0.7", conflicts_with_all = ["posteriors", "init", "max_iter", "tol", "monotone", "method"])]
    pub neighbours: Option<f64>,
    /// Names of the classes, by mean, such as CSF,GM,WM for T1
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Labels 1 to K that are true: prints Dice and IoU
    #[arg(long, value_name = "LABELS")]
    pub truth: Option<PathBuf>,
    #[command(flatten)]
    pub region: RegionArgs,
}

/// Where everything goes, checked before the first voxel is read.
struct Outputs {
    labels: Target,
    posteriors: Vec<Target>,
    figure: Option<Target>,
    report: Option<Target>,
}

impl Outputs {
    fn new(job: &mut Job<'_>, args: &Args) -> Result<Self> {
        let name = |prefix: &PathBuf, class| PathBuf::from(format!("{}_{class}.nii.gz", prefix.display()));
        let names = args.posteriors.iter().flat_map(|prefix| (1..=args.classes).map(move |class| name(prefix, class)));
        Ok(Self {
            labels: job.output(&args.output)?,
            posteriors: names.map(|path| job.output(&path)).collect::<Result<_>>()?,
            figure: job.figure(args.figure.as_deref())?,
            report: job.maybe(args.report.as_deref())?,
        })
    }

    fn files(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.labels).chain(&self.posteriors).chain(&self.figure).chain(&self.report)
    }
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    check_names(&args.names, args.classes)?;
    if let Some(beta) = args.neighbours {
        return neighbours::run(shared, args, beta);
    }
    let work = Segment {
        classes: args.classes,
        start: args.init.clone(),
        max_iterations: args.max_iter,
        tolerance: args.tol,
        monotone: args.monotone,
        method: args.method,
        region: job::region(&args.region),
    };
    work.check()?;
    let mut job = Job::new(shared, &args.input, args.region.mask.iter().chain(&args.channel).chain(&args.truth))?;
    let outputs = Outputs::new(&mut job, args)?;

    let mut channels = vec![job.resolve()?];
    let header = channels[0].header().clone();
    for (n, path) in (2..).zip(&args.channel) {
        channels.push(job.resolve_other(&format!("channel {n}"), path, &header)?);
    }
    let mask = job.mask(&args.region, &header)?;
    let truth = truth(&mut job, args.truth.as_deref(), &header)?;

    let pictures = outputs.figure.is_some() || outputs.report.is_some();
    let original = job::middles(pictures, &header)?;
    // What figures show of further channels, whose voxels EM may read in any order and again and again.
    let mut further = Vec::new();
    for channel in channels.iter().skip(1).filter(|_| pictures) {
        let picker = Picker::middles(channel.header())?;
        let observed = channel.clone().masked(mask.clone()).observed(Some(&picker));
        let region = Region { range: None, with_padding: false };
        let counted = job.pass("count", header.bytes(), |run| Counted::of(&observed, &region, Bins::Following, run))?;
        drop(observed);
        further.push(FurtherChannel { header: channel.header().clone(), slices: picker.finish(), counted });
    }
    let mut observed: Vec<_> = channels.iter().map(|c| c.clone().observed(None)).collect();
    observed[0] = channels[0].clone().observed(original.as_ref().map(|p| p as _));
    let segmentation = job.pass("fit", header.bytes(), |run| Segmentation::new(&observed, mask, &work, run))?;
    drop(observed);

    let labels = job::middles(pictures, segmentation.header())?;
    let look = |at: u64, bytes: &[u8]| {
        labels.iter().for_each(|p| p.see(at, Block { dtype: Dtype::U8, bytes }));
        Ok(())
    };
    let written = job.write((&outputs.labels, segmentation.header()), header.bytes(), |sink, run| {
        let tap = Tap { inner: sink, voxel_bytes: 1, mask: None, background: 0, look: Some(&look) };
        segmentation.write_labels(&tap, truth.as_ref(), run)
    })?;
    if !outputs.posteriors.is_empty() {
        let derived = header.derived(Dtype::F32);
        let files = outputs.posteriors.iter().map(|t| job.begin(t, &derived)).collect::<Result<Vec<Box<dyn Output>>>>()?;
        let sinks: Vec<&dyn Sink> = files.iter().map(|file| file.as_ref() as &dyn Sink).collect();
        job.pass("posteriors", header.bytes(), |run| segmentation.write_posteriors(&sinks, run))?;
        files.into_iter().map(Output::finish).try_for_each(|staged| staged.map(|staged| job.stage(staged)))?;
    }
    let provenance = job.provenance()?;
    let finding = MixtureFinding::new(&segmentation, &written, &args.names);
    finding.notes().iter().for_each(|note| job.note(note));
    if let (Some(original), Some(labels)) = (original, labels) {
        let (original, labels) = (original.finish(), labels.finish());
        if let Some(file) = &outputs.figure {
            job.draw(file, &finding.figure("Gaussian mixture", (&original, &further), &labels)?)?;
        }
        if let Some(file) = &outputs.report {
            job.page(file, &finding.page((&original, &further), &labels, &provenance)?)?;
        }
    }
    job.publish()?;
    let files: Vec<String> = outputs.files().map(job::name).collect();
    let text = finding.text(&provenance) + &files.iter().map(|file| format!("{file}\n")).collect::<String>();
    let mut rows = finding.rows(&provenance);
    rows.key("outputs", files);
    job.tell(&text, rows)
}

/// Labels that are taken for true, on the grid of the image, if there are any.
pub fn truth(job: &mut Job<'_>, path: Option<&Path>, image: &Header) -> Result<Option<Truth>> {
    let Some(path) = path else { return Ok(None) };
    let source = job.open_other("truth", path, Role::Labels)?;
    let bytes = source.header().bytes();
    job.prepare("truth", bytes, |run| Truth::new(source.into(), image, run)).map(Some)
}

/// A name for each class or none, all of them different.
pub fn check_names(names: &[String], classes: usize) -> Result<()> {
    if !names.is_empty() && names.len() != classes {
        let what = format!("{} names for {classes} classes", names.len());
        return Err(Error::usage(what, "give one name for each class, in the order of labels"));
    }
    let twice = |(i, name): (usize, &String)| name.trim().is_empty() || names[..i].contains(name);
    if let Some((_, name)) = names.iter().enumerate().find(|(i, name)| twice((*i, name))) {
        return Err(Error::usage(format!("the name {name:?} is empty or given twice"), "name each class differently"));
    }
    Ok(())
}
