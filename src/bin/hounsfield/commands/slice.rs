//! `hounsfield slice`: a picture of one slice, or of many.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use hounsfield::analysis::windows;
use hounsfield::findings::words::{number, real};
use hounsfield::findings::{self, Note, ProjectionFinding, Rows};
use hounsfield::pipelines::{self, Bins, Counted, How, Input, Projection, Region, Thickness};
use hounsfield::report::{Key, Picker, Picture, Plane, Shade, Slice, View, colours, figure};
use hounsfield::views::{Nowhere, Tap};
use hounsfield::volume::{Block, Header, Observe, Rescale, Rescales, Unit, Window};
use hounsfield::{Error, Result};

use crate::args::{FileArgs, Shared, parse};
use crate::job::{self, Job};
use crate::picture;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .png or .svg
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Plane, seen as radiologists do [default: the one the volume was cut in]
    #[arg(long, value_name = "PLANE", value_parser = parse::plane())]
    pub plane: Option<Plane>,
    /// Slice number from 0 along the voxel axis [default: the middle]
    #[arg(long, value_name = "N", conflicts_with_all = ["mm", "montage"], allow_negative_numbers = true)]
    pub index: Option<i64>,
    /// The slice nearest to this position along the patient axis, in mm (towards left, posterior, superior)
    #[arg(long, value_name = "MM", allow_hyphen_values = true, conflicts_with = "montage")]
    pub mm: Option<f64>,
    /// So many slices, evenly spaced, in one picture
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub montage: Option<NonZeroUsize>,
    /// Point in time of a time series, from 0
    #[arg(long, value_name = "T", default_value_t = 0)]
    pub time: u64,
    /// Show real values from LO (black) to HI (white) [default: the file's own window, else the 1st to 99th percentile]
    #[arg(long, value_name = "LO:HI", value_parser = parse::range, allow_hyphen_values = true)]
    pub window: Option<(f64, f64)>,
    /// A usual window of CT instead: lung, bone, brain, soft-tissue, abdomen, liver, mediastinum, stroke
    #[arg(long, value_name = "NAME", conflicts_with = "window")]
    pub preset: Option<String>,
    /// Labels of the same voxels, laid over the greys in the colours that figures have; axes may be flipped or permuted
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Pixels alone, one for each voxel where these are square: no letters, no scale bar
    #[arg(long, conflicts_with = "montage")]
    pub plain: bool,
    /// Instead of each slice a slab around it: in mm, or in slices
    #[arg(long, value_name = "10mm|N", allow_hyphen_values = true, conflicts_with = "labels")]
    pub slab: Option<Thickness>,
    /// What the voxels of a slab become, along its rays
    #[arg(long, default_value = "max", value_name = "HOW", requires = "slab", value_parser = parse::how())]
    pub how: How,
}

