//! `hounsfield compare`: how alike two label maps are, or two images.

mod folder;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hounsfield::analysis::surface_distance::SurfaceRule;
use hounsfield::findings::{AgreementFinding, DifferenceFinding, Limit, Rows, Shortfall};
use hounsfield::io::{Role, Source};
use hounsfield::ops::components::Connectivity;
use hounsfield::pipelines::{self, ImagePair, LabelMaps, SurfaceSettings};
use hounsfield::report::Svg;
use hounsfield::{Error, Result};

use crate::args::{FileArgs, Shared, parse};
use crate::commands::table::{TableKind, write_table};
use crate::exit::Answer;
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is judged: a label map, an image, or with --folder a folder of them
    #[arg(value_name = "A")]
    pub judged: PathBuf,
    /// What it is judged by: the reference, on the same grid, whose axes may be flipped or permuted
    #[arg(value_name = "B")]
    pub reference: PathBuf,
    /// As what both are compared [default: as labels if both hold labels, which is guessed aloud where the files do not say so]
    #[arg(long = "as", value_name = "WHAT", value_parser = parse::words(&AS))]
    pub compared_as: Option<ComparedAs>,
    /// What a surface is and how its percentile is taken
    #[arg(long, default_value = "surface", value_name = "NAME", value_parser = parse::words(&SURFACES))]
    pub surface: AskedSurface,
    /// The percentile of the surface distances, beside the largest
    #[arg(long, default_value = "95", value_name = "P", value_parser = percent)]
    pub percentile: f64,
    /// Surfaces that lie within so many mm of each other agree (NSD)
    #[arg(long, default_value = "1", value_name = "MM", value_parser = not_negative)]
    pub tolerance_mm: f64,
    /// Match the connected parts of each label one to one, and count those that were found
    #[arg(long)]
    pub instances: bool,
    /// Which voxels are neighbours within a part: 6, 18 or 26 of them
    #[arg(long, default_value = "26", value_name = "N", value_parser = parse::words(&NEIGHBOURS), requires = "instances")]
    pub connectivity: Connectivity,
    /// The intersection over union that parts must exceed to match
    #[arg(long, default_value = "0.5", value_name = "IOU", value_parser = below_one, requires = "instances")]
    pub match_iou: f64,
    /// Exit with 1 if a measure of any label, such as dice, lies below a number or is n/a; may be given several times
    #[arg(long, value_name = "MEASURE=N", value_parser = limit)]
    pub fail_below: Vec<Limit>,
    /// Exit with 1 if a voxel of two images differs by more
    #[arg(long, value_name = "D", value_parser = not_negative)]
    pub tolerance: Option<f64>,
    /// Compare each file of folder A with the file of the same name in folder B
    #[arg(long, conflicts_with = "figure")]
    pub folder: bool,
    /// Write the rows: .csv or .json
    #[arg(long, short, value_name = "T.csv")]
    pub output: Option<PathBuf>,
    /// Draw the histogram of the difference of two images: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// Which volume of both, where they hold several
    #[arg(long, value_name = "N")]
    pub volume: Option<u32>,
}

/// What files are compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparedAs {
    Labels,
    Image,
}

/// A surface, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedSurface(Option<SurfaceRule>);

const AS: [(&str, &str, ComparedAs); 2] = [
    ("labels", "Whole numbers that name regions", ComparedAs::Labels),
    ("image", "Values, by their differences", ComparedAs::Image),
];

const SURFACES: [(&str, &str, AskedSurface); 4] = [
    (
        "surface",
        "Pieces of surface between voxels by their area, the larger of both directed percentiles, as surface-distance of DeepMind",
        AskedSurface(Some(SurfaceRule::Surface)),
    ),
    ("voxel", "Border voxels, the larger of both directed percentiles, as MONAI", AskedSurface(Some(SurfaceRule::Voxel))),
    (
        "voxel-pooled",
        "Border voxels, percentiles of both directions together, as medpy",
        AskedSurface(Some(SurfaceRule::VoxelPooled)),
    ),
    ("none", "No surfaces", AskedSurface(None)),
];

const NEIGHBOURS: [(&str, &str, Connectivity); 3] =
    [("6", "", Connectivity::Faces), ("18", "", Connectivity::Edges), ("26", "", Connectivity::Corners)];

