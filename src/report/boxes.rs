//! Boxes and strips: each group a row with all its points, and a box from quartile to quartile over them.

use super::axes::{Area, LABEL};
use super::colours::{Rgb, hex};
use super::svg::{Anchor, Canvas, Style, num};
use crate::analysis::groups::GroupSummary;

/// Height of a group's row.
const ROW: f64 = 96.0;
/// Room for the axis.
const AXIS: f64 = 52.0;
/// Room for the names, beside the rows.
const NAMES: f64 = 120.0;
/// Half the height of a box, and of the strip of points beneath it.
const BOX: f64 = 15.0;
const STRIP: f64 = 26.0;
/// Points of one group that are drawn: of more, evenly many from the least to the greatest.
const MOST_POINTS: usize = 2000;
/// Blue and vermilion, as in other figures.
const COLOURS: [Rgb; 2] = [[0, 114, 178], [213, 94, 0]];

/// Groups of numbers on one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoxPlot {
    /// What the axis shows.
    pub value: String,
    /// The groups, from top to bottom.
    pub groups: Vec<StripPlot>,
}

/// One group of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct StripPlot {
    /// Its name.
    pub name: String,
    /// Its values, finite.
    pub values: Vec<f64>,
    /// Its quartiles and its mean; none of no values.
    pub summary: Option<GroupSummary>,
}

impl BoxPlot {
    /// Height of all rows and the axis.
    pub(super) fn height(&self) -> f64 {
        self.groups.len() as f64 * ROW + AXIS
    }

    /// Draws from (`x`, `y`) on, `w` wide.
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y, w]: [f64; 3]) {
        let (low, high) = self.ends();
        let bottom = y + self.groups.len() as f64 * ROW;
        let area = Area { left: x + NAMES, right: x + w - 12.0, top: y, bottom, low, high };
        for (i, group) in self.groups.iter().enumerate() {
            let middle = y + (i as f64 + 0.5) * ROW;
            let style = Style::new(13.0, Anchor::Start).bold();
            canvas.text(x, middle - 2.0, style, &style.fit(&group.name, NAMES - 12.0));
            canvas.text(x, middle + 15.0, LABEL.soft().start(), &format!("n = {}", group.values.len()));
            group.points(canvas, &area, middle, COLOURS[i % COLOURS.len()]);
            if let Some(summary) = &group.summary {
                group.quartiles(canvas, &area, middle, summary);
            }
        }
        area.value_axis(canvas);
        area.value_title(canvas, &self.value);
        area.baseline(canvas);
    }

    /// The values that the axis ends at, with a little room.
    fn ends(&self) -> (f64, f64) {
        let all = || self.groups.iter().flat_map(|group| &group.values).copied();
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            return (0.0, 1.0);
        }
        let room = (high / 2.0 - low / 2.0) * 0.08;
        let room =
            if room > 0.0 && room.is_finite() { room } else { (low.abs() * 0.01).clamp(1e-300, 1e300).max(low.abs() * 1e-12) };
        ((low - room).max(-1e307), (high + room).min(1e307))
    }
}

impl StripPlot {
    /// All points, shifted up and down so that they can be told apart.
    fn points(&self, canvas: &mut Canvas, area: &Area, middle: f64, colour: Rgb) {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len().min(MOST_POINTS);
        let mut path = String::new();
        for i in 0..n {
            let value = sorted[if n < 2 { 0 } else { i * (sorted.len() - 1) / (n - 1) }];
            // Steps of the golden ratio: no two neighbours are at one height, and each run is the same.
            let shift = (i as f64 * 0.618_033_988_749_895).fract() * 2.0 - 1.0;
            path += &format!("M{} {}h0", num(area.x(value)), num(middle + shift * STRIP));
        }
        canvas.raw(&format!(
            r#"<path class="points" d="{path}" fill="none" stroke="{}" stroke-opacity="0.45" stroke-width="4.5" stroke-linecap="round"/>"#,
            hex(colour)
        ));
    }

    /// From quartile to quartile with the median in it, a mark at the mean, whiskers to the last values within 1.5 boxes (Tukey 1977).
    fn quartiles(&self, canvas: &mut Canvas, area: &Area, middle: f64, of: &GroupSummary) {
        const INK: &str = r##"class="axis" stroke="#1b1f24" stroke-width="1.5""##;
        let reach = 1.5 * of.iqr();
        let within = || self.values.iter().copied().filter(|v| *v >= of.q1 - reach && *v <= of.q3 + reach);
        let (low, high) = (within().fold(of.q1, f64::min), within().fold(of.q3, f64::max));
        for (from, to) in [(low, of.q1), (of.q3, high)] {
            canvas.line((area.x(from), middle), (area.x(to), middle), INK);
        }
        for end in [low, high] {
            canvas.line((area.x(end), middle - BOX / 2.0), (area.x(end), middle + BOX / 2.0), INK);
        }
        let (left, right) = (area.x(of.q1), area.x(of.q3));
        let paper = format!(r##"class="box" fill="#ffffff" fill-opacity="0.55" {}"##, INK.replace(r#"class="axis" "#, ""));
        canvas.rect([left, middle - BOX, right - left, 2.0 * BOX], &paper);
        let median = area.x(of.median);
        canvas.line((median, middle - BOX), (median, middle + BOX), &INK.replace("1.5", "3"));
        let mean = area.x(of.mean);
        for (dx, dy) in [(5.0, 5.0), (5.0, -5.0)] {
            canvas.line((mean - dx, middle - dy), (mean + dx, middle + dy), INK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Plot, figure};

    fn plot(groups: &[&[f64]]) -> BoxPlot {
        let strip =
            |values: &&[f64]| StripPlot { name: "a<b".into(), values: values.to_vec(), summary: GroupSummary::of(values) };
        BoxPlot { value: "volume".into(), groups: groups.iter().map(strip).collect() }
    }

    #[test]
    fn each_value_is_a_point_and_names_are_escaped() {
        let svg = figure::plot("t", &Plot::from(plot(&[&[1.0, 2.0, 3.0, 9.0], &[4.0]])));
        let text = svg.as_str();
        assert_eq!(text.matches("h0").count(), 5);
        assert!(text.contains("a&lt;b") && text.contains("n = 4") && text.contains(">volume<"), "{text}");
        assert!(svg.to_png(400).is_ok());
    }

    #[test]
    fn strange_values_draw_no_strange_numbers() {
        let many: Vec<f64> = (0..10_000).map(f64::from).collect();
        for groups in [
            vec![&[][..], &[]],
            vec![&[7.0, 7.0], &[7.0]],
            vec![&[-1e300, 1e300], &[0.0]],
            vec![&[0.0], &[]],
            vec![&many, &[1.0]],
        ] {
            let svg = figure::plot("", &Plot::from(plot(&groups)));
            assert!(!svg.as_str().contains("NaN") && !svg.as_str().contains("inf"), "{groups:?}");
            assert!(svg.as_str().matches("h0").count() <= 2 * MOST_POINTS);
            svg.to_png(300).unwrap();
        }
    }
}