/// How much of a labelled pixel its colour takes.
const TINT: f64 = 0.45;

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let preset = args.preset.as_deref().map(windows::named).transpose()?;
    let mut job = Job::new(shared, &args.input, &args.labels)?;
    let target = job.output(&args.output)?;
    picture::check(&target)?;
    let input = job.resolve()?;
    let header = input.header();
    let plane = args.plane.unwrap_or_else(|| View::native(header));
    let view = View::new(header, plane);
    let wanted = wanted(args, &view)?;
    let picks: Vec<(Plane, u64)> = wanted.iter().map(|index| (plane, *index)).collect();
    let slabs = args.slab.map(|thickness| slabs(header, &view, (thickness, args.how), &wanted)).transpose()?;
    let finding = slabs.as_ref().map(|projection| ProjectionFinding { projection, plane });
    let (shown, places) = match &slabs {
        Some(projection) => (projection.header(), (0..).take(picks.len()).map(|slab| (plane, slab)).collect()),
        None => (header, picks.clone()),
    };
    let picker = Picker::new(shown, &places, args.time)?;
    let labels = match &args.labels {
        Some(path) => Overlay::read(&mut job, path, header, &picks, args.time)?,
        None => Overlay { slices: Vec::new(), rescale: Rescales::Uniform(Rescale::IDENTITY) },
    };
    let given = args.window.map(|(low, high)| Shade::over(header, low, high));
    let given = given.or(preset.map(|(_, window)| Shade::new(header, window)));
    let shade = match &slabs {
        None => shade(&mut job, given, &input.clone().observed(Some(&picker)))?,
        Some(projection) => {
            let look = |at: u64, bytes: &[u8]| {
                picker.see(at, Block { dtype: shown.meaning.dtype, bytes });
                Ok(())
            };
            let tap =
                Tap { inner: &Nowhere, voxel_bytes: shown.meaning.dtype.bytes(), mask: None, background: 0, look: Some(&look) };
            let of_image = given.map_or_else(|| shade(&mut job, None, &input), Ok)?;
            job.pass("project", projection.bytes(), |run| projection.write(&input, &tap, run))?;
            of_image
        }
    };
    let slices = picker.finish();
    let shade = finding.filter(|_| given.is_none()).map_or(shade, |finding| finding.shade(shade, &slices));
    if let Some((name, _)) = preset.filter(|_| header.meaning.unit != Unit::Hounsfield) {
        job.note(&Note::PresetWithoutUnit { name });
    }
    say_if_blank(&job, shown, &shade, &slices);
    let at_time = if header.grid.shape.volumes() > 1 { format!(" · time {}", args.time) } else { String::new() };
    let mut pictures = Vec::new();
    for (i, slice) in slices.iter().enumerate() {
        let grey = Picture::grey(slice, &shown.meaning.rescale, &shade)?;
        let slab = finding.map_or(String::new(), |finding| format!(" · {}", finding.caption(i)));
        pictures.push(labels.laid_over(grey, i).captioned(view.caption(wanted[i]) + &slab + &at_time));
    }
    let staged = match pictures.as_slice() {
        [one] if args.plain && picture::extension(&target) == "png" => target.stage_bytes(&one.to_png()?)?,
        [one] if args.montage.is_none() => {
            let svg = figure::plain(&if args.plain { one.clone().bare() } else { one.clone() })?;
            picture::stage(&target, &svg, Some(svg.width()))?
        }
        many => picture::stage(&target, &figure::montage("", many, &labels.keys())?, None)?,
    };
    job.stage(staged);
    job.publish()?;

    let Window { center, width, .. } = shade.window;
    let (low, high, unit) = (center - width / 2.0, center + width / 2.0, header.meaning.unit.symbol());
    let captions: Vec<&str> = pictures.iter().map(Picture::caption).filter(|caption| !caption.is_empty()).collect();
    let shown = if args.montage.is_some() { format!("{} {} slices", wanted.len(), plane.name()) } else { captions.join("") };
    let sense = if shade.inverted { ", low values bright" } else { "" };
    let text = format!(
        "{}: {}{}window {} to {}{sense}\n",
        job::name(&target),
        shown,
        if shown.is_empty() { "" } else { ", " },
        number(low),
        real(high, unit)
    );
    let mut window = Rows::new();
    window.key("low", low);
    window.key("high", high);
    window.key("center", center);
    window.key("width", width);
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("plane", plane.name());
    rows.key("position_mm", wanted.iter().map(|i| view.position_mm(*i)).collect::<Vec<_>>());
    rows.key("index", wanted);
    rows.key("how", slabs.as_ref().map(|_| args.how.name()));
    rows.key("slab_slices", slabs.as_ref().map(|slabs| slabs.slabs().iter().map(|s| s.end - s.start).collect::<Vec<_>>()));
    rows.key("time", args.time);
    rows.key("window", window);
    rows.key("unit", unit);
    rows.key("inverted", shade.inverted);
    rows.key("labels", labels.seen());
    job.tell(&text, rows)
}

/// A slab around each of these slices: as far on both sides, of an even number of slices one more behind it; less at the ends of the volume.
fn slabs(header: &Header, view: &View, (thickness, how): (Thickness, How), wanted: &[u64]) -> Result<Projection> {
    let thick = thickness.voxels(header, view.axis())?;
    let slab = |index: &u64| index.saturating_sub((thick - 1) / 2)..(index + thick / 2 + 1).min(view.slices());
    Projection::of(header, view.axis(), how, wanted.iter().map(slab).collect())
}

/// Says so if the window shows nothing of these slices.
fn say_if_blank(job: &Job<'_>, header: &Header, shade: &Shade, slices: &[Slice]) {
    let ends = slices.iter().filter_map(|slice| slice.ends(&header.meaning.rescale));
    let ends = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    if let Some((low, high)) = ends.filter(|(low, high)| low < high && shade.grey(*low) == shade.grey(*high)) {
        job.note(&Note::WindowShowsNothing { window: shade.window, values: (low, high), percent: 100.0 });
    }
}

