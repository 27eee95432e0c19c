//! Histogram and cumulative curve.

use super::axes::{Area, KeyEntry, LABEL, key, stroke};
use super::bins::BarBins;
use super::colours::{BACKDROP, BARS, CUMULATIVE, Rgb, hex};
use super::svg::{Anchor, Canvas, Style, num};
use super::ticks::{short, ticks};
use crate::volume::{Counts, Rescale, Unit};

/// An exact histogram in real values. For floats: the middles of equal bins and the width of a bin as the step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// The values that occur, ascending, and how many voxels hold each.
    pub values: Vec<(f64, u64)>,
    /// Distance of neighbouring possible values.
    pub step: f64,
    /// What stands below the axis: `HU`, `stored value`.
    pub unit: String,
}

impl Histogram {
    /// The histogram of 8- or 16-bit integers, from one exact count for each rescale of the volume.
    pub fn of(counts: &[(Rescale, &Counts)], unit: Unit) -> Self {
        let values = crate::analysis::statistics::distribution(counts);
        // Bars no narrower than the coarsest of several rescales: none is empty only because of its step.
        let step = counts.iter().map(|(r, _)| r.slope.abs()).fold(0.0, f64::max);
        let stored = counts.iter().all(|(r, _)| *r == Rescale::IDENTITY);
        let unit = match (unit.symbol(), stored) {
            ("", true) => "stored value",
            ("", false) => "value",
            (symbol, _) => symbol,
        };
        Self { values, step: if step > 0.0 { step } else { 1.0 }, unit: unit.into() }
    }
}

/// A line over the bars, such as a Gaussian that was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name in the key.
    pub name: String,
    /// Colour.
    pub colour: Rgb,
    /// (real value, probability density per real unit), ascending.
    pub points: Vec<(f64, f64)>,
}

/// A vertical line, such as a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Real value.
    pub at: f64,
    /// What is written beside it.
    pub name: String,
    /// Colour.
    pub colour: Rgb,
}

/// A histogram with its cumulative curve, and what is drawn over it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramPlot {
    /// The bars.
    pub histogram: Histogram,
    /// Lines over the bars.
    pub curves: Vec<Curve>,
    /// Vertical lines.
    pub markers: Vec<Marker>,
}

impl From<Histogram> for HistogramPlot {
    fn from(histogram: Histogram) -> Self {
        Self { histogram, ..Self::default() }
    }
}

