//! Histogram and cumulative curve.

use super::bins::Bins;
use super::colours::{BARS, CUMULATIVE, Rgb, hex};
use super::svg::{Anchor, Canvas, Style, num};
use super::ticks::{short, ticks};
use crate::volume::{Counts, Rescale, Unit};

/// An exact histogram in real values.
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
        let mut values: Vec<(f64, u64)> =
            counts.iter().flat_map(|(r, c)| c.occupied().map(|(v, n)| (r.real(f64::from(v)), n))).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        values.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
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
pub struct Plot {
    /// The bars.
    pub histogram: Histogram,
    /// Lines over the bars.
    pub curves: Vec<Curve>,
    /// Vertical lines.
    pub markers: Vec<Marker>,
}

impl From<Histogram> for Plot {
    fn from(histogram: Histogram) -> Self {
        Self { histogram, ..Self::default() }
    }
}

const LABEL: Style = Style::new(12.0, Anchor::Middle);
const AXIS: &str = r##"class="axis" stroke="#6e7781" stroke-width="1""##;
const GRID: &str = r##"class="grid" stroke="#d8dee4" stroke-width="1""##;

/// The scales of one plot on the canvas.
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    low: f64,
    high: f64,
}

impl Area {
    fn x(&self, value: f64) -> f64 {
        self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)
    }

    /// `fraction` of the height; what is higher stops at the top.
    fn y(&self, fraction: f64) -> f64 {
        self.bottom - fraction.clamp(0.0, 1.0) * (self.bottom - self.top)
    }
}

