//! `hounsfield equalize`: count, decide, write; and show what it did.

use std::path::PathBuf;

use hounsfield::Result;
use hounsfield::analysis::statistics::{self, PERCENTILES, Statistics};
use hounsfield::io::output::{Staged, Target};
use hounsfield::pipelines::{self, Mapping, Pointwise};
use hounsfield::report::html::Step;
use hounsfield::report::{self, Panel, Picture, Plot, Report, Shade, Slice, Svg, View, display_window, figure, html};
use hounsfield::volume::{Dtype, Rescale, Rescales, Unit};
use serde_json::json;

use super::pointwise::mapped;
use crate::args::{FileArgs, RegionArgs, Shared, parse};
use crate::job::{self, Job};
use crate::text::{by, count, number, print, print_json};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .png, .tif
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Equalise real values from LO to HI; below becomes 0, above the largest level
    #[arg(long, value_name = "LO:HI", value_parser = parse::range, allow_hyphen_values = true)]
    pub range: Option<(f64, f64)>,
    /// Bits of the output [default: 8 for 8-bit input, else 16]
    #[arg(long, value_name = "BITS", value_parser = parse::depth())]
    pub depth: Option<Dtype>,
    /// Original and equalised side by side, with histogram and cumulative curve: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// The same with statistics and method as one HTML file
    #[arg(long, value_name = "R.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub region: RegionArgs,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    // Every output is checked before the first voxel is read.
    let mut job = Job::new(shared, &args.input, &args.region.mask)?;
    let image = job.output(&args.output)?;
    let figure_file = job.figure(args.figure.as_deref())?;
    let report_file = job.maybe(args.report.as_deref())?;

    let input = job.resolve()?;
    let header = input.header().clone();
    let mask = job.mask(&args.region, &header)?;
    let input = input.masked(mask);
    job.device()?;
    let picker = job::middles(figure_file.is_some() || report_file.is_some(), &header)?;
    let float_statistics = if report_file.is_some() && !input.is_exact() {
        let range = args.region.r#where;
        job.pass("statistics", header.bytes(), |run| pipelines::float_statistics(&input, range, run))?.statistics
    } else {
        None
    };

    let work = Pointwise::equalize(args.depth, args.range, job::region(&args.region));
    let observed = input.observed(picker.as_ref().map(|p| p as _));
    let equalization = job.pass("count", header.bytes(), |run| Mapping::new(&observed, &work, run))?;
    drop(observed);
    if equalization.unchanged() {
        job.warn("fewer than two values take part: the image is written unchanged");
    }
    job.write((&image, equalization.header()), header.bytes(), |sink, run| equalization.write(sink, run))?;
    let device = job.device()?.name().to_owned();
    if let Some(picker) = picker {
        let shown = Shown::new(&equalization, picker.finish(), float_statistics);
        if let Some(file) = &figure_file {
            job.draw(file, &shown.figure("Histogram equalisation")?)?;
        }
        if let Some(file) = &report_file {
            job.stage(shown.report(args, file, &device, &job.events)?);
        }
    }
    job.publish()?;

    let counted = equalization.counted();
    let out = equalization.header();
    if shared.json {
        return print_json(&json!({
            "output": image.path(),
            "figure": figure_file.as_ref().map(Target::path),
            "report": report_file.as_ref().map(Target::path),
            "shape": out.grid.shape.axes(),
            "dtype": out.meaning.dtype.name(),
            "count": counted,
            "padding": equalization.before().padding,
            "outside": equalization.before().outside,
            "unchanged": equalization.unchanged(),
            "device": device,
            "events": job.events,
        }));
    }
    let mut text = format!(
        "{}: {} {}, {} voxels counted, on {}\n",
        image.path().display(),
        out.grid.shape,
        out.meaning.dtype,
        count(counted),
        device
    );
    for file in figure_file.iter().chain(&report_file) {
        text += &format!("{}\n", file.path().display());
    }
    print(&text)
}

/// What figure and report show.
struct Shown<'a> {
    equalization: &'a Mapping,
    slices: Vec<Slice>,
    before: Option<Statistics>,
    after: Option<Statistics>,
}

impl<'a> Shown<'a> {
    fn new(equalization: &'a Mapping, slices: Vec<Slice>, float_statistics: Option<Statistics>) -> Self {
        let before = equalization.before().statistics().or(float_statistics);
        let after = equalization.after().and_then(|counts| statistics::of(&[(Rescale::IDENTITY, &counts)]));
        Self { equalization, slices, before, after }
    }

    fn figure(&self, title: &str) -> Result<Svg> {
        let e = self.equalization;
        let header = e.input();
        let view = |slice: &Slice| View::new(header, slice.view.plane()).caption(slice.index);

        // Without statistics (floats in a figure alone) the ends of the bins serve as well.
        let ends =
            e.before().edges.as_ref().map_or((0.0, 1.0), |all| (f64::from(all.values()[0]), f64::from(all.values()[all.bins()])));
        let (low, high, min, max) =
            self.before.as_ref().map_or((ends.0, ends.1, ends.0, ends.1), |s| (s.percentiles[0], s.percentiles[5], s.min, s.max));
        let shade = Shade::new(header, display_window(header, low, high, min, max));
        let original: Vec<Picture> = self
            .slices
            .iter()
            .map(|s| Ok(Picture::grey(s, &header.meaning.rescale, &shade)?.captioned(view(s))))
            .collect::<Result<_>>()?;
        let mut panels = vec![Panel {
            title: "Original".into(),
            pictures: original,
            plot: self.histogram_before().map(Plot::from),
            ..Panel::default()
        }];
        if let Some(counts) = e.after() {
            let out = e.header();
            let shade = Shade::over(out, 0.0, (out.meaning.dtype.values() - 1) as f64);
            let identity = Rescales::Uniform(Rescale::IDENTITY);
            let equalized: Vec<Picture> = self
                .slices
                .iter()
                .map(|s| Ok(Picture::grey(&mapped(e, s), &identity, &shade)?.captioned(view(s))))
                .collect::<Result<_>>()?;
            panels.push(Panel {
                title: format!("Equalised to {} levels", count(out.meaning.dtype.values() as u64)),
                pictures: equalized,
                plot: Some(Plot::from(report::Histogram {
                    unit: "level".into(),
                    ..report::Histogram::of(&[(Rescale::IDENTITY, &counts)], Unit::Unknown)
                })),
                ..Panel::default()
            });
        }
        figure::side_by_side(title, &panels)
    }

