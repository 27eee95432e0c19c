//! Image, image without the gain, classes and gain side by side; histogram with bells; changes by round.

use super::super::pictures::{colours, greys, own_greys};
use super::TissueFinding;
use crate::Result;
use crate::analysis::mixture::Gaussian;
use crate::report::colours::label;
use crate::report::{Curve, Histogram, HistogramPlot, Key, LinePlot, Panel, PlotLine, Slice, Svg, figure};
use crate::volume::{Dtype, Header};

/// The same slices of all that a figure shows.
#[derive(Debug)]
pub struct TissueSlices {
    /// Of the image.
    pub image: Vec<Slice>,
    /// Of the image without the gain, float32.
    pub corrected: Vec<Slice>,
    /// Of the labels.
    pub labels: Vec<Slice>,
    /// Of the gain, float32.
    pub field: Vec<Slice>,
}

impl TissueFinding<'_> {
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, title: &str, slices: &TissueSlices) -> Result<Svg> {
        let header = self.tissue.input();
        let floats = header.derived(Dtype::F32);
        let of = |header: &Header, slices: &[Slice]| {
            let shade = own_greys(header, slices);
            greys(header, slices, &header.meaning.rescale, &shade)
        };
        let keys = (0..self.tissue.classes().len()).map(|i| Key { name: self.name(i), colour: label(i as u64 + 1) });
        let changes = self.tissue.rounds().iter().enumerate().skip(1);
        let percent = |changed: u64| 100.0 * changed as f64 / self.tissue.voxels() as f64;
        let changed = PlotLine {
            name: "voxels whose label changed".into(),
            points: changes.map(|(i, round)| (i as f64 + 1.0, percent(round.changed))).collect(),
        };
        let sweeps = LinePlot { across: "sweep".into(), up: "% of voxels".into(), lines: vec![changed] };
        let mut panels = vec![Panel { title: "Image".into(), pictures: of(header, &slices.image)?, ..Panel::default() }];
        if self.tissue.options().bias_width_mm.is_some() {
            panels.push(Panel {
                title: "Without the gain".into(),
                pictures: of(&floats, &slices.corrected)?,
                ..Panel::default()
            });
            let title = self.gain_line();
            panels.push(Panel {
                title: title[..1].to_uppercase() + &title[1..],
                pictures: of(&floats, &slices.field)?,
                ..Panel::default()
            });
        }
        let last = panels.len();
        panels.push(Panel {
            title: "Classes".into(),
            pictures: colours(header, &slices.labels)?,
            keys: keys.collect(),
            ..Panel::default()
        });
        panels[last].plot = Some(sweeps.into());
        panels[last.min(1) * usize::from(last > 1)].plot = Some(self.histogram().into());
        figure::side_by_side(title, &panels)
    }

    /// Values without the gain, and the classes' bells.
    fn histogram(&self) -> HistogramPlot {
        let (header, tissue) = (self.tissue.input(), self.tissue);
        let values = tissue
            .histogram()
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(level, n)| (tissue.real(0, level as f64), *n))
            .collect();
        let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
        let curve = |(i, class): (usize, &crate::analysis::tissue::TissueClass)| {
            let (mean, std) = (tissue.real(0, class.mean), tissue.real_std(0, class.std));
            let bell = Gaussian { mean: vec![mean], covariance: vec![std * std], weight: class.share }.marginal(0);
            let points = (-100..=100).map(|p| mean + 4.0 * std * f64::from(p) / 100.0).map(|x| (x, bell.density(x)));
            Curve { name: self.name(i), colour: label(i as u64 + 1), points: points.collect() }
        };
        let histogram = Histogram { values, step: tissue.real_std(0, 1.0), unit: unit.into() };
        HistogramPlot { curves: tissue.classes().iter().enumerate().map(curve).collect(), ..histogram.into() }
    }
}
