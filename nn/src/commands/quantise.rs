//! `quantise`: a model in whole numbers, whose answers are the same bits on every device.

use std::path::PathBuf;

use hounsfield::findings::Rows;
use hounsfield::pipelines::DeviceChoice;
use hounsfield::{Error, Result};

use super::folder::ModelFolder;
use crate::args::{DataArgs, Shared, tell};
use crate::data::{ArchivePart, collect};
use crate::learn::{Batch, Folded, Inference};
use crate::model::{CARD, MODEL, Model, Task};
use crate::progress::Progress;
use crate::quantise::Ranges;
use crate::train::softmax;
use crate::volumes::{Segmenter, Stack, chosen, pairs};

/// Turn a model into whole numbers, with the same bits on every device
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Weights become 8 bits and activations 14, by the greatest activations that the training data have; sums are whole numbers of 32 bits. \
    evaluate and predict run such a model in whole numbers, on the CPU or with --device on a GPU."
)]
pub struct Args {
    /// The folder of a model, or its model.safetensors
    model: PathBuf,
    /// What the model was trained on, as for training: nothing else may say how great activations are
    data_path: PathBuf,
    /// Folder of the new model
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Of volumes, those of these names alone
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    cases: Vec<String>,
}

/// Images that are looked at together.
const TOGETHER: usize = 32;

/// Slices that are looked at, evenly over all volumes.
const MOST_SLICES: usize = 240;

/// Quantises.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut model = Model::read(&args.model)?;
    if model.description.ranges.is_some() {
        return Err(Error::usage("a model that is quantised already", "give the one that was trained"));
    }
    let folder = ModelFolder::new(&args.output, false, shared.force)?;
    let batches = match &model.description.task {
        Task::Classify { .. } => images(shared, args, &model)?,
        Task::Segment { .. } => slices(shared, args, &model)?,
    };
    let network = &model.description.network;
    let floats = Folded::new(network, &model.weights)?;
    let mut ranges = Ranges::new();
    let progress = Progress::new(shared, "measuring", 2 * batches.len() as u64);
    for batch in &batches {
        floats.widen(batch, &mut ranges)?;
        progress.step();
    }
    let plain = Inference::new(network, &model.weights)?;
    model.description.ranges = Some(ranges);
    let exact = model.inference(&DeviceChoice::Cpu)?;
    let mut agreement = Agreement::default();
    for batch in &batches {
        agreement.add(&plain.run(batch)?, &exact.run(batch)?, batch.shape[0], model.description.classes.len());
        progress.step();
    }
    drop(progress);
    folder.write(MODEL, &model.bytes()?)?;
    // What people should know of the model stays true.
    let card = if args.model.is_dir() { args.model.join(CARD) } else { args.model.with_file_name(CARD) };
    if let Ok(bytes) = std::fs::read(card) {
        folder.write(CARD, &bytes)?;
    }
    let mut rows = Rows::new();
    rows.add("output", "model", args.output.display().to_string(), "");
    rows.add("looked_at", "images or pixels looked at", agreement.all, "");
    rows.add("same_class", "of the same class as in floats", agreement.same as f64 / agreement.all.max(1) as f64, "");
    rows.add("greatest_difference", "greatest difference of a probability", agreement.most, "");
    if shared.json { tell(&format!("{:#}\n", rows.json())) } else { tell(&rows.text()) }
}

/// How the answers of two networks agree.
#[derive(Debug, Default)]
struct Agreement {
    all: u64,
    same: u64,
    most: f64,
}

impl Agreement {
    fn add(&mut self, a: &[f32], b: &[f32], images: usize, classes: usize) {
        let pixels = a.len() / (images * classes).max(1);
        for (a, b) in a.chunks_exact((classes * pixels).max(1)).zip(b.chunks_exact((classes * pixels).max(1))) {
            for pixel in 0..pixels {
                let [a, b] =
                    [a, b].map(|all| softmax(&(0..classes).map(|class| all[class * pixels + pixel]).collect::<Vec<_>>()));
                let best = |all: &[f64]| (0..classes).rev().max_by(|x, y| all[*x].total_cmp(&all[*y]));
                self.all += 1;
                self.same += u64::from(best(&a) == best(&b));
                self.most = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(self.most, f64::max);
            }
        }
    }
}

fn images(shared: &Shared, args: &Args, model: &Model) -> Result<Vec<Batch>> {
    let Task::Classify { frame, normalise, .. } = &model.description.task else { return Ok(Vec::new()) };
    let origin = args.data.origin(std::slice::from_ref(&args.data_path), ArchivePart::Train, model.description.steps.as_deref());
    let read = collect(&origin, frame, Some(&model.description.classes), &Progress::new(shared, "reading", 0))?;
    read.skipped.iter().for_each(|text| shared.note(&format!("left out: {text}")));
    if read.set.samples.is_empty() {
        return Err(Error::usage("no image to measure activations by", "give what the model was trained on"));
    }
    let one = |sample: &crate::data::Sample| {
        let mut values = sample.values.clone();
        normalise.apply(&mut values);
        values
    };
    let batch = |samples: &[crate::data::Sample]| Batch {
        values: samples.iter().flat_map(one).collect(),
        shape: [samples.len(), 1, frame.side, frame.side],
    };
    Ok(read.set.samples.chunks(TOGETHER).map(batch).collect())
}

fn slices(shared: &Shared, args: &Args, model: &Model) -> Result<Vec<Batch>> {
    let (segmenter, look) = Segmenter::of(model, &DeviceChoice::Cpu)?;
    let all = pairs(&args.data_path)?;
    let chosen = chosen(&all, &args.cases)?;
    let progress = Progress::new(shared, "reading", chosen.len() as u64);
    let each = (MOST_SLICES / (chosen.len() * look.axes.len()).max(1)).max(1);
    let mut batches = Vec::new();
    for pair in chosen {
        let volume = look.read(pair, model.description.classes.len())?;
        for &axis in &look.axes {
            let stack = Stack::new(&volume.values, volume.size, axis);
            let size = stack.plane().map(|n| n.next_multiple_of(segmenter.tiling.divisor));
            for i in 0..each.min(stack.count()) {
                let index = i * stack.count() / each.min(stack.count());
                let values = stack.window(index, segmenter.slices, [0, 0], size).concat();
                batches.push(Batch { values, shape: [1, segmenter.slices, size[1], size[0]] });
            }
        }
        progress.step();
    }
    if batches.is_empty() {
        return Err(Error::usage("no volume to measure activations by", "give what the model was trained on"));
    }
    Ok(batches)
}