impl HistogramPlot {
    /// Draws into the box [x, y, width, height].
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) {
        let mut bins = BarBins::new(&self.histogram.values, self.histogram.step);
        bins.top = self.top(&bins);
        let (left, right) = (x + 62.0, x + w - 56.0);
        let key_bottom = key(canvas, &self.key(), [left, right], y);
        let (low, high) = self.ends(&bins);
        let mut area = Area { left, right, top: key_bottom + 26.0, bottom: y + h - 44.0, low, high };
        let labels = self.labels(&area);
        area.top += ROW * labels.iter().map(|l| l.row + 1).max().unwrap_or(0) as f64;
        axes(canvas, &area, &bins, &self.histogram.unit);
        canvas.raw(&format!(
            r#"<path class="bars" d="{}" fill="{}" fill-opacity="0.85"/>"#,
            outline(&bins, &area),
            hex(self.bars())
        ));
        cut_marks(canvas, &area, &bins);
        let start = num(area.y(bins.beyond[0]));
        let mut line = format!("M{} {start}L{} {start}", num(area.left), num(area.x(bins.low)));
        for (i, share) in bins.cumulative.iter().enumerate() {
            line += &format!("L{} {}", num(area.x(bins.low + bins.width * (i + 1) as f64)), num(area.y(*share)));
        }
        stroke(canvas, &format!("{line}H{}", num(area.right)), CUMULATIVE, "2");
        for curve in &self.curves {
            let (path, cuts) = curve_path(&curve.points, &area, bins.width / bins.top);
            if !path.is_empty() {
                stroke(canvas, &path, curve.colour, "2");
            }
            cuts.into_iter().for_each(|x| slashes(canvas, area.top, x - 2.0, x + 2.0));
        }
        labels.iter().for_each(|label| label.line(canvas, &area));
        labels.iter().for_each(|label| label.name(canvas, &area));
        area.baseline(canvas);
    }

    /// The share that the axis ends at: higher than the bars ask for where curves are, unless that would make the bars too small to be seen.
    fn top(&self, bins: &BarBins) -> f64 {
        let densities = self.curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
        let peak = 1.05 * bins.width * densities.fold(0.0, f64::max);
        if peak > bins.top && peak <= MOST_HIGHER * bins.top { peak } else { bins.top }
    }

    /// The values that the axis ends at: those of the bars, and further out as far as curves can be seen, within reason.
    fn ends(&self, bins: &BarBins) -> (f64, f64) {
        let reason = MOST_WIDER * (bins.high() - bins.low);
        let (mut low, mut high) = (bins.low, bins.high());
        for (value, density) in self.curves.iter().flat_map(|curve| &curve.points) {
            if density * bins.width / bins.top > VISIBLE {
                low = low.min(value.max(bins.low - reason));
                high = high.max(value.min(bins.high() + reason));
            }
        }
        (low, high)
    }

    fn bars(&self) -> Rgb {
        if self.curves.is_empty() { BARS } else { BACKDROP }
    }

    /// Names of bars, cumulative share and curves.
    fn key(&self) -> Vec<KeyEntry<'_>> {
        let bars = KeyEntry { name: "histogram", colour: self.bars(), filled: true };
        let share = KeyEntry { name: "cumulative share", colour: CUMULATIVE, filled: false };
        let curves = self.curves.iter().map(|c| KeyEntry { name: &c.name, colour: c.colour, filled: false });
        [bars, share].into_iter().chain(curves).collect()
    }

    /// Places the markers' labels in rows above the plot, so that no dashed line runs through a label.
    fn labels(&self, area: &Area) -> Vec<Label<'_>> {
        let mut order: Vec<&Marker> = self.markers.iter().filter(|m| m.at >= area.low && m.at <= area.high).collect();
        order.sort_by(|a, b| b.at.total_cmp(&a.at));
        let mut placed: Vec<Label> = Vec::new();
        for marker in order {
            let x = area.x(marker.at);
            let width = LABEL.bold().width(&marker.name) + 5.0;
            let right = x + width <= area.right + 50.0;
            let span = if right { [x, x + width] } else { [x - width, x] };
            let within = |x: f64, [from, to]: [f64; 2]| x >= from - 3.0 && x <= to + 3.0;
            // Every line ends at its own row: a label must be above the lines that it spans, below the labels that span it.
            let free = |row: &usize| {
                placed.iter().all(|other| {
                    let apart = span[1] + 6.0 < other.span[0] || other.span[1] + 6.0 < span[0];
                    let over = !within(other.x, span) || *row > other.row;
                    let under = !within(x, other.span) || *row < other.row;
                    (apart || *row != other.row) && over && under
                })
            };
            // Two labels at the right edge may span each other's lines: then the line ends behind the text.
            let highest = placed.iter().map(|l| l.row + 1).max().unwrap_or(0);
            let row = (0..=highest).find(free).unwrap_or(highest.min(8));
            placed.push(Label { marker, x, span, right, row });
        }
        placed
    }
}

/// A marker's label: row 0 is the lowest.
struct Label<'a> {
    marker: &'a Marker,
    x: f64,
    span: [f64; 2],
    right: bool,
    row: usize,
}

