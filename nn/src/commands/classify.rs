//! `classify`: from images with classes to a model.

use std::path::PathBuf;

use hounsfield::io::output::Target;
use hounsfield::{Error, Result};
use regex::Regex;
use serde_json::{Value, json};

use super::augmentation::{AugmentationArgs, sheet};
use super::folder::ModelFolder;
use super::judge;
use crate::args::{DataArgs, Shared, amount, positive, share, short_name, tell};
use crate::augment::Augmentation;
use crate::data::{ArchivePart, Collected, Duplicates, Groups, ImageSet, collect, drop_from, split};
use crate::figures;
use crate::graph::{Network, resnet};
use crate::learn::{Inference, Learner, Settings};
use crate::metrics::{Judged, Report, youden_threshold};
use crate::model::{CARD, CURVES, Card, CardData, Held, LAST, LOG, MODEL, Model, Task, program};
use crate::prepare::{Crop, Frame, Normalise};
use crate::progress::Progress;
use crate::random::Random;
use crate::train::{self, ClassifyPlan, Keep, State, probabilities};

/// From images with classes to a model
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder with a sub-folder for each class, a table of paths and labels (.csv, .tsv), or a MedMNIST archive (.npz)
    pub train: PathBuf,
    /// The folder of the model, which is made
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Images to choose the epoch and the threshold by; of an archive its own part is taken without this
    #[arg(long, value_name = "V", help_heading = "Data")]
    val: Option<PathBuf>,
    /// Set this share of the images aside for that instead
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with = "val", help_heading = "Data")]
    val_fraction: Option<f64>,
    /// Set this share of the images aside, too, that nothing is chosen by: the model card says how well the model does there
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Data")]
    hold_out: Option<f64>,
    /// What in the names of files says whose they are: the first group of a regular expression, or all that it matches
    #[arg(long, value_name = "REGEX", help_heading = "Data")]
    group_by: Option<Regex>,
    /// Drop images to learn from whose pixels are also in another part, and count them
    #[arg(long, help_heading = "Data")]
    drop_duplicates: bool,
    /// Columns and rows of the images that the network sees; without it those of the first image, at most 64
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(8..=512), help_heading = "Preprocessing")]
    size: Option<u16>,
    /// What is taken of images that are not square
    #[arg(long, value_enum, default_value = "centre", help_heading = "Preprocessing")]
    crop: Crop,
    /// Steps of hounsfield map that images go through first, such as median:1,equalize
    #[arg(long, value_name = "STEPS", value_parser = crate::prepare::steps, help_heading = "Preprocessing")]
    prepare: Option<String>,
    /// How intensities are measured: zscore, percentiles:LOW:HIGH, range:LOW:HIGH
    #[arg(long, value_name = "HOW", default_value = "zscore", allow_hyphen_values = true, help_heading = "Preprocessing")]
    normalise: Normalise,
    #[command(flatten)]
    augmentation: AugmentationArgs,
    /// Draw images as training sees them, and train nothing
    #[arg(long, value_name = "F.png", help_heading = "Augmentation")]
    show_augmentation: Option<PathBuf>,
    /// Of all that is random
    #[arg(long, default_value_t = 0, help_heading = "Training")]
    seed: u64,
    /// Passes over the images
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    epochs: u32,
    /// Images in a step
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..=4096), help_heading = "Training")]
    batch: u32,
    /// The greatest learning rate
    #[arg(long, default_value_t = 2e-3, value_parser = positive, help_heading = "Training")]
    rate: f64,
    /// Weight decay, per unit of the learning rate
    #[arg(long, default_value_t = 0.05, value_parser = amount, help_heading = "Training")]
    decay: f64,
    /// Channels of the first stage; 16 are about 77,000 weights
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=128), help_heading = "Training")]
    width: u16,
    /// Count all images alike, not rare classes more
    #[arg(long, help_heading = "Training")]
    no_class_weights: bool,
    /// Of each truth, the share that goes to all classes evenly
    #[arg(long, default_value_t = 0.1, value_parser = share, help_heading = "Training")]
    smoothing: f64,
    /// End after so many epochs without a better one
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    patience: u32,
    /// Go on with a training that was stopped, given the same settings and data
    #[arg(long, help_heading = "Training")]
    resume: bool,
    /// Stop after so many epochs of this run, to go on later
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    stop_after: Option<u32>,
}