impl Plot {
    /// Draws into the box [x, y, width, height].
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) {
        let bins = Bins::new(&self.histogram.values, self.histogram.step);
        let (left, right) = (x + 62.0, x + w - 56.0);
        let key_bottom = self.key(canvas, left, right, y);
        let area = Area { left, right, top: key_bottom + 22.0, bottom: y + h - 44.0, low: bins.low, high: bins.high() };
        axes(canvas, &area, &bins, &self.histogram.unit);
        canvas.raw(&format!(r#"<path class="bars" d="{}" fill="{}" fill-opacity="0.85"/>"#, outline(&bins, &area), hex(BARS)));
        cut_marks(canvas, &area, &bins);
        let mut line = format!("M{} {}", num(area.left), num(area.y(bins.beyond[0])));
        for (i, share) in bins.cumulative.iter().enumerate() {
            line += &format!("L{} {}", num(area.x(bins.low + bins.width * (i + 1) as f64)), num(area.y(*share)));
        }
        stroke(canvas, &line, CUMULATIVE, "2");
        for curve in &self.curves {
            let path = curve_path(&curve.points, &area, bins.width / bins.top);
            if !path.is_empty() {
                stroke(canvas, &path, curve.colour, "2");
            }
        }
        self.draw_markers(canvas, &area);
        canvas.line((area.left, area.bottom), (area.right, area.bottom), AXIS);
    }

    /// Writes the key from `y` on, in as many rows as it takes, and says where it ends.
    fn key(&self, canvas: &mut Canvas, left: f64, right: f64, y: f64) -> f64 {
        let style = Style::new(12.0, Anchor::Start).soft();
        let fixed = [("histogram", BARS, true), ("cumulative share", CUMULATIVE, false)];
        let curves = self.curves.iter().map(|c| (c.name.as_str(), c.colour, false));
        let (mut x, mut row) = (left, y + 12.0);
        for (name, colour, filled) in fixed.into_iter().chain(curves) {
            let name = style.fit(name, right - left - 22.0);
            let width = style.width(&name) + 22.0;
            if x + width > right && x > left {
                (x, row) = (left, row + 18.0);
            }
            match filled {
                true => canvas.rect([x, row - 10.0, 14.0, 11.0], &format!(r#"fill="{}" fill-opacity="0.85""#, hex(colour))),
                false => stroke(canvas, &format!("M{} {}h14", num(x), num(row - 4.0)), colour, "2.5"),
            }
            canvas.text(x + 20.0, row, style, &name);
            x += width + 18.0;
        }
        row
    }

    fn draw_markers(&self, canvas: &mut Canvas, area: &Area) {
        let mut order: Vec<&Marker> = self.markers.iter().filter(|m| m.at >= area.low && m.at <= area.high).collect();
        order.sort_by(|a, b| a.at.total_cmp(&b.at));
        // Labels lie over all lines. Right end of the text in each row: the next label takes the first row where it has room.
        let mut rows: Vec<f64> = Vec::new();
        let mut labels = Vec::new();
        for marker in order {
            let x = area.x(marker.at);
            let dashes = format!(r#"stroke="{}" stroke-width="1.5" stroke-dasharray="5 3""#, hex(marker.colour));
            canvas.line((x, area.top), (x, area.bottom), &dashes);
            let width = LABEL.bold().width(&marker.name);
            let (from, anchor) = match x + 5.0 + width > area.right {
                true => (x - 5.0 - width, Anchor::End),
                false => (x + 5.0, Anchor::Start),
            };
            let row = rows.iter().position(|&end| end + 6.0 < from).unwrap_or(rows.len());
            rows.resize(rows.len().max(row + 1), 0.0);
            rows[row] = from + width;
            let at = if matches!(anchor, Anchor::End) { x - 5.0 } else { x + 5.0 };
            let style = Style::new(12.0, anchor).bold();
            labels.push((at, area.top + 13.0 + 16.0 * row as f64, [from, width], style, marker));
        }
        for (x, y, [from, width], style, marker) in labels {
            let behind = r##"class="paper" fill="#ffffff" fill-opacity="0.85" rx="2""##;
            canvas.rect([from - 3.0, y - 12.0, width + 6.0, 16.0], behind);
            canvas.coloured(x, y, style, marker.colour, false, &marker.name);
        }
    }
}

/// The parts of a curve that can be told from the axis: many bells side by side must not draw it over and over.
fn curve_path(points: &[(f64, f64)], area: &Area, scale: f64) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for &(value, density) in points {
        let height = density * scale;
        let seen = value >= area.low && value <= area.high && height > 0.004;
        if seen {
            let command = if pen_down { 'L' } else { 'M' };
            path += &format!("{command}{} {}", num(area.x(value)), num(area.y(height)));
        }
        pen_down = seen;
    }
    path
}

fn stroke(canvas: &mut Canvas, path: &str, colour: Rgb, width: &str) {
    let colour = hex(colour);
    canvas.raw(&format!(r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>"#));
}

fn axes(canvas: &mut Canvas, area: &Area, bins: &Bins, unit: &str) {
    let middle = (area.left + area.right) / 2.0;
    let height = (area.top + area.bottom) / 2.0;
    for (share, label) in ticks(0.0, bins.top * 100.0, 5) {
        let y = area.y(share / 100.0 / bins.top);
        canvas.line((area.left, y), (area.right, y), GRID);
        canvas.text(area.left - 7.0, y + 4.0, Style::new(12.0, Anchor::End).soft(), &label);
    }
    for (share, label) in ticks(0.0, 1.0, 5) {
        let y = area.y(share);
        canvas.line((area.right, y), (area.right + 4.0, y), &format!(r#"stroke="{}""#, hex(CUMULATIVE)));
        canvas.coloured(area.right + 8.0, y + 4.0, Style::new(12.0, Anchor::Start), CUMULATIVE, false, &label);
    }
    for (value, label) in ticks(area.low, area.high, 8) {
        let x = area.x(value);
        canvas.line((x, area.bottom), (x, area.bottom + 5.0), AXIS);
        canvas.text(x, area.bottom + 19.0, LABEL.soft(), &label);
    }
    let bin = match unit {
        "HU" => format!("voxels per {} HU (%)", short(bins.width, 4)),
        _ if bins.width == 1.0 => "voxels per value (%)".into(),
        _ => format!("voxels per {} values (%)", short(bins.width, 4)),
    };
    let titles = Style::new(12.5, Anchor::Middle);
    canvas.raw(r#"<g class="bars-title">"#);
    canvas.coloured(area.left - 48.0, height, titles, BARS.map(|c| c / 4 * 3), true, &bin);
    canvas.raw("</g>");
    canvas.coloured(area.right + 48.0, height, titles, CUMULATIVE, true, "cumulative share");
    let beyond: Vec<String> = bins
        .beyond
        .iter()
        .zip(["lower", "higher"])
        .filter(|(share, _)| **share > 0.0)
        .map(|(share, side)| format!("{} % {side}", short(share * 100.0, 2)))
        .collect();
    let unit = match beyond.is_empty() {
        true => unit.to_string(),
        false => format!("{unit}  (not drawn: {})", beyond.join(", ")),
    };
    canvas.text(middle, area.bottom + 38.0, titles, &titles.fit(&unit, area.right - area.left));
}

/// The bars as one shape.
fn outline(bins: &Bins, area: &Area) -> String {
    let mut path = format!("M{} {}", num(area.left), num(area.bottom));
    for (i, share) in bins.shares.iter().enumerate() {
        let next = num(area.x(bins.low + bins.width * (i + 1) as f64));
        path += &format!("V{}H{next}", num(area.y(share / bins.top)));
    }
    path + &format!("V{}Z", num(area.bottom))
}

/// Bars that are too high: a break in the bar, and its share above it.
fn cut_marks(canvas: &mut Canvas, area: &Area, bins: &Bins) {
    let mut free = area.left - 40.0;
    for (from, to, share) in bins.clipped() {
        let (left, right) = (area.x(bins.low + bins.width * from as f64), area.x(bins.low + bins.width * to as f64));
        for y in [area.top + 9.0, area.top + 14.0] {
            let slash = r##"class="cut" stroke="#ffffff" stroke-width="2""##;
            canvas.line((left - 2.0, y + 2.0), (right.max(left + 2.0) + 2.0, y - 2.0), slash);
        }
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
    fn strange_data_draw_no_strange_numbers() {
        for values in [vec![], vec![(7.0, 3)], vec![(-1e30, 1), (1e30, 1)], vec![(0.0, u64::MAX / 2), (1e-9, 1)]] {
            let mut canvas = Canvas::new(600.0, 300.0);
            let histogram = Histogram { values, step: 1.0, unit: "x<y".into() };
            Plot::from(histogram).draw(&mut canvas, [0.0, 0.0, 600.0, 300.0]);
            let svg = canvas.finish("");
            assert!(!svg.as_str().contains("NaN") && !svg.as_str().contains("inf"), "{}", svg.as_str());
            svg.to_png(300).unwrap();
        }
    }
}
