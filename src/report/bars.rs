//! Bar charts: one bar a name, groups beneath each other.

use super::Svg;
use super::colours::{BARS, hex};
use super::svg::{Anchor, Canvas, Style};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 28.0;
const NAMES: f64 = 260.0;
const BAR: f64 = 22.0;
const STEP: f64 = 30.0;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// Its length; not negative.
    pub value: f64,
}

/// Groups of bars, each group on its own scale from 0, values written at the ends.
pub fn bars(title: &str, unit: &str, groups: &[(String, Vec<Bar>)]) -> Svg {
    let rows: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    let height = 2.0 * MARGIN + 30.0 + groups.len() as f64 * 44.0 + rows as f64 * STEP;
    let mut canvas = Canvas::new(WIDTH, height);
    canvas.text(MARGIN, MARGIN + 16.0, Style::new(21.0, Anchor::Start).bold(), title);
    let mut y = MARGIN + 40.0;
    for (name, bars) in groups {
        canvas.text(MARGIN, y + 16.0, Style::new(15.0, Anchor::Start).bold(), name);
        y += 28.0;
        let longest = bars.iter().map(|b| b.value).fold(0.0, f64::max);
        for bar in bars {
            let style = Style::new(13.0, Anchor::Start);
            canvas.text(MARGIN, y + 16.0, style, &style.fit(&bar.name, NAMES - 12.0));
            let room = WIDTH - 2.0 * MARGIN - NAMES - 110.0;
            let length = if longest > 0.0 { room * bar.value / longest } else { 0.0 };
            canvas.rect([MARGIN + NAMES, y, length.max(1.0), BAR], &format!(r#"fill="{}""#, hex(BARS)));
            canvas.text(MARGIN + NAMES + length + 8.0, y + 16.0, style.soft(), &format!("{:.2} {unit}", bar.value));
            y += STEP;
        }
        y += 16.0;
    }
    canvas.finish(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_the_largest_value_and_names_are_escaped() {
        let bar = |name: &str, value| Bar { name: name.into(), value };
        let svg = bars("t", "GB/s", &[("g".into(), vec![bar("a<b", 1.0), bar("c", 4.0), bar("zero", 0.0)])]);
        assert!(svg.as_str().contains("a&lt;b") && svg.as_str().contains("4.00 GB/s"));
        assert!(svg.to_png(400).is_ok());
        assert!(bars("nothing", "", &[]).to_png(100).is_ok());
    }
}
