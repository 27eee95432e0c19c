//! What an equalisation did: figure and page, with statistics before and after.

use super::super::header::{HeaderFinding, shape};
use super::super::pictures::{greys, shade};
use super::super::rows::Rows;
use super::super::words::{count, number, number_among};
use super::super::{Note, PROGRAM, Provenance};
use super::MappingFinding;
use super::figure::{after, histogram};
use crate::Result;
use crate::analysis::statistics::{self, PERCENTILES, Statistics};
use crate::pipelines::Mapping;
use crate::report::html::MethodRow;
use crate::report::{self, Panel, Plot, Report, Shade, Slice, Svg, display_window, figure};
use crate::volume::{Dtype, Rescale, Rescales, Unit};

/// What an equalisation did.
#[derive(Debug, Clone)]
pub struct EqualizationFinding<'a> {
    /// The equalisation, decided on.
    pub mapping: &'a Mapping,
    /// Statistics of the voxels that count.
    pub before: Option<Statistics>,
    /// Of the same voxels by their levels.
    pub after: Option<Statistics>,
    /// The type asked for, if one was.
    pub to: Option<Dtype>,
}

impl<'a> EqualizationFinding<'a> {
    /// `floats` are the statistics of true floats, which need a pass of their own: figures do without them.
    pub fn new(mapping: &'a Mapping, to: Option<Dtype>, floats: Option<Statistics>) -> Self {
        let before = mapping.before().statistics().or(floats);
        let after = mapping.after().and_then(|counts| statistics::of(&[(Rescale::IDENTITY, &counts)]));
        Self { mapping, before, after, to }
    }

    /// What the reader should know before using the result.
    pub fn notes(&self) -> Vec<Note> {
        self.mapping.unchanged().then_some(Note::Unchanged).into_iter().collect()
    }

    /// Type and shape of the result, and what did not count.
    pub fn rows(&self, provenance: &Provenance) -> Rows {
        let (mapping, out) = (self.mapping, self.mapping.header());
        let mut rows = Rows::new();
        rows.key("shape", shape(out));
        rows.key("dtype", out.meaning.dtype.name());
        rows.key("count", mapping.counted());
        rows.key("padding", mapping.before().padding);
        rows.key("outside", mapping.outside());
        rows.key("unchanged", mapping.unchanged());
        rows.key("notes", provenance.notes(&self.notes()));
        rows.key("device", provenance.device.as_str());
        rows.key("events", provenance.events.as_slice());
        rows
    }

    /// One line: shape, type, voxels that counted, device.
    pub fn line(&self, provenance: &Provenance) -> String {
        MappingFinding { mapping: self.mapping }.line(provenance)
    }