    fn histogram_before(&self) -> Option<report::Histogram> {
        let (before, header) = (self.equalization.before(), self.equalization.input());
        if before.edges.is_some() {
            return Some(super::pointwise::histogram(&before.values, |v| v, "value"));
        }
        (!before.groups.is_empty()).then(|| report::Histogram::of(&before.pairs(), header.meaning.unit))
    }

    fn report(&self, args: &Args, file: &Target, device: &str, events: &[String]) -> Result<Staged> {
        let e = self.equalization;
        let (input, out) = (e.input(), e.header());
        let counted = e.counted();
        let mut facts = vec![
            input.origin.format.clone(),
            input.grid.shape.to_string(),
            input.origin.file_dtype.unwrap_or(input.meaning.dtype).to_string(),
        ];
        facts.extend(input.origin.modality.clone());
        facts.extend(input.grid.geometry.as_ref().map(|g| format!("{} mm", by(g.spacing_mm))));

        // Paths are left out: file names can hold names of people.
        let mut line = "hounsfield equalize INPUT -o OUTPUT".to_owned();
        let ranged = |(low, high): (f64, f64)| format!("{}:{}", number(low), number(high));
        for (flag, value) in [
            ("--range", args.range.map(ranged)),
            ("--where", args.region.r#where.map(ranged)),
            ("--mask", args.region.mask.as_ref().map(|_| "MASK".into())),
            ("--label", args.region.label.map(number)),
            ("--depth", args.depth.map(|d| (8 * d.bytes()).to_string())),
        ] {
            if let Some(value) = value {
                line += &format!(" {flag} {value}");
            }
        }
        let levels = if e.unchanged() { args.depth.unwrap_or(Dtype::U16) } else { out.meaning.dtype }.values();
        let method = if e.unchanged() {
            "Fewer than two distinct values take part: the image is unchanged.".to_owned()
        } else if let Some(edges) = &e.before().edges {
            format!(
                "Voxels are counted in {} bins that follow them, between {} and {} (stored values); the rule above is applied to the bins.",
                edges.bins(),
                edges.values()[0],
                edges.values()[edges.bins()]
            )
        } else {
            "One bin for each stored value. The quotient is computed as an exact fraction and rounded once, ties to even; it is OpenCV's equalizeHist, generalised to 16 bits.".to_owned()
        };
        let report = Report {
            title: "Histogram equalisation".into(),
            summary: facts.join(", "),
            figures: vec![(String::new(), self.figure("")?)],
            columns: vec!["original".into(), "equalised".into()],
            statistics: self.statistics(input.meaning.unit.symbol()),
            method: vec![
                Step::code("Command", line),
                Step::code("Formula", format!("level(v) = round((cdf(v) - cdf_min) * {} / (n - cdf_min))", levels - 1)),
                Step::text("Method", method),
                Step::text(
                    "Voxels",
                    format!(
                        "{} of {} counted; {} padding; {} outside of the range.",
                        count(counted),
                        count(input.grid.shape.voxels()),
                        count(e.before().padding),
                        count(e.before().outside)
                    ),
                ),
                Step::text("Device", format!("{}. The result is the same, bit for bit, on every device.", device)),
            ],
            warnings: input
                .origin
                .burned_in_text
                .then(|| "Text may be burnt into the pixels: look before sharing.".into())
                .into_iter()
                .collect(),
            notes: input.origin.notes.iter().chain(events).cloned().collect(),
            program: concat!("hounsfield ", env!("CARGO_PKG_VERSION")).into(),
        };
        file.stage_bytes(html::render(&report)?.as_bytes())
    }

    fn statistics(&self, unit: &str) -> Vec<(String, Vec<String>)> {
        let both = |f: &dyn Fn(&Statistics) -> String| {
            [&self.before, &self.after].map(|s| s.as_ref().map_or_else(|| "-".to_owned(), f)).to_vec()
        };
        let real = |name: &str| if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit}; level)") };
        let mut rows = vec![
            ("voxels".to_owned(), both(&|s| count(s.count))),
            (real("minimum"), both(&|s| number(s.min))),
            (real("maximum"), both(&|s| number(s.max))),
            (real("mean"), both(&|s| number(s.mean))),
            (real("median"), both(&|s| number(s.median))),
            (real("standard deviation"), both(&|s| number(s.std))),
        ];
        for (i, p) in PERCENTILES.iter().enumerate() {
            rows.push((real(&format!("percentile {p}")), both(&|s| number(s.percentiles[i]))));
        }
        rows.push(("entropy (bits)".into(), both(&|s| s.entropy_bits.map_or("-".into(), number))));
        rows
    }
}