/// Measures that `--fail-below` knows.
const OF_LABELS: [&str; 12] = [
    "dice",
    "iou",
    "precision",
    "recall",
    "f1",
    "specificity",
    "accuracy",
    "nsd",
    "instance_precision",
    "instance_recall",
    "instance_f1",
    "panoptic_quality",
];
const OF_IMAGES: [&str; 1] = ["psnr_db"];

fn number(text: &str, good: impl Fn(f64) -> bool, what: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|value: &f64| good(*value)).ok_or_else(|| format!("it is no {what}"))
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    number(text, |v| (0.0..=100.0).contains(&v), "number from 0 to 100")
}

fn not_negative(text: &str) -> std::result::Result<f64, String> {
    number(text, |v| v >= 0.0 && v.is_finite(), "number from 0 on")
}

fn below_one(text: &str) -> std::result::Result<f64, String> {
    number(text, |v| (0.0..1.0).contains(&v), "number from 0 to below 1")
}

fn limit(text: &str) -> std::result::Result<Limit, String> {
    let (key, least) = text.split_once('=').ok_or("give a measure and a number, such as dice=0.9")?;
    if !OF_LABELS.iter().chain(&OF_IMAGES).any(|known| *known == key) {
        return Err(format!("the measures are {}", [OF_LABELS.as_slice(), &OF_IMAGES].concat().join(", ")));
    }
    Ok(Limit { key: key.into(), least: number(least, f64::is_finite, "number")? })
}

pub fn run(shared: &Shared, args: &Args) -> Result<Answer> {
    if args.folder {
        return folder::run(shared, args);
    }
    let mut job = Job::new(shared, &files(args, &args.judged), [&args.reference])?.on_cpu();
    let target = job.maybe(args.output.as_deref())?;
    let figure_file = job.figure(args.figure.as_deref())?;
    let kind = TableKind::of(args.output.as_deref())?;
    let found = compare(&mut job, args, (&args.judged, &args.reference))?;
    if let Some(file) = &figure_file {
        let figure = found.figure().ok_or_else(|| {
            Error::usage("a figure of two label maps", "leave it out, or compare them as images with --as image")
        })?;
        job.draw(file, &figure)?;
    }
    let provenance = job.provenance()?;
    let shortfalls = found.shortfalls(args)?;
    let mut rows = Rows::new();
    rows.key("judged", args.judged.display().to_string());
    rows.key("reference", args.reference.display().to_string());
    rows.key("output", target.as_ref().map(job::name));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.extend(found.rows(&provenance));
    rows.key("shortfalls", shortfalls.iter().map(ToString::to_string).collect::<Vec<_>>());
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (|| Rows::columns(&found.lines()).csv(), &rows))?;
    }
    job.publish()?;
    job.tell(&found.text(), rows)?;
    Ok(judge(&shortfalls))
}

/// Says what falls short.
fn judge(shortfalls: &[Shortfall]) -> Answer {
    shortfalls.iter().for_each(|one| eprintln!("hounsfield: {one}"));
    if shortfalls.is_empty() { Answer::Yes } else { Answer::No }
}

/// How one of the two is read.
fn files(args: &Args, path: &Path) -> FileArgs {
    FileArgs { volume: args.volume, ..FileArgs::one(path.to_path_buf()) }
}

/// What was found of two files.
enum Comparison {
    Labels(Box<AgreementFinding>),
    Images(Box<DifferenceFinding>),
}

impl Comparison {
    fn text(&self) -> String {
        match self {
            Self::Labels(found) => found.text(),
            Self::Images(found) => found.measures().text(),
        }
    }

    fn rows(&self, provenance: &hounsfield::findings::Provenance) -> Rows {
        match self {
            Self::Labels(found) => found.rows(provenance),
            Self::Images(found) => found.rows(provenance),
        }
    }

    /// The rows of a table.
    fn lines(&self) -> Vec<Rows> {
        match self {
            Self::Labels(found) => found.labels(),
            Self::Images(found) => vec![found.measures()],
        }
    }

    fn figure(&self) -> Option<Svg> {
        match self {
            Self::Labels(_) => None,
            Self::Images(found) => Some(found.figure()),
        }
    }

