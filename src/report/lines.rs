//! Lines over time or any other number.

use super::axes::{Area, KeyEntry, key, stroke};
use super::colours::{PALETTE, Rgb};
use super::svg::{Canvas, num};
use super::ticks::ticks;

/// Room on the left for labels and title, below for the same.
const ROOM: [f64; 2] = [78.0, 46.0];

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotLine {
    /// What it stands for.
    pub name: String,
    /// From left to right; places without a finite value are left out.
    pub points: Vec<(f64, f64)>,
}

/// Lines on common axes, with a dot for each value, from the least value to the greatest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinePlot {
    /// Below.
    pub across: String,
    /// On the left, with the unit.
    pub up: String,
    /// Drawn in their order, in colours of their own.
    pub lines: Vec<PlotLine>,
}

impl LinePlot {
    /// Draws into the box [x, y, width, height].
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) {
        let colour = |i: usize| -> Rgb { PALETTE[i % PALETTE.len()] };
        let entries: Vec<KeyEntry<'_>> = self
            .lines
            .iter()
            .enumerate()
            .map(|(i, line)| KeyEntry { name: &line.name, colour: colour(i), filled: false })
            .collect();
        let below = key(canvas, &entries, [x + ROOM[0], x + w], y);
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|(a, b)| a.is_finite() && b.is_finite());
        let ends = |of: fn(&(f64, f64)) -> f64| {
            let (low, high) = points().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
            // Of one value, or of none, something to stand on.
            match (low.is_finite(), low < high) {
                (true, true) => (low, high),
                (true, false) => (low - 0.5, low + 0.5),
                _ => (0.0, 1.0),
            }
        };
        let ((low, high), (least, most)) = (ends(|p| p.0), ends(|p| p.1));
        let margin = 0.05 * (most - least);
        let (least, most) = (least - margin, most + margin);
        let area = Area { left: x + ROOM[0], right: x + w - 12.0, top: below + 8.0, bottom: y + h - ROOM[1], low, high };
        let share = |value: f64| (value - least) / (most - least);
        area.left_axis(canvas, ticks(least, most, 6).into_iter().map(|(value, label)| (share(value), label)));
        area.value_axis(canvas);
        area.baseline(canvas);
        area.left_title(canvas, &self.up, [36, 41, 47]);
        area.value_title(canvas, &self.across);
        for (i, line) in self.lines.iter().enumerate() {
            let known = line.points.iter().filter(|(a, b)| a.is_finite() && b.is_finite());
            let places: Vec<(f64, f64)> = known.map(|(a, b)| (area.x(*a), area.y(share(*b)))).collect();
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{} {}", num(*x), num(*y))).collect();
            if let [first, rest @ ..] = path.as_slice() {
                let rest: String = rest.iter().map(|at| format!("L{at}")).collect();
                stroke(canvas, &format!("M{first}{rest}"), colour(i), "2");
            }
            for (x, y) in places {
                canvas.rect([x - 2.5, y - 2.5, 5.0, 5.0], &format!(r#"rx="2.5" fill="{}""#, super::colours::hex(colour(i))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Plot, figure};

    #[test]
    fn lines_reach_from_end_to_end_and_leave_out_what_is_not_known() {
        let points = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)];
        let plot = LinePlot {
            across: "time (s)".into(),
            up: "volume (mL)".into(),
            lines: vec![PlotLine { name: "a<b".into(), points }, PlotLine { name: "none".into(), points: vec![] }],
        };
        let svg = figure::plot("t", &Plot::from(plot));
        let text = svg.as_str();
        assert!(text.contains("a&lt;b") && text.contains("volume (mL)") && text.contains("time (s)"), "{text}");
        // Two dots, and one stroke between them.
        assert_eq!((text.matches(r#"rx="2.5""#).count(), text.matches('L').count() > 0), (2, true));
        assert!(!text.contains("NaN") && svg.to_png(300).is_ok());
        assert!(figure::plot("t", &Plot::from(LinePlot::default())).to_png(100).is_ok());
    }
}