/// The side of images for which no other is asked, at most.
const LARGEST: usize = 64;
/// Into how many parts a batch goes.
const PARTS: usize = 2;
/// How many changed forms of each image of the validation part the threshold is chosen by, beside the image itself.
const FORMS: u64 = 4;
/// The share of the average of weights that stays in a step.
const KEPT: f64 = 0.995;

/// The data of a training.
struct Parts {
    train: ImageSet,
    val: ImageSet,
    held: Option<ImageSet>,
    dropped: usize,
    skipped: Vec<String>,
    val_from: String,
}

/// Trains.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let figure = args.show_augmentation.as_deref().map(|path| Target::new(path, shared.force, &[&args.train])).transpose()?;
    figure.as_ref().map(figures::check).transpose()?;
    let frame = Frame { side: side(args)?, crop: args.crop };
    let parts = read(shared, args, &frame)?;
    let augmentation = args.augmentation.over(Augmentation::RADIOGRAPH);
    if let Some(target) = figure {
        return sheet(&target, &augmentation, &args.normalise, frame.side, &parts.train, args.seed);
    }
    let plan = plan(args, &parts, &frame, augmentation);
    let network = resnet(1, frame.side, parts.train.classes.len(), args.width.into());
    let folder = ModelFolder::new(&args.output, args.resume, shared.force)?;
    let learner = Learner::new(network.clone(), plan.settings, plan.seed)?;
    let identity = json!({
        "plan": plan, "width": args.width, "frame": frame, "train": parts.train.hash(), "val": parts.val.hash(), "program": program(),
    });
    let state = match args.resume {
        true => State::read(&folder.file(LAST), learner, &identity)?,
        false => State { learner, history: train::History::default(), best: None },
    };
    let progress = Progress::new(shared, "training", 0);
    let mut keeper =
        Keeper { args, frame, plan: &plan, network: &network, parts: &parts, folder: &folder, identity, progress: &progress };
    let most = args.stop_after.map_or(usize::MAX, |n| n as usize);
    let trained = train::classify(&plan, &network, [&parts.train, &parts.val], state, most, (&progress, &mut keeper))?;
    if trained.stopped {
        return Err(Error::Interrupted);
    }
    let finished = keeper.finish(&trained.state)?;
    drop(progress);
    match shared.json {
        true => tell(&format!("{finished:#}\n")),
        false => tell(&summary(&finished)),
    }
}

/// The side of the images that the network sees.
fn side(args: &Args) -> Result<usize> {
    if let Some(size) = args.size {
        return Ok(size.into());
    }
    crate::data::first_side(&args.data.origin(std::slice::from_ref(&args.train), ArchivePart::Train, args.prepare.as_deref()))
        .map(|side| side.clamp(8, LARGEST))
}

/// Reads all parts, and sees to it that no image is in two.
fn read(shared: &Shared, args: &Args, frame: &Frame) -> Result<Parts> {
    let read = |path: &PathBuf, part: ArchivePart, known: Option<&[String]>| {
        let mut origin = args.data.origin(std::slice::from_ref(path), part, args.prepare.as_deref());
        if known.is_some() {
            origin.part = part;
        }
        let Collected { mut set, skipped } = collect(&origin, frame, known, &Progress::new(shared, "reading", 0))?;
        skipped.iter().for_each(|text| shared.note(&format!("left out: {text}")));
        if let Some(unknown) = set.samples.iter().find(|sample| sample.class.is_none()) {
            return Err(Error::usage(format!("no class is known of {}", unknown.name), "name the column with --label-column"));
        }
        let groups = args.group_by.clone().map_or(Groups::AsListed, Groups::InName);
        groups.name(&mut set)?;
        Ok((set, skipped))
    };
    let (mut train, mut skipped) = read(&args.train, ArchivePart::Train, None)?;
    let own = args.train.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
    let (val, val_from) = match (&args.val, args.val_fraction) {
        (None, Some(fraction)) => {
            let (rest, val) = split(train, fraction, args.seed)?;
            train = rest;
            (val, format!("{fraction} of {}", short_name(&args.train)))
        }
        (None, None) if !own => {
            return Err(Error::usage("nothing says which images to choose by", "give --val, or --val-fraction 0.1"));
        }
        (path, _) => {
            let path = path.as_ref().unwrap_or(&args.train);
            let classes = train.classes.clone();
            let (val, more) = read(path, ArchivePart::Val, Some(&classes))?;
            skipped.extend(more);
            (val, short_name(path))
        }
    };
    let duplicates = if args.drop_duplicates { Duplicates::Drop } else { Duplicates::Refuse };
    let mut dropped = drop_from(&mut train, &val, duplicates)?;
    same_groups(shared, &train, &val);
    let mut held = None;
    if let Some(fraction) = args.hold_out {
        let (rest, own) = split(train, fraction, args.seed ^ 1)?;
        train = rest;
        dropped += drop_from(&mut train, &own, duplicates)?;
        held = Some(own);
    }
    let counts = train.counts();
    if let Some(class) = counts.iter().position(|n| *n == 0) {
        return Err(Error::usage(
            format!("no image of class {:?} is left to learn from", train.classes[class]),
            "give more images",
        ));
    }
    Ok(Parts { train, val, held, dropped, skipped, val_from })
}

