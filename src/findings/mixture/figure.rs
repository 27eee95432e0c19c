//! Original and classes side by side; the histogram with the fitted bells, and where the classes part.

use super::super::pictures::{colours, greys};
use super::super::words::number_among;
use super::MixtureFinding;
use crate::Result;
use crate::analysis::statistics::Quantiles;
use crate::report::colours::{Rgb, label};
use crate::report::{Curve, Histogram, HistogramPlot, Key, Marker, Panel, Shade, Slice, Svg, display_window, figure};

/// The curve of all classes together.
const SUM: Rgb = [40, 40, 40];

impl MixtureFinding<'_> {
    /// Original and classes side by side, from the same slices of the first channel and of the labels.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, title: &str, original: &[Slice], labels: &[Slice]) -> Result<Svg> {
        let header = self.segmentation.input();
        let (values, step) = self.segmentation.values();
        let quantiles = Quantiles::new(values);
        let (low, high) = (quantiles.percentile(1.0), quantiles.percentile(99.0));
        let (min, max) = values.first().zip(values.last()).map_or((0.0, 1.0), |(first, last)| (first.0, last.0));
        let shade = Shade::new(header, display_window(header, low, high, min, max));
        let keys = self.classes.iter().map(|c| Key { name: c.name.clone(), colour: label(c.label as u64) }).collect();
        let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
        let histogram = Histogram { values: values.to_vec(), step, unit: unit.into() };
        let fitted = Some(HistogramPlot { curves: self.curves(values), ..histogram.clone().into() }.into());
        let parted = self.segmentation.spans().map(|_| HistogramPlot { markers: self.markers(), ..histogram.into() }.into());
        let original = greys(header, original, &header.meaning.rescale, &shade)?;
        figure::side_by_side(
            title,
            &[
                Panel { title: "Original".into(), pictures: original, plot: fitted, ..Panel::default() },
                Panel { title: "Classes".into(), pictures: colours(header, labels)?, keys, plot: parted },
            ],
        )
    }

    /// The weighted densities of the first channel, and their sum.
    fn curves(&self, values: &[(f64, u64)]) -> Vec<Curve> {
        const POINTS: usize = 600;
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return Vec::new() };
        let at = |i: usize| first.0 + (last.0 - first.0) * i as f64 / POINTS as f64;
        let bells: Vec<_> = self.classes.iter().map(|c| c.gaussian.marginal(0)).collect();
        let curve = |name: String, colour, density: &dyn Fn(f64) -> f64| Curve {
            name,
            colour,
            points: (0..=POINTS).map(|i| (at(i), density(at(i)))).collect(),
        };
        let mut all = Vec::new();
        for (class, bell) in self.classes.iter().zip(&bells) {
            all.push(curve(class.name.clone(), label(class.label as u64), &|x| bell.density(x)));
        }
        if bells.len() > 1 {
            all.push(curve("sum".into(), SUM, &|x| bells.iter().map(|b| b.density(x)).sum()));
        }
        all
    }

    /// Where one class ends and the next begins.
    fn markers(&self) -> Vec<Marker> {
        let spans = self.segmentation.spans().unwrap_or_default();
        let spread = self.spread();
        let marker = |span: &crate::analysis::mixture::ClassSpan| {
            let name = &self.classes[usize::from(span.label) - 1].name;
            let colour = dark(label(u64::from(span.label)));
            Marker { at: span.from, name: format!("{name} from {}", number_among(span.from, spread)), colour }
        };
        spans.iter().skip(1).map(marker).collect()
    }
}

/// Dark enough to be read on white.
fn dark(colour: Rgb) -> Rgb {
    colour.map(|c| (u16::from(c) * 7 / 10) as u8)
}