/// Labels on the slices that are shown.
struct Overlay {
    slices: Vec<Slice>,
    rescale: Rescales,
}

impl Overlay {
    fn read(job: &mut Job<'_>, path: &Path, image: &Header, picks: &[(Plane, u64)], volume: u64) -> Result<Self> {
        let input = job.resolve_other("labels", path, image)?;
        if !input.is_exact() {
            return Err(Error::usage(
                format!("labels that are no whole numbers ({})", path.display()),
                "give labels from 0 to 65,535",
            ));
        }
        let picker = Picker::new(input.header(), picks, volume)?;
        job.prepare("labels", input.header().bytes(), |run| pipelines::gather(&input.clone().observed(Some(&picker)), run))?;
        Ok(Self { slices: picker.finish(), rescale: input.header().meaning.rescale.clone() })
    }

    /// The number at a pixel; 0 is none.
    fn at(&self, slice: &Slice, u: u64, v: u64) -> u64 {
        slice.real(u, v, &self.rescale).round() as u64
    }

    fn laid_over(&self, picture: Picture, i: usize) -> Picture {
        let Some(slice) = self.slices.get(i) else { return picture };
        picture.tinted(slice, TINT, |u, v| Some(self.at(slice, u, v)).filter(|label| *label > 0).map(colours::label))
    }

    /// The labels that are seen, ascending.
    fn seen(&self) -> Vec<u64> {
        let of = |slice: &Slice| {
            let all = (0..slice.height()).flat_map(|v| (0..slice.width()).map(move |u| (u, v)));
            all.map(|(u, v)| self.at(slice, u, v)).collect::<BTreeSet<_>>()
        };
        let all: BTreeSet<u64> = self.slices.iter().flat_map(of).filter(|label| *label > 0).collect();
        all.into_iter().collect()
    }

    fn keys(&self) -> Vec<Key> {
        self.seen().into_iter().map(|label| Key { name: label.to_string(), colour: colours::label(label) }).collect()
    }
}

/// The slices asked for.
fn wanted(args: &Args, view: &View) -> Result<Vec<u64>> {
    let last = view.slices() - 1;
    if let Some(n) = args.montage {
        return Ok(view.evenly(n.get() as u64));
    }
    if let Some(mm) = args.mm {
        let position = |i: u64| view.position_mm(i);
        let (Some(a), Some(b)) = (position(0), position(last)) else {
            return Err(Error::usage("the position of this image is not known", "use --index"));
        };
        let nearest = (0..=last).min_by(|i, j| {
            let distance = |i: u64| position(i).map_or(f64::INFINITY, |p| (p - mm).abs());
            distance(*i).total_cmp(&distance(*j))
        });
        let step = if last > 0 { (b - a).abs() / last as f64 } else { 1.0 };
        if mm < a.min(b) - step || mm > a.max(b) + step {
            return Err(Error::usage(
                format!("{} mm lies outside of the volume", number(mm)),
                format!("give {} to {} mm", number(a.min(b)), number(a.max(b))),
            ));
        }
        return Ok(nearest.into_iter().collect());
    }
    let index = args.index.map_or(Ok(view.middle()), u64::try_from);
    let there = index.ok().filter(|index| *index <= last);
    let missing = || {
        let what = format!("there is no {} slice {}", view.plane().name(), args.index.unwrap_or_default());
        Error::usage(what, if last > 0 { format!("give 0 to {last}") } else { "give 0, the only one".into() })
    };
    Ok(vec![there.ok_or_else(missing)?])
}

/// Greys for the volume; who looks on at it sees its voxels on the way.
pub(super) fn shade(job: &mut Job<'_>, given: Option<Shade>, input: &Input<'_>) -> Result<Shade> {
    let header = input.header();
    let bytes = header.bytes();
    if let Some(shade) = given {
        job.pass("read", bytes, |run| pipelines::gather(input, run))?;
        return Ok(shade);
    }
    if input.is_exact() {
        let counted = job.pass("read", bytes, |run| Counted::of(input, &Region::default(), Bins::Following, run))?;
        return Ok(findings::shade(header, counted.statistics().as_ref()));
    }
    let floats = job.pass("read", bytes, |run| pipelines::float_statistics(input, None, run))?;
    Ok(findings::shade(header, floats.statistics.as_ref()))
}