/// Says where the same patient is on both sides of a split that the user made.
fn same_groups(shared: &Shared, train: &ImageSet, val: &ImageSet) {
    let groups = |set: &ImageSet| set.samples.iter().filter_map(|s| s.group.clone()).collect::<std::collections::BTreeSet<_>>();
    let both = groups(train).intersection(&groups(val)).count();
    if both > 0 {
        shared.note(&format!(
            "{both} patients are in the part to learn from and in the validation part, which makes validation too good"
        ));
    }
}

fn plan(args: &Args, parts: &Parts, frame: &Frame, augmentation: Augmentation) -> ClassifyPlan {
    let counts = parts.train.counts();
    let all = parts.train.samples.len() as f64 / counts.len() as f64;
    let weight = |n: &usize| if args.no_class_weights { 1.0 } else { all / *n as f64 };
    ClassifyPlan {
        seed: args.seed,
        epochs: args.epochs as usize,
        batch: args.batch as usize,
        rate: args.rate,
        warm_up: 0.1,
        class_weights: counts.iter().map(weight).collect(),
        smoothing: args.smoothing,
        patience: args.patience as usize,
        augmentation,
        normalise: args.normalise,
        side: frame.side,
        settings: Settings { decay: args.decay, kept: KEPT, parts: PARTS },
    }
}

/// Writes the files of a model after each epoch.
struct Keeper<'a> {
    args: &'a Args,
    frame: Frame,
    plan: &'a ClassifyPlan,
    network: &'a Network,
    parts: &'a Parts,
    folder: &'a ModelFolder,
    identity: Value,
    progress: &'a Progress,
}

impl Keep for Keeper<'_> {
    fn epoch(&mut self, state: &State, best: bool) -> Result<()> {
        if let Some(epoch) = state.history.epochs.last() {
            self.progress.epoch(epoch, self.plan.epochs, "AUC", best);
        }
        if best {
            self.model(state)?;
        }
        self.folder.write(LOG, state.history.csv("auc").as_bytes())?;
        self.folder.write(LAST, &state.bytes(&self.identity))
    }
}

