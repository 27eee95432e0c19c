//! Original and result side by side, with their histograms.

use super::super::pictures::{colours, greys};
use super::super::words::number_among;
use super::{MappingFinding, class_names};
use crate::Result;
use crate::analysis::distribution::Distribution;
use crate::analysis::steps::Scale;
use crate::pipelines::Mapping;
use crate::report::colours::{MARKER, label};
use crate::report::{Histogram, HistogramPlot, Key, Marker, Panel, Plot, Shade, Slice, Svg, display_window, figure};
use crate::volume::{Dtype, Header, Rescale, Rescales, Window};

impl MappingFinding<'_> {
    /// Original and result side by side, from the same slices of both: greys with their histograms, or classes in colours with the thresholds over the histogram.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub fn figure(&self, title: &str, [slices, results]: [&[Slice]; 2]) -> Result<Svg> {
        let (mapping, composed) = (self.mapping, self.mapping.composed());
        let header = mapping.input();
        let unit = header.meaning.unit.symbol();
        let before = mapping.values();
        let shade = Shade::new(header, window(header, before));
        let mut plot = HistogramPlot::from(histogram(before, |v| v, if unit.is_empty() { "value" } else { unit }));
        let pictures = greys(header, slices, &header.meaning.rescale, &shade)?;
        let mut panels = vec![Panel { title: "Original".into(), pictures, ..Panel::default() }];

        if let Some(thresholds) = composed.thresholds().filter(|_| composed.facts().len() == 1) {
            let marker = |t: &f64| Marker { at: *t, name: number_among(*t, self.spread()), colour: MARKER };
            plot.markers = thresholds.iter().map(marker).collect();
        }
        panels[0].plot = Some(plot.into());
        panels.push(self.result(results)?);
        figure::side_by_side(title, &panels)
    }

    /// The result: greys with their histogram, or classes in colours.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if a slice is too large to be drawn.
    pub(in crate::findings) fn result(&self, results: &[Slice]) -> Result<Panel> {
        let (mapping, composed) = (self.mapping, self.mapping.composed());
        let (header, out) = (mapping.input(), mapping.header());
        let unit = header.meaning.unit.symbol();
        let steps: Vec<String> = composed.facts().iter().map(|(step, _)| step.to_string()).collect();
        let as_type = if out.meaning.labels { String::new() } else { format!(" as {}", out.meaning.dtype) };
        let mut panel = Panel { title: steps.join(", ") + &as_type, ..Panel::default() };
        if let Some(thresholds) = composed.thresholds() {
            panel.pictures = colours(header, results)?;
            let names = class_names(thresholds, if steps.len() == 1 { unit } else { "" }, self.spread());
            let first = composed.first_class() as u64;
            panel.keys = (first..).zip(&names).map(|(i, name)| Key { name: format!("{i}: {name}"), colour: label(i) }).collect();
        } else {
            let shade = match (composed.scale(), out.meaning.dtype) {
                (Scale::Fraction, Dtype::F32) => Shade::over(out, 0.0, 1.0),
                (Scale::Fraction, Dtype::I16) => Shade::over(out, -32_768.0, 32_767.0),
                (Scale::Fraction, _) => Shade::over(out, 0.0, (out.meaning.dtype.values() - 1) as f64),
                _ => Shade::new(out, window(out, composed.after())),
            };
            panel.pictures = greys(header, results, &Rescales::Uniform(Rescale::IDENTITY), &shade)?;
            panel.plot = Some(Plot::from(histogram(composed.after(), |v| composed.stored(v), "result")));
        }
        Ok(panel)
    }
}

/// The window for these values.
fn window(header: &Header, values: &Distribution) -> Window {
    let (min, max) = values.ends().unwrap_or((0.0, 1.0));
    let limits = values.percentiles(&[1.0, 99.0]).unwrap_or_else(|| vec![min, max]);
    display_window(header, limits[0], limits[1], min, max)
}

/// Bins from which bars of true floats are made.
const BARS: usize = 4096;

/// The histogram of the voxels that count, each value as `of` makes it.
pub(in crate::findings) fn histogram(values: &Distribution, of: impl Fn(f64) -> f64, unit: &str) -> Histogram {
    // Bins of true floats are narrow where voxels are many: bars are not.
    let even = if values.is_exact() { None } else { values.even(BARS) };
    let pairs = even.map_or_else(|| values.entries().iter().map(|e| (e.value, e.count)).collect(), |(pairs, _)| pairs);
    let mut all: Vec<(f64, u64)> = pairs.into_iter().map(|(value, n)| (of(value), n)).collect();
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    // Where values can lie anywhere, as far apart as the nearest two, but no nearer than any eye can see.
    let gap = all.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min);
    let span = all.last().zip(all.first()).map_or(0.0, |(b, a)| b.0 - a.0);
    let step = values.step().unwrap_or(gap.max(span / 65_536.0));
    Histogram { values: all, step: if step.is_finite() && step > 0.0 { step } else { 1.0 }, unit: unit.into() }
}

/// A picked slice after the steps: the same tables, so the same voxels as in the output.
pub fn after(mapping: &Mapping, slice: &Slice) -> Slice {
    let dtype = mapping.header().meaning.dtype;
    let slices = mapping.input().grid.shape.axis(2);
    let mut bytes = Vec::with_capacity((slice.width() * slice.height()) as usize * dtype.bytes());
    for v in 0..slice.height() {
        for u in 0..slice.width() {
            let z = slice.view.voxel(slice.index, u, v)[2];
            let result = mapping.result(slice.volume * slices + z, slice.stored(u, v));
            match dtype {
                Dtype::F32 => bytes.extend_from_slice(&(result as f32).to_le_bytes()),
                _ => bytes.extend_from_slice(&(result as i32).to_le_bytes()[..dtype.bytes()]),
            }
        }
    }
    Slice { dtype, bytes, ..slice.clone() }
}
