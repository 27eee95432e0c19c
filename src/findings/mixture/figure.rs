//! Original and classes side by side; the histogram with the fitted bells, and where the classes part.

use super::super::mapping::histogram;
use super::super::pictures::{colours, greys};
use super::super::words::number_among;
use super::{MixtureClass, MixtureFinding};
use crate::Result;
use crate::analysis::statistics::Quantiles;
use crate::pipelines::Counted;
use crate::report::colours::{Rgb, label};
use crate::report::{Curve, Histogram, HistogramPlot, Key, Marker, Panel, Shade, Slice, Svg, display_window, figure};
use crate::volume::Header;

/// A channel beside the first, as figures show it.
#[derive(Debug)]
pub struct FurtherChannel {
    /// Of its voxels, as kernels take them, on the grid of the first.
    pub header: Header,
    /// The slices that are shown of the first channel.
    pub slices: Vec<Slice>,
    /// The voxels that take part.
    pub counted: Counted,
}

impl FurtherChannel {
    fn panel(&self, number: usize, curves: Vec<Curve>) -> Result<Panel> {
        let (header, values) = (&self.header, &self.counted.values);
        let (min, max) = values.ends().unwrap_or((0.0, 1.0));
        let limits = values.percentiles(&[1.0, 99.0]).unwrap_or_else(|| vec![min, max]);
        let shade = Shade::new(header, display_window(header, limits[0], limits[1], min, max));
        let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
        let plot = HistogramPlot { curves, ..histogram(values, |v| v, unit).into() };
        let pictures = greys(header, &self.slices, &header.meaning.rescale, &shade)?;
        Ok(Panel { title: format!("Channel {number}"), pictures, plot: Some(plot.into()), ..Panel::default() })
    }
}

/// The curve of all classes together.
const SUM: Rgb = [40, 40, 40];

impl MixtureFinding<'_> {
    /// Channels and classes side by side, from the same slices of all and of the labels.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, title: &str, (original, further): (&[Slice], &[FurtherChannel]), labels: &[Slice]) -> Result<Svg> {
        let header = self.segmentation.input();
        let (values, step) = self.segmentation.values();
        let quantiles = Quantiles::new(values);
        let (low, high) = (quantiles.percentile(1.0), quantiles.percentile(99.0));
        let (min, max) = values.first().zip(values.last()).map_or((0.0, 1.0), |(first, last)| (first.0, last.0));
        let shade = Shade::new(header, display_window(header, low, high, min, max));
        let keys = self.classes.iter().map(|c| Key { name: c.name.clone(), colour: label(c.label as u64) }).collect();
        let unit = if header.meaning.unit.symbol().is_empty() { "value" } else { header.meaning.unit.symbol() };
        let histogram = Histogram { values: values.to_vec(), step, unit: unit.into() };
        let fitted = Some(HistogramPlot { curves: self.curves(0), ..histogram.clone().into() }.into());
        let parted = self.segmentation.spans().map(|_| HistogramPlot { markers: self.markers(), ..histogram.into() }.into());
        let original = greys(header, original, &header.meaning.rescale, &shade)?;
        let name = if further.is_empty() { "Original" } else { "Channel 1" };
        let mut panels = vec![Panel { title: name.into(), pictures: original, plot: fitted, ..Panel::default() }];
        for (i, channel) in further.iter().enumerate() {
            panels.push(channel.panel(i + 2, self.curves(i + 1))?);
        }
        panels.push(Panel { title: "Classes".into(), pictures: colours(header, labels)?, keys, plot: parted });
        figure::side_by_side(title, &panels)
    }

    /// The weighted densities of a channel, and their sum.
    fn curves(&self, channel: usize) -> Vec<Curve> {
        // Each bell between four standard deviations on either side: beyond lies a part of three thousand of its height.
        const REACH: f64 = 4.0;
        const POINTS: i32 = 240;
        let bells: Vec<_> = self.classes.iter().map(|c| c.gaussian.marginal(channel)).collect();
        let places = |c: &MixtureClass<'_>| {
            let (mean, std) = (c.gaussian.mean[channel], c.gaussian.std(channel));
            (-POINTS / 2..=POINTS / 2).map(|i| mean + std * REACH * f64::from(i) / f64::from(POINTS / 2)).collect::<Vec<_>>()
        };
        let curve = |name: String, colour, places: &[f64], density: &dyn Fn(f64) -> f64| Curve {
            name,
            colour,
            points: places.iter().map(|x| (*x, density(*x))).collect(),
        };
        let mut all = Vec::new();
        for (class, bell) in self.classes.iter().zip(&bells) {
            all.push(curve(class.name.clone(), label(class.label as u64), &places(class), &|x| bell.density(x)));
        }
        if bells.len() > 1 {
            let mut everywhere: Vec<f64> = self.classes.iter().flat_map(places).collect();
            everywhere.sort_by(f64::total_cmp);
            all.push(curve("sum".into(), SUM, &everywhere, &|x| bells.iter().map(|b| b.density(x)).sum()));
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
