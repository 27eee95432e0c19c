//! `segment`: from volumes with label maps to a model.

use std::path::PathBuf;

use hounsfield::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::augmentation::AugmentationArgs;
use super::folder::ModelFolder;
use super::overlap::{self, CaseRow};
use crate::args::{Shared, amount, positive, share, short_name, tell};
use crate::augment::Augmentation;
use crate::data::hex;
use crate::figures;
use crate::graph::{Network, unet};
use crate::learn::{Learner, Settings};
use crate::model::{CARD, CURVES, Card, CardData, Held, LAST, LOG, MODEL, Model, Task, program};
use crate::prepare::Normalise;
use crate::progress::{self, Progress};
use crate::random::Random;
use crate::train::{self, Keep, SegmentPlan, State, segmenter};
use crate::volumes::{Labelled, Look, Pair, Sampling, classes_of, open_volume, orientation, pairs, read_pair};

/// From volumes with label maps to a model
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder with sub-folders images and labels (or imagesTr and labelsTr), or a table with columns image and labels
    pairs: PathBuf,
    /// The folder of the model, which is made
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Volumes to choose the epoch by, by name
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    val: Vec<String>,
    /// Set this share of the volumes aside for that instead
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with = "val", help_heading = "Data")]
    val_fraction: Option<f64>,
    /// Volumes that are not looked at until the end, by name: the model card says how well the model does there
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    hold_out: Vec<String>,
    /// Names of the labels from 0 on
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Data")]
    classes: Vec<String>,
    /// Steps of hounsfield map that volumes go through first, such as median:1
    #[arg(long, value_name = "STEPS", value_parser = crate::prepare::steps, help_heading = "Preprocessing")]
    prepare: Option<String>,
    /// How intensities are measured, over a whole volume: zscore, percentiles:LOW:HIGH, range:LOW:HIGH
    #[arg(long, value_name = "HOW", default_value = "zscore", allow_hyphen_values = true, help_heading = "Preprocessing")]
    normalise: Normalise,
    /// Along which axes slices are cut, once the volume is read: any of x, y and z
    #[arg(long, value_name = "AXES", default_value = "z", value_parser = axes, help_heading = "Preprocessing")]
    axes: Axes,
    /// Neighbouring slices seen together: 1, 3 or 5
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = odd, help_heading = "Preprocessing")]
    slices: usize,
    /// Columns and rows of patches to learn from
    #[arg(long, value_name = "PIXELS", default_value_t = 96, value_parser = clap::value_parser!(u16).range(16..=512), help_heading = "Preprocessing")]
    patch: u16,
    #[command(flatten)]
    augmentation: AugmentationArgs,
    /// Of all that is random
    #[arg(long, default_value_t = 0, help_heading = "Training")]
    seed: u64,
    /// Times that the validation part is looked at
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    epochs: u32,
    /// Steps between them
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    steps: u32,
    /// Patches in a step
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Training")]
    batch: u32,
    /// The greatest learning rate
    #[arg(long, default_value_t = 2e-3, value_parser = positive, help_heading = "Training")]
    rate: f64,
    /// Weight decay, per unit of the learning rate
    #[arg(long, default_value_t = 0.01, value_parser = amount, help_heading = "Training")]
    decay: f64,
    /// The share of patches with a voxel of a structure near their middle
    #[arg(long, value_name = "SHARE", default_value_t = 0.67, value_parser = share, help_heading = "Training")]
    foreground: f64,
    /// Channels of the first level
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Training")]
    width: u16,
    /// Levels of the network
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=6), help_heading = "Training")]
    levels: u16,
    /// End after so many epochs without a better one
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    patience: u32,
    /// Go on with a training that was stopped, given the same settings and data
    #[arg(long, help_heading = "Training")]
    resume: bool,
    /// Stop after so many epochs of this run, to go on later
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Training")]
    stop_after: Option<u32>,
}

