//! Figure and report of a segmentation.

use hounsfield::Result;
use hounsfield::analysis::statistics::Quantiles;
use hounsfield::io::output::{Staged, Target};
use hounsfield::report::colours::{self, Rgb};
use hounsfield::report::html::{self, Step};
use hounsfield::report::{
    Curve, Histogram, Key, Marker, Panel, Picture, Plot, Report, Shade, Slice, Svg, View, display_window, figure,
};

use super::Args;
use super::words::Words;
use crate::text::{by, count, number};

/// The curve of all classes together.
const SUM: Rgb = [40, 40, 40];

pub struct Shown<'a> {
    args: &'a Args,
    words: &'a Words<'a>,
    original: Vec<Slice>,
    labels: Vec<Slice>,
}

impl<'a> Shown<'a> {
    pub fn new(args: &'a Args, words: &'a Words<'a>, original: Vec<Slice>, labels: Vec<Slice>) -> Self {
        Self { args, words, original, labels }
    }

    pub fn figure(&self, title: &str) -> Result<Svg> {
        let segmentation = self.words.segmentation;
        let header = segmentation.input();
        let caption = |slice: &Slice| View::new(header, slice.view.plane()).caption(slice.index);
        let (values, step) = segmentation.values();
        let quantiles = Quantiles::new(values);
        let (low, high) = (quantiles.percentile(1.0), quantiles.percentile(99.0));
        let (min, max) = (values[0].0, values[values.len() - 1].0);
        let shade = Shade::new(header, display_window(header, low, high, min, max));
        let original = self
            .original
            .iter()
            .map(|s| Ok(Picture::grey(s, &header.meaning.rescale, &shade)?.captioned(caption(s))))
            .collect::<Result<_>>()?;
        let classes = self
            .labels
            .iter()
            .map(|s| Ok(Picture::coloured(s, |label| colours::label(label as u64))?.captioned(caption(s))))
            .collect::<Result<_>>()?;
        let keys =
            self.words.classes.iter().map(|c| Key { name: c.name.clone(), colour: colours::label(c.label as u64) }).collect();
        let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
        let histogram = Histogram { values: values.to_vec(), step, unit: unit.into() };
        let fitted = Some(Plot { curves: self.curves(values), ..Plot::from(histogram.clone()) });
        let parted = segmentation.spans().map(|_| Plot { markers: self.markers(), ..Plot::from(histogram) });
        figure::side_by_side(
            title,
            &[
                Panel { title: "Original".into(), pictures: original, plot: fitted, ..Panel::default() },
                Panel { title: "Classes".into(), pictures: classes, keys, plot: parted },
            ],
        )
    }