impl Label<'_> {
    fn y(&self, area: &Area) -> f64 {
        area.top - 24.0 - ROW * self.row as f64
    }

    fn line(&self, canvas: &mut Canvas, area: &Area) {
        let dashes = format!(r#"stroke="{}" stroke-width="1.5" stroke-dasharray="5 3""#, hex(self.marker.colour));
        canvas.line((self.x, self.y(area) - 10.0), (self.x, area.bottom), &dashes);
    }

    fn name(&self, canvas: &mut Canvas, area: &Area) {
        let (x, anchor) = if self.right { (self.x + 5.0, Anchor::Start) } else { (self.x - 5.0, Anchor::End) };
        let from = if self.right { self.span[0] + 3.0 } else { self.span[0] };
        let behind = [from, self.y(area) - 11.0, self.span[1] - self.span[0] - 3.0, 14.0];
        canvas.rect(behind, r##"class="paper" fill="#ffffff""##);
        let style = Style { anchor, ..LABEL.bold() };
        canvas.coloured(x, self.y(area), style, self.marker.colour, false, &self.marker.name);
    }
}

/// Height of a row of markers' labels.
const ROW: f64 = 16.0;

/// The share of the height from which on a curve can be told from the axis: many bells side by side must not draw it over and over.
const VISIBLE: f64 = 0.004;
/// So many times as high as bars ask for the axis may become, so that curves have room.
const MOST_HIGHER: f64 = 2.5;
/// Such a part of the bars' width may be added at either end, so that curves have room.
const MOST_WIDER: f64 = 0.25;

/// The parts of a curve that are seen, and where on the canvas it leaves them through the top.
fn curve_path(points: &[(f64, f64)], area: &Area, scale: f64) -> (String, Vec<f64>) {
    let (mut path, mut cuts) = (String::new(), Vec::new());
    let mut pen = None;
    for pair in points.windows(2) {
        let [from, to] = [pair[0], pair[1]].map(|(value, density)| [value, density * scale]);
        let Some((from, to)) = within(from, to, [area.low, VISIBLE], [area.high, 1.0]) else { continue };
        let place = |[value, height]: [f64; 2]| format!("{} {}", num(area.x(value)), num(area.y(height)));
        if pen != Some(from) {
            path += &format!("M{}", place(from));
        }
        path += &format!("L{}", place(to));
        pen = Some(to);
        cuts.extend([from, to].into_iter().filter(|point| point[1] >= 1.0).map(|point| area.x(point[0])));
    }
    cuts.dedup();
    (path, cuts)
}

/// The part of a straight line that lies in a box (Liang and Barsky's way).
fn within(from: [f64; 2], to: [f64; 2], least: [f64; 2], most: [f64; 2]) -> Option<([f64; 2], [f64; 2])> {
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for axis in 0..2 {
        let step = to[axis] - from[axis];
        if step == 0.0 {
            if from[axis] < least[axis] || from[axis] > most[axis] {
                return None;
            }
            continue;
        }
        let (a, b) = ((least[axis] - from[axis]) / step, (most[axis] - from[axis]) / step);
        (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
    }
    let at = |t: f64| match t {
        0.0 => from,
        1.0 => to,
        t => std::array::from_fn(|axis| (from[axis] + t * (to[axis] - from[axis])).clamp(least[axis], most[axis])),
    };
    (enter < leave).then(|| (at(enter), at(leave)))
}

fn axes(canvas: &mut Canvas, area: &Area, bins: &BarBins, unit: &str) {
    let percent = ticks(0.0, bins.top * 100.0, 5);
    area.left_axis(canvas, percent.into_iter().map(|(share, label)| (share / 100.0 / bins.top, label)));
    area.right_axis(canvas, ticks(0.0, 1.0, 5), CUMULATIVE);
    area.value_axis(canvas);
    let bin = match unit {
        "HU" => format!("voxels per {} HU (%)", short(bins.width, 4)),
        _ if bins.width == 1.0 => "voxels per value (%)".into(),
        _ => format!("voxels per {} values (%)", short(bins.width, 4)),
    };
    canvas.raw(r#"<g class="bars-title">"#);
    area.left_title(canvas, &bin, BARS.map(|c| c / 4 * 3));
    canvas.raw("</g>");
    area.right_title(canvas, "cumulative share", CUMULATIVE);
    let beyond: Vec<String> = bins
        .beyond
        .iter()
        .zip(["lower", "higher"])
        .filter(|(share, _)| **share > 0.0)
        .map(|(share, side)| format!("{} % {side}", short(share * 100.0, 2)))
        .collect();
    area.value_title(
        canvas,
        &match beyond.is_empty() {
            true => unit.to_string(),
            false => format!("{unit}  (not drawn: {})", beyond.join(", ")),
        },
    );
}

/// The bars as one shape.
fn outline(bins: &BarBins, area: &Area) -> String {
    let mut path = format!("M{} {}", num(area.x(bins.low)), num(area.bottom));
    for (i, share) in bins.shares.iter().enumerate() {
        let next = num(area.x(bins.low + bins.width * (i + 1) as f64));
        path += &format!("V{}H{next}", num(area.y(share / bins.top)));
    }
    path + &format!("V{}Z", num(area.bottom))
}

/// What goes on above the axis is broken off visibly.
fn slashes(canvas: &mut Canvas, top: f64, left: f64, right: f64) {
    for y in [top + 9.0, top + 14.0] {
        canvas.line((left, y + 2.0), (right, y - 2.0), r##"class="cut" stroke="#ffffff" stroke-width="2""##);
    }
}

/// Bars that are too high: a break in the bar, and its share above it.
fn cut_marks(canvas: &mut Canvas, area: &Area, bins: &BarBins) {
    let mut free = area.left - 40.0;
    for (from, to, share) in bins.clipped() {
        let (left, right) = (area.x(bins.low + bins.width * from as f64), area.x(bins.low + bins.width * to as f64));
        slashes(canvas, area.top, left - 2.0, right.max(left + 2.0) + 2.0);
        let label = format!("{} %", short(share * 100.0, 3));
        let width = LABEL.width(&label);
        let x = ((left + right) / 2.0).max(area.left - 20.0 + width / 2.0).min(area.right - width / 2.0);
        if x - width / 2.0 > free {
            canvas.text(x, area.top - 6.0, LABEL.bold(), &label);
            free = x + width / 2.0 + 6.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Dtype;

    #[test]
    fn rescales_are_merged_by_real_value() {
        let mut counts = Counts::exact(Dtype::U8);
        counts.bins[2] = 5;
        counts.bins[4] = 7;
        let half = Rescale { slope: 0.5, intercept: 1.0 };
        let h = Histogram::of(&[(Rescale::IDENTITY, &counts), (half, &counts)], Unit::Unknown);
        assert_eq!(h.values, [(2.0, 10), (3.0, 7), (4.0, 7)]);
        assert_eq!((h.step, h.unit.as_str()), (1.0, "value"));
        assert_eq!(Histogram::of(&[(Rescale::IDENTITY, &counts)], Unit::Unknown).unit, "stored value");
        assert_eq!(Histogram::of(&[(half, &counts)], Unit::Hounsfield).unit, "HU");
    }

    #[test]
    fn no_line_runs_through_a_label() {
        let marker = |at: f64, name: &str| Marker { at, name: name.into(), colour: BARS };
        let near = [(10.0, "first"), (11.0, "second"), (12.0, "third"), (60.0, "apart"), (99.0, "a long name at the end")];
        let plot = HistogramPlot { markers: near.map(|(at, name)| marker(at, name)).into(), ..HistogramPlot::default() };
        let area = Area { left: 0.0, right: 600.0, top: 100.0, bottom: 300.0, low: 0.0, high: 100.0 };
        let labels = plot.labels(&area);
        assert_eq!(labels.len(), 5);
        for a in &labels {
            for b in labels.iter().filter(|b| b.row <= a.row && b.x != a.x) {
                assert!(a.x < b.span[0] || a.x > b.span[1], "{} through {}", a.marker.name, b.marker.name);
            }
        }
        assert!(labels.iter().all(|l| l.row < 4));
    }

    #[test]
    fn no_curve_ends_at_an_edge_but_where_it_is_broken_off() {
        let bell = |mean: f64, std: f64, weight: f64| {
            let at = |i: i32| mean + std * f64::from(i) / 25.0;
            let density = |x: f64| weight / (std * 2.506_628) * (-0.5 * ((x - mean) / std).powi(2)).exp();
            Curve { name: String::new(), colour: BARS, points: (-100..=100).map(|i| (at(i), density(at(i)))).collect() }
        };
        // Values from 0 to 99, all alike: 1 % in each bar. A bell that begins before the first, and one that is far too high.
        let histogram = Histogram { values: (0..100).map(|v| (f64::from(v), 10)).collect(), step: 1.0, unit: String::new() };
        let of = |curve: Curve| {
            let plot = HistogramPlot { curves: vec![curve.clone()], ..histogram.clone().into() };
            let mut bins = BarBins::new(&plot.histogram.values, 1.0);
            bins.top = plot.top(&bins);
            let (low, high) = plot.ends(&bins);
            let area = Area { left: 0.0, right: 1000.0, top: 0.0, bottom: 100.0, low, high };
            (curve_path(&curve.points, &area, bins.width / bins.top), area)
        };
        let ((path, cuts), area) = of(bell(3.0, 5.0, 0.2));
        assert!(cuts.is_empty() && area.low < -8.0 && area.low > -26.0, "{cuts:?} {}", area.low);
        assert_eq!(path.matches('M').count(), 1);
        let heights: Vec<f64> = path.split(['M', 'L']).filter_map(|p| p.split(' ').nth(1)?.parse().ok()).collect();
        assert!(heights[0] > 99.0 && heights[heights.len() - 1] > 99.0 && heights.iter().all(|y| *y > 0.0), "{path}");
        let ((path, cuts), _) = of(bell(50.0, 0.2, 1.0));
        assert_eq!((cuts.len(), path.matches('M').count()), (2, 2), "{path}");
    }

    #[test]
    fn strange_data_draw_no_strange_numbers() {
        for values in [vec![], vec![(7.0, 3)], vec![(-1e30, 1), (1e30, 1)], vec![(0.0, u64::MAX / 2), (1e-9, 1)]] {
            let mut canvas = Canvas::new(600.0, 300.0);
            let histogram = Histogram { values, step: 1.0, unit: "x<y".into() };
            HistogramPlot::from(histogram).draw(&mut canvas, [0.0, 0.0, 600.0, 300.0]);
            let svg = canvas.finish("");
            assert!(!svg.as_str().contains("NaN") && !svg.as_str().contains("inf"), "{}", svg.as_str());
            svg.to_png(300).unwrap();
        }
    }
}