/// Axes in a list of their own, which clap takes for one value.
#[derive(Debug, Clone)]
struct Axes(Vec<usize>);

fn axes(text: &str) -> Result<Axes, String> {
    let number = |c: char| "xyz".find(c).ok_or_else(|| format!("{c:?} is none of x, y and z"));
    let all: Vec<usize> = text.chars().map(number).collect::<Result<_, _>>()?;
    let twice = (0..all.len()).any(|i| all[..i].contains(&all[i]));
    if all.is_empty() || twice { Err("give each axis once".into()) } else { Ok(Axes(all)) }
}

fn odd(text: &str) -> Result<usize, String> {
    match text {
        "1" | "3" | "5" => text.parse().map_err(|_| String::new()),
        _ => Err("give 1, 3 or 5".into()),
    }
}

/// The longest side of a tile, once a network is trained.
const TILE: usize = 256;
/// Into how many parts a batch goes.
const PARTS: usize = 2;
/// The share of the average of weights that stays in a step.
const KEPT: f64 = 0.99;

/// The data of a training.
struct Parts {
    classes: Vec<String>,
    train: Vec<Labelled>,
    val: Vec<Labelled>,
    held: Vec<Pair>,
    look: Look,
    from: String,
}

/// Trains.
pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let parts = read(shared, args)?;
    let plan = plan(args);
    let network = unet(args.slices, parts.classes.len(), [args.width.into(), args.levels.into()]);
    if !usize::from(args.patch).is_multiple_of(network.divisor()) {
        let what = format!("patches of {} pixels with {} levels", args.patch, args.levels);
        return Err(Error::usage(what, format!("give a multiple of {}", network.divisor())));
    }
    let folder = ModelFolder::new(&args.output, args.resume, shared.force)?;
    let learner = Learner::new(network.clone(), plan.settings, plan.seed)?;
    let identity = json!({
        "plan": plan, "network": [args.width, args.levels], "train": hash(&parts.train), "val": hash(&parts.val), "program": program(),
    });
    let state = match args.resume {
        true => State::read(&folder.file(LAST), learner, &identity)?,
        false => State { learner, history: train::History::default(), best: None },
    };
    let progress = Progress::new(shared, "training", 0);
    let mut keeper = Keeper { plan: &plan, network: &network, parts: &parts, folder: &folder, identity, progress: &progress };
    let most = args.stop_after.map_or(usize::MAX, |n| n as usize);
    let trained = train::segment(&plan, &network, [&parts.train, &parts.val], state, most, (&progress, &mut keeper))?;
    if trained.stopped {
        return Err(Error::Interrupted);
    }
    let card = keeper.finish(&trained.state)?;
    drop(progress);
    match shared.json {
        true => tell(&format!("{card:#}\n")),
        false => tell(&summary(&card)),
    }
}

