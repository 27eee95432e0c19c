//! `hounsfield equalize`: count, decide, write; and show what it did.

use hounsfield::Result;
use hounsfield::analysis::statistics::{self, PERCENTILES, Statistics};
use hounsfield::io::output::{self, Target};
use hounsfield::io::{self, WriteOptions};
use hounsfield::pipelines::{self, Device, Equalization, Resolved};
use hounsfield::report::html::Step;
use hounsfield::report::{self, Panel, Picker, Picture, Plot, Report, Shade, Slice, Svg, View, display_window, figure, html};
use hounsfield::volume::{Dtype, Rescale, Rescales, Unit};
use serde_json::json;

use crate::args::{Depth, Equalize, Shared};
use crate::progress::Progress;
use crate::text::{by, count, number, print, print_json};
use crate::{job, picture};

pub fn run(shared: &Shared, command: &Equalize) -> Result<()> {
    // Every output is checked before the first voxel is read.
    let mut targets = job::targets(shared, &command.input, Some(&command.region), [])?;
    let image = targets.add(&command.output)?;
    let figure_file = command.figure.as_deref().map(|path| targets.add(path)).transpose()?;
    let report_file = command.report.as_deref().map(|path| targets.add(path)).transpose()?;
    figure_file.as_ref().map(picture::check).transpose()?;

    let input = job::resolve(shared, &command.input)?.as_float32();
    let header = input.header().clone();
    let mask = job::mask(&command.region, &header)?;
    let device = job::device(shared)?;
    let picker = match figure_file.is_some() || report_file.is_some() {
        true => Some(Picker::middles(&header)?),
        false => None,
    };
    let float_statistics = match (&input, &report_file) {
        (Resolved::Floats(source, _), Some(_)) => {
            let watch = Progress::new(shared, "statistics", header.bytes());
            let range = command.region.r#where;
            let found = pipelines::float_statistics(source.as_ref(), mask.as_ref(), range, None, &watch)?;
            watch.finish();
            found.statistics
        }
        _ => None,
    };

    let job = pipelines::Equalize {
        to: command.depth.map(|d| match d {
            Depth::Eight => Dtype::U8,
            Depth::Sixteen => Dtype::U16,
        }),
        range: command.range,
        region: job::region(&command.region),
    };
    let observer = |at: u64, bytes: &[u8]| picker.iter().for_each(|p| p.take(at, bytes));
    let watch = Progress::new(shared, "count", header.bytes());
    let equalization = Equalization::new(input, mask.as_ref(), &job, &device, Some(&observer), &watch)?;
    let mut events = watch.finish();
    if equalization.unchanged() {
        job::warn(shared, "fewer than two values take part: the image is written unchanged");
    }

    let sink = io::create(&image, equalization.header(), &WriteOptions::default())?;
    let watch = Progress::new(shared, "write", header.bytes());
    equalization.write(sink.as_ref(), &device, &watch)?;
    events.extend(watch.finish());
    let mut staged = vec![sink.finish()?];
    if let Some(picker) = picker {
        let shown = Shown::new(&equalization, picker.finish(), float_statistics);
        if let Some(file) = &figure_file {
            staged.push(picture::stage(file, &shown.figure("Histogram equalisation")?, None)?);
        }
        if let Some(file) = &report_file {
            staged.push(shown.report(command, file, &device, &events)?);
        }
    }
    output::publish(staged)?;

    let counted = equalization.counted();
    let out = equalization.header();
    if shared.json {
        return print_json(&json!({
            "output": image.path(),
            "figure": figure_file.as_ref().map(Target::path),
            "report": report_file.as_ref().map(Target::path),
            "shape": out.shape.axes(),
            "dtype": out.dtype.name(),
            "count": counted,
            "padding": equalization.before().padding,
            "outside": equalization.before().outside,
            "unchanged": equalization.unchanged(),
            "device": device.name(),
            "events": events,
        }));
    }
    let mut text = format!(
        "{}: {} {}, {} voxels counted, on {}\n",
        image.path().display(),
        out.shape,
        out.dtype,
        count(counted),
        device.name()
    );
    for file in figure_file.iter().chain(&report_file) {
        text += &format!("{}\n", file.path().display());
    }
    print(&text)
}

/// What figure and report show.
struct Shown<'a> {
    equalization: &'a Equalization,
    slices: Vec<Slice>,
    before: Option<Statistics>,
    after: Option<Statistics>,
}

impl<'a> Shown<'a> {
    fn new(equalization: &'a Equalization, slices: Vec<Slice>, float_statistics: Option<Statistics>) -> Self {
        let groups: Vec<(Rescale, _)> = equalization.before().groups.iter().map(|g| (g.rescale, &g.counts)).collect();
        let before = if equalization.edges().is_some() { float_statistics } else { statistics::of(&groups) };
        let after = equalization.after().and_then(|counts| statistics::of(&[(Rescale::IDENTITY, &counts)]));
        Self { equalization, slices, before, after }
    }