    /// The weighted densities of the first channel, and their sum.
    fn curves(&self, values: &[(f64, u64)]) -> Vec<Curve> {
        const POINTS: usize = 600;
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return Vec::new() };
        let at = |i: usize| first.0 + (last.0 - first.0) * i as f64 / POINTS as f64;
        let bells: Vec<_> = self.words.classes.iter().map(|c| c.gaussian.marginal(0)).collect();
        let curve = |name: String, colour, density: &dyn Fn(f64) -> f64| Curve {
            name,
            colour,
            points: (0..=POINTS).map(|i| (at(i), density(at(i)))).collect(),
        };
        let mut all = Vec::new();
        for (class, bell) in self.words.classes.iter().zip(&bells) {
            all.push(curve(class.name.clone(), colours::label(class.label as u64), &|x| bell.density(x)));
        }
        if bells.len() > 1 {
            all.push(curve("sum".into(), SUM, &|x| bells.iter().map(|b| b.density(x)).sum()));
        }
        all
    }

    /// Where one class ends and the next begins.
    fn markers(&self) -> Vec<Marker> {
        let runs = self.words.segmentation.spans().unwrap_or_default();
        let starts = runs.iter().skip(1);
        starts
            .map(|run| {
                let label = u64::from(run.label);
                let name = &self.words.classes[usize::from(run.label) - 1].name;
                Marker { at: run.from, name: format!("{name} from {}", number(run.from)), colour: dark(colours::label(label)) }
            })
            .collect()
    }

    pub fn report(&self, file: &Target) -> Result<Staged> {
        let (words, segmentation) = (self.words, self.words.segmentation);
        let input = segmentation.input();
        let fit = &segmentation.mixture().fit;
        let mut facts = vec![
            input.origin.format.clone(),
            input.grid.shape.to_string(),
            input.origin.file_dtype.unwrap_or(input.meaning.dtype).to_string(),
        ];
        facts.extend(input.origin.modality.clone());
        facts.extend(input.grid.geometry.as_ref().map(|g| format!("{} mm", by(g.spacing_mm))));
        let row = |name: &str, value: &dyn Fn(&super::words::Class<'_>) -> String| {
            (name.to_owned(), words.classes.iter().map(value).collect::<Vec<_>>())
        };
        let each = |values: &dyn Fn(usize) -> f64, n: usize| (0..n).map(|a| number(values(a))).collect::<Vec<_>>().join(", ");
        let mut statistics = vec![
            row("mean", &|c| each(&|a| c.gaussian.mean[a], c.gaussian.mean.len())),
            row("standard deviation", &|c| each(&|a| c.gaussian.std(a), c.gaussian.mean.len())),
            row("weight", &|c| format!("{:.5}", c.gaussian.weight)),
            row("voxels", &|c| count(c.voxels)),
            row(if words.size.key == "ml" { "volume (mL)" } else { "area (mm²)" }, &|c| {
                c.size.map_or("-".into(), |size| format!("{size:.3}"))
            }),
        ];
        if words.classes.iter().any(|c| c.overlap.is_some()) {
            statistics.push(row("Dice", &|c| c.overlap.map_or("-".into(), |o| format!("{:.4}", o.dice()))));
            statistics.push(row("IoU", &|c| c.overlap.map_or("-".into(), |o| format!("{:.4}", o.iou()))));
        }
        let method = match words.method() {
            "exact" => {
                "EM over (value, count) pairs, which is EM over the voxels, in 64-bit numbers. The label of a voxel is the class of most posterior probability."
            }
            _ => {
                "EM over the voxels: responsibilities in 32-bit numbers, sums in 64. The label of a voxel is the class of most posterior probability."
            }
        };
        let report = Report {
            title: "Gaussian mixture".into(),
            summary: facts.join(", "),
            figures: vec![(String::new(), self.figure("")?)],
            columns: words.classes.iter().map(|c| c.name.clone()).collect(),
            statistics,
            method: vec![
                // Paths are left out: file names can hold names of people.
                Step::code("Command", self.line()),
                Step::code("Formula", "p(j | x) = w_j N(x; m_j, C_j) / sum over i of w_i N(x; m_i, C_i)"),
                Step::text("Method", method),
                Step::text(
                    "Fit",
                    format!(
                        "Mean log-likelihood {:.7} over {} voxels after {} iterations ({}); BIC {:.2}, AIC {:.2}.",
                        fit.log_likelihood,
                        count(fit.count),
                        fit.iterations,
                        if fit.converged { "converged" } else { "not converged" },
                        fit.bic(),
                        fit.aic()
                    ),
                ),
                Step::text("Device", words.device.clone()),
            ],
            warnings: words.notes(),
            notes: input.origin.notes.iter().chain(&words.events).cloned().collect(),
            program: concat!("hounsfield ", env!("CARGO_PKG_VERSION")).into(),
        };
        file.stage_bytes(html::render(&report)?.as_bytes())
    }

    fn line(&self) -> String {
        let c = self.args;
        let mut line = format!("hounsfield segment INPUT -k {} -o OUTPUT", c.classes);
        let range = c.region.r#where.map(|(low, high)| format!("{}:{}", number(low), number(high)));
        for (flag, value) in [
            ("--where", range),
            ("--mask", c.region.mask.as_ref().map(|_| "MASK".into())),
            ("--label", c.region.label.map(number)),
            ("--max-iter", c.max_iter.map(|n| n.to_string())),
            ("--tol", c.tol.map(number)),
            ("--truth", c.truth.as_ref().map(|_| "LABELS".into())),
        ] {
            if let Some(value) = value {
                line += &format!(" {flag} {value}");
            }
        }
        line += &" --channel FILE".repeat(c.channel.len());
        if c.monotone {
            line += " --monotone";
        }
        line
    }
}

/// Dark enough to be read on white.
fn dark(colour: Rgb) -> Rgb {
    colour.map(|c| (u16::from(c) * 7 / 10) as u8)
}
