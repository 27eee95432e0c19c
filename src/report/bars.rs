//! Bar charts: one bar a name, groups beneath each other.

use super::colours::{BARS, hex};
use super::svg::{Anchor, Canvas, Style};

/// Room for the names, beside the bars.
const NAMES: f64 = 260.0;
/// Room for the values at the ends of the bars.
const VALUES: f64 = 110.0;
const BAR: f64 = 22.0;
const STEP: f64 = 30.0;
/// A group's name, and the space below the group.
const GROUP: [f64; 2] = [28.0, 16.0];

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// Its length; not negative.
    pub value: f64,
}

/// Groups of bars, each group on its own scale from 0, values written at the ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarPlot {
    /// The unit of all values.
    pub unit: String,
    /// They are counts, written without decimals.
    pub counts: bool,
    /// Each group with its name.
    pub groups: Vec<(String, Vec<Bar>)>,
}

impl BarPlot {
    /// Height of all groups.
    pub(super) fn height(&self) -> f64 {
        let rows: usize = self.groups.iter().map(|(_, bars)| bars.len()).sum();
        self.groups.len() as f64 * (GROUP[0] + GROUP[1]) + rows as f64 * STEP
    }

    /// Draws from (`x`, `y`) on, `w` wide.
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, mut y, w]: [f64; 3]) {
        let decimals = if self.counts { 0 } else { 2 };
        for (name, bars) in &self.groups {
            canvas.text(x, y + 16.0, Style::new(15.0, Anchor::Start).bold(), name);
            y += GROUP[0];
            let longest = bars.iter().map(|b| b.value).fold(0.0, f64::max);
            for bar in bars {
                let style = Style::new(13.0, Anchor::Start);
                canvas.text(x, y + 16.0, style, &style.fit(&bar.name, NAMES - 12.0));
                let room = w - NAMES - VALUES;
                let length = if longest > 0.0 { room * bar.value / longest } else { 0.0 };
                canvas.rect([x + NAMES, y, length.max(1.0), BAR], &format!(r#"fill="{}""#, hex(BARS)));
                canvas.text(x + NAMES + length + 8.0, y + 16.0, style.soft(), &format!("{:.decimals$} {}", bar.value, self.unit));
                y += STEP;
            }
            y += GROUP[1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Panel, Plot, figure};

    #[test]
    fn the_longest_bar_is_the_largest_value_and_names_are_escaped() {
        let bar = |name: &str, value| Bar { name: name.into(), value };
        let groups = vec![("g".into(), vec![bar("a<b", 1.0), bar("c", 4.0), bar("zero", 0.0)])];
        let plot = Plot::from(BarPlot { unit: "GB/s".into(), groups, ..BarPlot::default() });
        let svg = figure::plot("t", &plot);
        assert!(svg.as_str().contains("a&lt;b") && svg.as_str().contains("4.00 GB/s"));
        // 960 less margins, names and values.
        assert!(svg.as_str().contains(r#"width="534""#) && svg.as_str().contains(r#"width="133.5""#), "{}", svg.as_str());
        assert!(svg.to_png(400).is_ok());
        assert!(figure::plot("nothing", &Plot::from(BarPlot::default())).to_png(100).is_ok());
        let panel = Panel { plot: Some(plot), ..Panel::default() };
        assert!(figure::side_by_side("", &[panel]).unwrap().as_str().contains("zero"));
    }
}