impl Keeper<'_> {
    /// The model of the best epoch, with its threshold, and its card.
    fn model(&self, state: &State) -> Result<Value> {
        let Some((epoch, weights)) = &state.best else {
            return Err(Error::usage("no epoch has been trained", "ask for one or more with --epochs"));
        };
        let judged = self.judged(weights, &self.parts.val)?;
        let threshold = self.threshold(weights, &judged)?;
        let task = Task::Classify { frame: self.frame, normalise: self.plan.normalise, threshold };
        let classes = self.parts.train.classes.clone();
        let model =
            Model::new(task, classes.clone(), self.network.clone(), weights.clone()).with_steps(self.args.prepare.clone());
        let held = self.parts.held.as_ref().map(|set| {
            let report = self.judged(weights, set)?.report(threshold);
            let data = data(set, format!("{} of {}", self.args.hold_out.unwrap_or(0.0), short_name(&self.args.train)));
            Ok::<_, Error>(Held { data, metrics: judge::json(&report, &classes) })
        });
        let report: Report = judged.report(threshold);
        let card = Card {
            task: "classify".into(),
            program: program(),
            notice: Card::NOTICE.into(),
            train: data(&self.parts.train, short_name(&self.args.train)),
            validation: data(&self.parts.val, self.parts.val_from.clone()),
            held_out: held.transpose()?,
            duplicates_dropped: self.parts.dropped,
            broken_skipped: self.parts.skipped.clone(),
            settings: json!({ "plan": self.plan, "frame": self.frame, "width": self.args.width, "steps": self.args.prepare }),
            parameters: weights.trained.len(),
            epoch: *epoch,
            epochs: state.history.epochs.len(),
            seconds: state.history.seconds(),
            cpu_seconds: crate::train::cpu_seconds(),
            validation_metrics: judge::json(&report, &classes),
            limits: LIMITS.map(str::to_owned).to_vec(),
            classes,
        };
        self.folder.write(MODEL, &model.bytes()?)?;
        self.folder.write(CARD, &card.bytes())?;
        Ok(serde_json::to_value(&card).unwrap_or_default())
    }

    /// The maximum of Youden's J over the images of the validation part as they are and in a few of their changed forms. As they are, many thresholds are equally good
    /// within the error of a few hundred images, and the one that happens to be best gives way as soon as images differ a little.
    fn threshold(&self, weights: &crate::graph::Weights, plain: &Judged) -> Result<Option<f64>> {
        if self.parts.train.classes.len() != 2 {
            return Ok(None);
        }
        let (mut scores, mut positive) = plain.one_against_others(1);
        for form in 0..FORMS {
            let mut set = self.parts.val.clone();
            for (i, sample) in set.samples.iter_mut().enumerate() {
                let mut random = Random::new(self.plan.seed, "threshold", form << 32 | i as u64);
                let mut channels = [std::mem::take(&mut sample.values)];
                self.plan.augmentation.apply(&mut random, self.frame.side, &mut channels, None);
                [sample.values] = channels;
            }
            let (more, truth) = self.judged(weights, &set)?.one_against_others(1);
            scores.extend(more);
            positive.extend(truth);
        }
        Ok(youden_threshold(&scores, &positive))
    }

    fn judged(&self, weights: &crate::graph::Weights, set: &ImageSet) -> Result<Judged> {
        let inference = Inference::new(self.network, weights)?;
        let truth = set.samples.iter().filter_map(|sample| sample.class).collect();
        Ok(Judged { probabilities: probabilities(&inference, self.plan.normalise, self.frame.side, set)?, truth })
    }

    /// All files as they stay.
    fn finish(&self, state: &State) -> Result<Value> {
        let card = self.model(state)?;
        let target = self.folder.target(CURVES)?;
        hounsfield::io::output::publish(vec![figures::stage(&target, &figures::curves(&state.history, "AUC")?)?])?;
        Ok(card)
    }
}

/// Said in every card of a classifier.
const LIMITS: [&str; 3] = [
    "Probabilities and the threshold hold for images like those of the validation part; where the shares of classes, the device or the patients differ, judge it anew.",
    "The validation part chose the epoch and, as it is and in changed forms, the threshold, so its measures are too good; those of the part held out, where there is one, are not.",
    "It answers for any image, also for one that shows something else.",
];

fn data(set: &ImageSet, from: String) -> CardData {
    CardData { from: vec![from], count: set.samples.len(), per_class: set.counts(), sha256: set.hash() }
}

fn summary(card: &Value) -> String {
    let number = |value: &Value| value.as_f64().map_or_else(|| "-".into(), |x| format!("{x:.4}"));
    let line = |what: &str, metrics: &Value| {
        let [auc, accuracy, balanced] = ["auc", "accuracy", "balanced_accuracy"].map(|key| number(&metrics[key]));
        format!("{what:<12} AUC {auc}, accuracy {accuracy}, balanced accuracy {balanced}\n")
    };
    let held = &card["held_out"]["metrics"];
    let mut text =
        format!("epoch        {} of {}, {:.0} s\n", card["epoch"], card["epochs"], card["seconds"].as_f64().unwrap_or(0.0));
    text += &line("validation", &card["validation_metrics"]);
    if !held.is_null() {
        text += &line("held out", held);
    }
    text + &format!("threshold    {}\n", number(&card["validation_metrics"]["threshold"]))
}