/// Reads all volumes but those held out, and parts them.
fn read(shared: &Shared, args: &Args) -> Result<Parts> {
    let mut all = pairs(&args.pairs)?;
    let held = take(&mut all, &args.hold_out)?;
    let val = match args.val_fraction {
        Some(fraction) => {
            Random::new(args.seed, "split", 0).shuffle(&mut all);
            let count = ((fraction * all.len() as f64).round() as usize).max(1);
            all.drain(..count.min(all.len())).collect()
        }
        None => take(&mut all, &args.val)?,
    };
    if val.is_empty() || all.is_empty() {
        let what = format!("{} volumes to learn from and {} to choose by", all.len(), val.len());
        return Err(Error::usage(what, "name some to choose by with --val, or give --val-fraction 0.2"));
    }
    // All are seen as the first one lies.
    let look = Look {
        normalise: args.normalise,
        axes: args.axes.0.clone(),
        orientation: orientation(open_volume(&all[0].image)?.header()),
        steps: args.prepare.clone(),
    };
    let progress = Progress::new(shared, "reading", (all.len() + val.len()) as u64);
    let known = (!args.classes.is_empty()).then_some(args.classes.len());
    let read = |some: Vec<Pair>| {
        let one = |pair: &Pair| {
            progress::go_on()?;
            progress.step();
            read_pair(pair, &look, known)
        };
        some.iter().map(one).collect::<Result<Vec<Labelled>>>()
    };
    let (train, val) = (read(all)?, read(val)?);
    if let Some(twice) = train.iter().find(|volume| val.iter().any(|other| other.hash == volume.hash)) {
        let what = format!("{} is also among the volumes to choose by, under another name", twice.name);
        return Err(Error::usage(what, "leave one of them out"));
    }
    let classes = if args.classes.is_empty() { classes_of(&train)? } else { args.classes.clone() };
    if let Some(volume) = val.iter().find(|volume| volume.labels.iter().any(|label| usize::from(*label) >= classes.len())) {
        let what = format!("{} has labels that no volume to learn from has", volume.name);
        return Err(Error::usage(what, "name a class for each label with --classes, or part the volumes otherwise"));
    }
    Ok(Parts { classes, train, val, held, look, from: short_name(&args.pairs) })
}

/// Takes the pairs of these names out.
fn take(all: &mut Vec<Pair>, names: &[String]) -> Result<Vec<Pair>> {
    let mut taken = Vec::new();
    for name in names {
        let Some(at) = all.iter().position(|pair| &pair.name == name) else {
            let known: Vec<&str> = all.iter().map(|pair| pair.name.as_str()).collect();
            return Err(Error::usage(format!("there is no volume {name:?} left"), format!("there are {}", known.join(", "))));
        };
        taken.push(all.remove(at));
    }
    Ok(taken)
}

fn plan(args: &Args) -> SegmentPlan {
    SegmentPlan {
        seed: args.seed,
        epochs: args.epochs as usize,
        steps: args.steps as usize,
        batch: args.batch as usize,
        rate: args.rate,
        warm_up: 0.05,
        patience: args.patience as usize,
        sampling: Sampling { side: args.patch.into(), slices: args.slices, foreground: args.foreground },
        axes: args.axes.0.clone(),
        tile: TILE,
        augmentation: args.augmentation.over(Augmentation::SLICE),
        normalise: args.normalise,
        settings: Settings { decay: args.decay, kept: KEPT, parts: PARTS },
    }
}

fn hash(volumes: &[Labelled]) -> String {
    let mut all: Vec<[u8; 32]> = volumes.iter().map(|volume| volume.hash).collect();
    all.sort_unstable();
    hex(&Sha256::digest(all.concat()))
}

/// Writes the files of a model after each epoch.
struct Keeper<'a> {
    plan: &'a SegmentPlan,
    network: &'a Network,
    parts: &'a Parts,
    folder: &'a ModelFolder,
    identity: Value,
    progress: &'a Progress,
}

impl Keep for Keeper<'_> {
    fn epoch(&mut self, state: &State, best: bool) -> Result<()> {
        if let Some(epoch) = state.history.epochs.last() {
            self.progress.epoch(epoch, self.plan.epochs, "Dice", best);
        }
        if best {
            self.model(state, None)?;
        }
        self.folder.write(LOG, state.history.csv("dice").as_bytes())?;
        self.folder.write(LAST, &state.bytes(&self.identity))
    }
}

