//! `evaluate`: how good a model is on images whose truth is known.

use std::path::PathBuf;

use hounsfield::io::output::{Target, publish};
use hounsfield::{Error, Result};

use super::{judge, overlap};
use crate::args::{DataArgs, DeviceArgs, Shared, short_name, tell};
use crate::data::{ArchivePart, collect};
use crate::figures;
use crate::metrics::Judged;
use crate::model::{Model, Task};
use crate::progress::{self, Progress};
use crate::train::probabilities;
use crate::volumes::{Segmenter, chosen, pairs};

/// Judge a model on images whose truth is known
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of a model, or its model.safetensors
    model: PathBuf,
    /// As for training: a folder with a sub-folder for each class, a table, or a MedMNIST archive, of which the test part is taken; or pairs of volumes
    data_path: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Of volumes, those of these names alone
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    cases: Vec<String>,
    /// Draw ROC, precision and recall, calibration and confusion (.png, .svg)
    #[arg(long, value_name = "F")]
    figure: Option<PathBuf>,
}

/// Judges.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let figure = args.figure.as_deref().map(|path| Target::new(path, shared.force, &[&args.data_path])).transpose()?;
    figure.as_ref().map(figures::check).transpose()?;
    let model = Model::read(&args.model)?;
    let (frame, normalise, threshold) = match &model.description.task {
        Task::Classify { frame, normalise, threshold } => (*frame, *normalise, *threshold),
        Task::Segment { .. } if figure.is_some() => {
            return Err(Error::usage("a figure of a segmentation's measures", "leave --figure out"));
        }
        Task::Segment { .. } => return volumes(shared, args, &model),
    };
    let origin = args.data.origin(std::slice::from_ref(&args.data_path), ArchivePart::Test, model.description.steps.as_deref());
    let classes = &model.description.classes;
    let read = collect(&origin, &frame, Some(classes), &Progress::new(shared, "reading", 0))?;
    read.skipped.iter().for_each(|text| shared.note(&format!("left out: {text}")));
    let truth: Vec<usize> = read.set.samples.iter().filter_map(|sample| sample.class).collect();
    if truth.len() < read.set.samples.len() || truth.is_empty() {
        return Err(Error::usage(
            "images without a class cannot be judged by",
            "name their column with --label-column, or use predict",
        ));
    }
    let inference = model.inference(&args.device.choice())?;
    let judged = Judged { probabilities: probabilities(&inference, normalise, frame.side, &read.set)?, truth };
    let report = judged.report(threshold);
    if let Some(target) = figure {
        let title = format!("{} images, {}", judged.truth.len(), short_name(&args.data_path));
        publish(vec![figures::stage(&target, &figures::judgement(&title, &judged, &report, classes)?)?])?;
    }
    if shared.json {
        let mut rows = judge::rows(&report, classes);
        rows.key("skipped", read.skipped.as_slice());
        return tell(&format!("{:#}\n", rows.json()));
    }
    tell(&judge::text(&report, classes))
}

/// Judges label maps of whole volumes.
fn volumes(shared: &Shared, args: &Args, model: &Model) -> Result<()> {
    let (segmenter, look) = Segmenter::of(model, &args.device.choice())?;
    let classes = &model.description.classes;
    let all = pairs(&args.data_path)?;
    let chosen = chosen(&all, &args.cases)?;
    let progress = Progress::new(shared, "segmenting", chosen.len() as u64);
    let mut rows = Vec::new();
    for pair in chosen {
        let truth = look.read(pair, classes.len())?;
        let found = segmenter.volume(&truth.values, truth.size, &look.axes, &progress::go_on)?;
        rows.extend(overlap::case(&truth, found, classes)?);
        progress.step();
    }
    drop(progress);
    match shared.json {
        true => tell(&format!("{:#}\n", overlap::json(&rows))),
        false => tell(&overlap::text(&rows)),
    }
}