    fn figure(&self, title: &str) -> Result<Svg> {
        let e = self.equalization;
        let header = e.input();
        let view = |slice: &Slice| View::new(header, slice.view.plane()).caption(slice.index);

        // Without statistics (floats in a figure alone) the ends of the bins serve as well.
        let ends = e.edges().map_or((0.0, 1.0), |edges| (f64::from(edges.values()[0]), f64::from(edges.values()[edges.bins()])));
        let (low, high, min, max) =
            self.before.as_ref().map_or((ends.0, ends.1, ends.0, ends.1), |s| (s.percentiles[0], s.percentiles[5], s.min, s.max));
        let shade = Shade::new(header, display_window(header, low, high, min, max));
        let original: Vec<Picture> = self
            .slices
            .iter()
            .map(|s| Ok(Picture::grey(s, &header.rescale, &shade)?.captioned(view(s))))
            .collect::<Result<_>>()?;
        let mut panels = vec![Panel {
            title: "Original".into(),
            pictures: original,
            plot: self.histogram_before().map(Plot::from),
            ..Panel::default()
        }];
        if let Some(counts) = e.after() {
            let out = e.header();
            let shade = Shade::over(out, 0.0, (out.dtype.values() - 1) as f64);
            let identity = Rescales::Uniform(Rescale::IDENTITY);
            let equalized: Vec<Picture> = self
                .slices
                .iter()
                .map(|s| Ok(Picture::grey(&self.equalized(s), &identity, &shade)?.captioned(view(s))))
                .collect::<Result<_>>()?;
            panels.push(Panel {
                title: format!("Equalised to {} levels", count(out.dtype.values() as u64)),
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
        let (e, header) = (self.equalization, self.equalization.input());
        let groups: Vec<(Rescale, _)> = e.before().groups.iter().map(|g| (g.rescale, &g.counts)).collect();
        let Some(edges) = e.edges() else { return (!groups.is_empty()).then(|| report::Histogram::of(&groups, header.unit)) };
        let (rescale, counts) = groups.first()?;
        let mut values: Vec<(f64, u64)> = edges
            .values()
            .windows(2)
            .zip(&counts.bins)
            .filter(|(_, n)| **n > 0)
            .map(|(ends, n)| (rescale.real(f64::midpoint(f64::from(ends[0]), f64::from(ends[1]))), *n))
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let span = f64::from(edges.values()[edges.bins()]) - f64::from(edges.values()[0]);
        let step = (span / edges.bins() as f64 * rescale.slope).abs();
        Some(report::Histogram { values, step, unit: "value".into() })
    }

    /// A picked slice after equalisation: the same tables, so the same voxels as in the output.
    fn equalized(&self, slice: &Slice) -> Slice {
        let dtype = self.equalization.header().dtype;
        let slices = self.equalization.input().shape.axis(2);
        let mut bytes = Vec::with_capacity((slice.width() * slice.height()) as usize * dtype.bytes());
        for v in 0..slice.height() {
            for u in 0..slice.width() {
                let z = slice.view.voxel(slice.index, u, v)[2];
                let level = self.equalization.level(slice.volume * slices + z, slice.stored(u, v)) as u16;
                bytes.extend_from_slice(&level.to_le_bytes()[..dtype.bytes()]);
            }
        }
        Slice { dtype, bytes, ..slice.clone() }
    }

    fn report(&self, command: &Equalize, file: &Target, device: &Device, events: &[String]) -> Result<output::Staged> {
        let e = self.equalization;
        let (input, out) = (e.input(), e.header());
        let counted = e.counted();
        let mut facts = vec![
            input.origin.format.clone(),
            input.shape.to_string(),
            input.origin.file_dtype.unwrap_or(input.dtype).to_string(),
        ];
        facts.extend(input.modality.clone());
        facts.extend(input.geometry.as_ref().map(|g| format!("{} mm", by(g.spacing_mm))));

        // Paths are left out: file names can hold names of people.
        let mut line = "hounsfield equalize INPUT -o OUTPUT".to_owned();
        let ranged = |(low, high): (f64, f64)| format!("{}:{}", number(low), number(high));
        for (flag, value) in [
            ("--range", command.range.map(ranged)),
            ("--where", command.region.r#where.map(ranged)),
            ("--mask", command.region.mask.as_ref().map(|_| "MASK".into())),
            ("--label", command.region.label.map(number)),
            ("--depth", command.depth.map(|d| if matches!(d, Depth::Eight) { "8".into() } else { "16".into() })),
        ] {
            if let Some(value) = value {
                line += &format!(" {flag} {value}");
            }
        }
        let levels = out.dtype.values();
        let method = if e.unchanged() {
            "Fewer than two distinct values take part: the image is unchanged.".to_owned()
        } else if let Some(edges) = e.edges() {
            format!(
                "Voxels are counted in {} bins of equal width between {} and {} (stored values); the rule above is applied to the bins.",
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
            statistics: self.statistics(input.unit.symbol()),
            method: vec![
                Step::code("Command", line),
                Step::code("Formula", format!("level(v) = round((cdf(v) - cdf_min) * {} / (n - cdf_min))", levels - 1)),
                Step::text("Method", method),
                Step::text(
                    "Voxels",
                    format!(
                        "{} of {} counted; {} padding; {} outside of the range.",
                        count(counted),
                        count(input.shape.voxels()),
                        count(e.before().padding),
                        count(e.before().outside)
                    ),
                ),
                Step::text("Device", format!("{}. The result is the same, bit for bit, on every device.", device.name())),
            ],
            warnings: input
                .origin
                .burned_in_text
                .then(|| "Text may be burnt into the pixels: look before sharing.".into())
                .into_iter()
                .collect(),
            notes: input.notes.iter().chain(events).cloned().collect(),
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
