//! `predict`: what a model says of images.

use std::path::PathBuf;

use hounsfield::findings::{Rows, Value};
use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, WriteOptions};
use hounsfield::volume::Header;
use hounsfield::{Error, Result};

use super::overlap;
use crate::args::{DataArgs, DeviceArgs, Shared, tell};
use crate::data::{ArchivePart, collect};
use crate::metrics::Judged;
use crate::model::{Model, Task};
use crate::progress::{self, Progress};
use crate::train::{logits, softmax};
use crate::volumes::{Segmenter, Streamed};

/// Ask a model about images
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of a model, or its model.safetensors
    model: PathBuf,
    /// Images, or one volume; or a folder of images, a table, or a MedMNIST archive, of which the test part is taken
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A table of probabilities (.csv), printed without it; of a volume its label map (.nii.gz and others)
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Also give what comes before softmax
    #[arg(long)]
    logits: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Predicts.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let target = args
        .output
        .as_deref()
        .map(|path| Target::new(path, shared.force, &args.paths.iter().map(PathBuf::as_path).collect::<Vec<_>>()))
        .transpose()?;
    let model = Model::read(&args.model)?;
    let (frame, normalise, threshold) = match &model.description.task {
        Task::Classify { frame, normalise, threshold } => (*frame, *normalise, *threshold),
        Task::Segment { .. } => return label_map(shared, args, &model, target),
    };
    let classes = &model.description.classes;
    let origin = args.data.origin(&args.paths, ArchivePart::Test, model.description.steps.as_deref());
    let read = collect(&origin, &frame, Some(classes), &Progress::new(shared, "reading", 0))?;
    read.skipped.iter().for_each(|text| shared.note(&format!("left out: {text}")));
    if read.set.samples.is_empty() {
        return Err(Error::usage("no image could be read", "give others"));
    }
    let inference = model.inference(&args.device.choice())?;
    let results = logits(&inference, normalise, frame.side, &read.set)?;
    let found: Vec<Vec<f64>> = results.iter().map(|results| softmax(results)).collect();
    let mut rows = Rows::new();
    rows.add("path", "image", read.set.samples.iter().map(|sample| sample.name.as_str()).collect::<Vec<_>>(), "");
    let chosen: Vec<&str> = found.iter().map(|p| classes[Judged::choice(p, threshold)].as_str()).collect();
    rows.add("predicted", "predicted", chosen, "");
    for (class, name) in classes.iter().enumerate() {
        let own: Vec<f64> = found.iter().map(|p| p[class]).collect();
        rows.add(format!("probability_{name}"), name.clone(), own, "");
        if args.logits {
            let own: Vec<f64> = results.iter().map(|results| f64::from(results[class])).collect();
            rows.add(format!("logit_{name}"), format!("logit {name}"), own, "");
        }
    }
    if let Some(target) = target {
        return publish(vec![target.stage_bytes(rows.csv().as_bytes())?]);
    }
    if shared.json {
        rows.key("threshold", Value::from(threshold));
        return tell(&format!("{:#}\n", rows.json()));
    }
    tell(&rows.table())
}

/// Marks the structures of a volume, on its own grid.
fn label_map(shared: &Shared, args: &Args, model: &Model, target: Option<Target>) -> Result<()> {
    let (segmenter, look) = Segmenter::of(model, &args.device.choice())?;
    let ([path], Some(target)) = (args.paths.as_slice(), target) else {
        return Err(Error::usage(
            "a segmentation takes one volume and gives one label map",
            "name one, and the map with --output",
        ));
    };
    let volume = Streamed::open(path, &look, &progress::go_on)?;
    let header = volume.source().header();
    differs(shared, model, header);
    if let (true, Some(code)) = (volume.is_turned(), &look.orientation) {
        shared.note(&format!(
            "the model sees this volume turned to {code}, as those that it was trained on; the label map lies as the volume does"
        ));
    }
    let slices = look.axes.iter().map(|axis| volume.size()[*axis] as u64).sum();
    let progress = Progress::new(shared, "segmenting", slices);
    let step = || {
        progress.step();
        progress::go_on()
    };
    let output = io::create(&target, &overlap::label_header(header), &WriteOptions::default())?;
    segmenter.stream(&volume, &look.axes, &step, output.as_ref())?;
    drop(progress);
    publish(vec![output.finish()?])
}

/// Says where voxels have another size than those that the model was trained on.
fn differs(shared: &Shared, model: &Model, header: &Header) {
    /// By how much sizes may differ unsaid.
    const LIKE: f64 = 1.2;
    let Task::Segment { spacing_mm: Some(trained), .. } = &model.description.task else { return };
    let Some(own) = header.grid.geometry.as_ref().map(|geometry| geometry.spacing_mm) else { return };
    if own.iter().zip(trained).any(|(a, b)| (a / b).max(b / a) > LIKE) {
        let text = |mm: &[f64; 3]| mm.map(|mm| format!("{mm:.2}")).join(" x ");
        shared.note(&format!(
            "voxels of {} mm, where the model was trained on {} mm: hounsfield resample --spacing makes them alike",
            text(&own),
            text(trained)
        ));
    }
}