    fn shortfalls(&self, args: &Args) -> Result<Vec<Shortfall>> {
        let unknown = |known: &[&str], what: &str| {
            let odd = args.fail_below.iter().find(|limit| !known.contains(&limit.key.as_str()));
            odd.map_or(Ok(()), |odd| {
                Err(Error::usage(format!("{what} have no {}", odd.key), format!("they have {}", known.join(", "))))
            })
        };
        match self {
            Self::Labels(found) => {
                if args.tolerance.is_some() {
                    return Err(Error::usage("--tolerance for label maps", "it is for images: use --fail-below, or --as image"));
                }
                unknown(&OF_LABELS, "label maps")?;
                if found.instances.is_none()
                    && args.fail_below.iter().any(|l| l.key.starts_with("instance_") || l.key == "panoptic_quality")
                {
                    return Err(Error::usage("a limit for objects that are not matched", "add --instances"));
                }
                if found.surfaces.is_none() && args.fail_below.iter().any(|l| l.key == "nsd") {
                    return Err(Error::usage("a limit for surfaces that are not measured", "leave out --surface none"));
                }
                Ok(found.shortfalls(&args.fail_below))
            }
            Self::Images(found) => {
                unknown(&OF_IMAGES, "images")?;
                let mut all = found.shortfalls(&args.fail_below);
                if let Some(tolerance) = args.tolerance.filter(|tolerance| !found.difference.within(*tolerance)) {
                    all.push(found.beyond(tolerance));
                }
                Ok(all)
            }
        }
    }
}

/// Compares two files.
fn compare(job: &mut Job<'_>, args: &Args, (judged, reference): (&Path, &Path)) -> Result<Comparison> {
    let open =
        |job: &Job<'_>, path: &Path, role: Role| -> Result<Arc<dyn Source>> { Ok(job.open_as(&files(args, path), role)?.into()) };
    let wanted = match args.compared_as {
        Some(wanted) => wanted,
        None => {
            let both = [open(job, judged, Role::Image)?, open(job, reference, Role::Image)?];
            guess(job, &both)?
        }
    };
    let role = if wanted == ComparedAs::Labels { Role::Labels } else { Role::Image };
    let (judged, reference) = (open(job, judged, role)?, open(job, reference, role)?);
    let bytes = judged.header().bytes() + reference.header().bytes();
    if wanted == ComparedAs::Image {
        let pair = job.prepare("read", bytes, |run| ImagePair::new(judged, reference, run))?;
        if pair.turned() {
            job.warn(&job::reoriented("judged image"));
        }
        let difference = job.pass("compare", bytes, |run| pipelines::differences(&pair, run))?;
        let ends = difference.ends.filter(|_| args.figure.is_some());
        let counts = ends.map(|ends| job.pass("histogram", bytes, |run| pipelines::difference_counts(&pair, ends, BINS, run)));
        let counts = counts.transpose()?.unwrap_or_default();
        let found = DifferenceFinding { header: pair.header().clone(), difference, counts };
        found.notes().iter().for_each(|note| job.note(note));
        return Ok(Comparison::Images(Box::new(found)));
    }
    let maps = job.prepare("read", bytes, |run| LabelMaps::new(judged, reference, run))?;
    if maps.turned() {
        job.warn(&job::reoriented("judged map"));
    }
    let overlaps = job.pass("overlap", bytes, |run| pipelines::overlaps(&maps, run))?;
    let labelled = 2 * overlaps.pairs.voxels();
    let surfaces = match args.surface.0 {
        Some(rule) => {
            let settings = SurfaceSettings { rule, percent: args.percentile, tolerance: args.tolerance_mm };
            Some((settings, job.pass("surfaces", labelled, |run| pipelines::surfaces(&maps, &overlaps, &settings, run))?))
        }
        None => None,
    };
    let how = (args.connectivity, args.match_iou);
    let instances = args.instances.then(|| job.pass("objects", labelled, |run| pipelines::instances(&maps, &overlaps, how, run)));
    let found = AgreementFinding { header: maps.header().clone(), overlaps, surfaces, instances: instances.transpose()? };
    found.notes().iter().for_each(|note| job.note(note));
    Ok(Comparison::Labels(Box::new(found)))
}

/// Bins of the histogram of differences.
const BINS: usize = 256;

/// What two files are compared as, where nobody says so.
fn guess(job: &mut Job<'_>, both: &[Arc<dyn Source>; 2]) -> Result<ComparedAs> {
    let mut said = true;
    for source in both {
        if source.header().meaning.labels {
            continue;
        }
        said = false;
        if !job.prepare("look", source.header().bytes(), |run| pipelines::looks_like_labels(source, run))? {
            job.warn("compared as images, for not both look like label maps; --as labels compares them as these");
            return Ok(ComparedAs::Image);
        }
    }
    if !said {
        job.warn("compared as label maps, which both look like; --as image compares them as images");
    }
    Ok(ComparedAs::Labels)
}