    /// Original and equalised side by side, each with its histogram.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, title: &str, slices: &[Slice]) -> Result<Svg> {
        let mapping = self.mapping;
        let header = mapping.input();
        let mut panels = vec![Panel {
            title: "Original".into(),
            pictures: greys(header, slices, &header.meaning.rescale, &self.shade())?,
            plot: self.histogram_before().map(Plot::from),
            ..Panel::default()
        }];
        if let Some(counts) = mapping.after() {
            let out = mapping.header();
            let shade = Shade::over(out, 0.0, (out.meaning.dtype.values() - 1) as f64);
            let results: Vec<Slice> = slices.iter().map(|slice| after(mapping, slice)).collect();
            let levels = report::Histogram::of(&[(Rescale::IDENTITY, &counts)], Unit::Unknown);
            panels.push(Panel {
                title: format!("Equalised to {} levels", count(out.meaning.dtype.values() as u64)),
                pictures: greys(header, &results, &Rescales::Uniform(Rescale::IDENTITY), &shade)?,
                plot: Some(Plot::from(report::Histogram { unit: "level".into(), ..levels })),
                ..Panel::default()
            });
        }
        figure::side_by_side(title, &panels)
    }

    /// Without statistics (floats in a figure alone) the ends of the bins serve as well.
    fn shade(&self) -> Shade {
        let header = self.mapping.input();
        match (&self.before, &self.mapping.before().edges) {
            (None, Some(edges)) => {
                let (low, high) = (f64::from(edges.values()[0]), f64::from(edges.values()[edges.bins()]));
                Shade::new(header, display_window(header, low, high, low, high))
            }
            (statistics, _) => shade(header, statistics.as_ref()),
        }
    }

    fn histogram_before(&self) -> Option<report::Histogram> {
        let (before, header) = (self.mapping.before(), self.mapping.input());
        if before.edges.is_some() {
            return Some(histogram(&before.values, |v| v, "value"));
        }
        (!before.groups.is_empty()).then(|| report::Histogram::of(&before.pairs(), header.meaning.unit))
    }

    /// Figure, statistics and method as one page.
    ///
    /// # Errors
    /// As [`EqualizationFinding::figure`].
    pub fn page(&self, slices: &[Slice], provenance: &Provenance) -> Result<Report> {
        let (mapping, input) = (self.mapping, self.mapping.input());
        let levels = if mapping.unchanged() { self.to.unwrap_or(Dtype::U16) } else { mapping.header().meaning.dtype }.values();
        let voxels = format!(
            "{} of {} counted; {} padding; {} outside of the range.",
            count(mapping.counted()),
            count(input.grid.shape.voxels()),
            count(mapping.before().padding),
            count(mapping.outside())
        );
        let burnt = "Text may be burnt into the pixels: look before sharing.".to_owned();
        Ok(Report {
            title: "Histogram equalisation".into(),
            summary: HeaderFinding { header: input }.line(),
            figures: vec![(String::new(), self.figure("", slices)?)],
            columns: vec!["original".into(), "equalised".into()],
            statistics: self.statistics(),
            method: vec![
                MethodRow::code("Command", provenance.command.as_str()),
                MethodRow::code("Formula", format!("level(v) = round((cdf(v) - cdf_min) * {} / (n - cdf_min))", levels - 1)),
                MethodRow::text("Method", self.method()),
                MethodRow::text("Voxels", voxels),
                MethodRow::text(
                    "Device",
                    format!("{}. The result is the same, bit for bit, on every device.", provenance.device),
                ),
            ],
            warnings: input.origin.may_show_text().then_some(burnt).into_iter().collect(),
            notes: input.origin.notes.iter().chain(&provenance.events).cloned().collect(),
            program: PROGRAM.into(),
        })
    }

    fn method(&self) -> String {
        if self.mapping.unchanged() {
            return "Fewer than two distinct values take part: the image is unchanged.".into();
        }
        let Some(edges) = &self.mapping.before().edges else {
            return "One bin for each stored value. The quotient is computed as an exact fraction and rounded once, ties to even; it is OpenCV's equalizeHist, generalised to 16 bits.".into();
        };
        format!(
            "Voxels are counted in {} bins that follow them, between {} and {} (stored values); the rule above is applied to the bins.",
            edges.bins(),
            edges.values()[0],
            edges.values()[edges.bins()]
        )
    }

    fn statistics(&self) -> Vec<(String, Vec<String>)> {
        let unit = self.mapping.input().meaning.unit.symbol();
        let both = |f: &dyn Fn(&Statistics) -> String| {
            [&self.before, &self.after].map(|s| s.as_ref().map_or_else(|| "-".to_owned(), f)).to_vec()
        };
        let real = |name: &str| if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit}; level)") };
        let mut rows = vec![
            ("voxels".to_owned(), both(&|s| count(s.count))),
            (real("minimum"), both(&|s| number_among(s.min, s.max - s.min))),
            (real("maximum"), both(&|s| number_among(s.max, s.max - s.min))),
            (real("mean"), both(&|s| number_among(s.mean, s.max - s.min))),
            (real("median"), both(&|s| number_among(s.median, s.max - s.min))),
            (real("standard deviation"), both(&|s| number(s.std))),
        ];
        for (i, p) in PERCENTILES.iter().enumerate() {
            rows.push((real(&format!("percentile {p}")), both(&|s| number_among(s.percentiles[i], s.max - s.min))));
        }
        rows.push(("entropy (bits)".into(), both(&|s| s.entropy_bits.map_or("-".into(), number))));
        rows
    }
}