impl Keeper<'_> {
    /// The model of the best epoch and its card.
    fn model(&self, state: &State, held_out: Option<Held>) -> Result<Value> {
        let Some((epoch, weights)) = &state.best else {
            return Err(Error::usage("no epoch has been trained", "ask for one or more with --epochs"));
        };
        let spacing_mm = self.parts.train.first().and_then(|volume| volume.header.grid.geometry.as_ref()).map(|g| g.spacing_mm);
        let plan = self.plan;
        let task = Task::Segment {
            normalise: plan.normalise,
            slices: plan.sampling.slices,
            tile: plan.tile,
            planes: plan.axes.clone(),
            spacing_mm,
            orientation: self.parts.look.orientation.clone(),
        };
        let classes = self.parts.classes.clone();
        let model =
            Model::new(task, classes.clone(), self.network.clone(), weights.clone()).with_steps(self.parts.look.steps.clone());
        let best = state.history.epochs.get(epoch - 1).map(|epoch| epoch.val_metric);
        let card = Card {
            task: "segment".into(),
            program: program(),
            notice: Card::NOTICE.into(),
            train: data(&self.parts.train, &self.parts.from),
            validation: data(&self.parts.val, &self.parts.from),
            held_out,
            duplicates_dropped: 0,
            broken_skipped: Vec::new(),
            settings: json!({ "plan": plan, "steps": self.parts.look.steps }),
            parameters: weights.trained.len(),
            epoch: *epoch,
            epochs: state.history.epochs.len(),
            seconds: state.history.seconds(),
            cpu_seconds: train::cpu_seconds(),
            validation_metrics: json!({ "dice": best }),
            limits: LIMITS.map(str::to_owned).to_vec(),
            classes,
        };
        self.folder.write(MODEL, &model.bytes()?)?;
        self.folder.write(CARD, &card.bytes())?;
        Ok(serde_json::to_value(&card).unwrap_or_default())
    }

    /// All files as they stay; only now what was held out is looked at.
    fn finish(&self, state: &State) -> Result<Value> {
        let mut held = None;
        if let (false, Some((_, weights))) = (self.parts.held.is_empty(), &state.best) {
            let segmenter = segmenter(self.plan, self.network, weights)?;
            let volumes: Vec<Labelled> = self
                .parts
                .held
                .iter()
                .map(|pair| read_pair(pair, &self.parts.look, Some(self.parts.classes.len())))
                .collect::<Result<_>>()?;
            let mut rows: Vec<CaseRow> = Vec::new();
            for volume in &volumes {
                let found = segmenter.volume(&volume.values, volume.size, &self.plan.axes, &progress::go_on)?;
                rows.extend(overlap::case(volume, found, &self.parts.classes)?);
            }
            held = Some(Held { data: data(&volumes, &self.parts.from), metrics: overlap::json(&rows) });
        }
        let card = self.model(state, held)?;
        let target = self.folder.target(CURVES)?;
        hounsfield::io::output::publish(vec![figures::stage(&target, &figures::curves(&state.history, "Dice")?)?])?;
        Ok(card)
    }
}

/// Said in every card of a segmentation.
const LIMITS: [&str; 3] = [
    "It was trained on few volumes; where the device, the sequence, the voxels or the patients differ, judge it anew.",
    "The validation part chose the epoch, so its Dice is too good; that of volumes held out, where there are such, is not.",
    "It marks something in any volume, also in one that shows another part of the body.",
];

fn data(volumes: &[Labelled], from: &str) -> CardData {
    let from = std::iter::once(from.to_owned()).chain(volumes.iter().map(|volume| volume.name.clone())).collect();
    CardData { from, count: volumes.len(), per_class: Vec::new(), sha256: hash(volumes) }
}

fn summary(card: &Value) -> String {
    let number = |value: &Value| value.as_f64().map_or_else(|| "-".into(), |x| format!("{x:.4}"));
    let seconds = card["seconds"].as_f64().unwrap_or(0.0);
    let mut text = format!("epoch        {} of {}, {seconds:.0} s\n", card["epoch"], card["epochs"]);
    text += &format!("validation   Dice {}\n", number(&card["validation_metrics"]["dice"]));
    let held = &card["held_out"]["metrics"]["mean"];
    if !held.is_null() {
        text += &format!("held out     Dice {}, HD95 {} mm\n", number(&held["dice"]), number(&held["hd95_mm"]));
    }
    text
}
