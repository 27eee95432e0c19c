//! What plots share: an area with scales, axes around it, a key above it.

use super::colours::{Rgb, hex};
use super::svg::{Anchor, Canvas, Style, num};
use super::ticks::ticks;

/// Labels along an axis of values, and beside marks.
pub(super) const LABEL: Style = Style::new(12.0, Anchor::Middle);
const TITLE: Style = Style::new(12.5, Anchor::Middle);
const AXIS: &str = r##"class="axis" stroke="#6e7781" stroke-width="1""##;
const GRID: &str = r##"class="grid" stroke="#d8dee4" stroke-width="1""##;

/// The scales of one plot on the canvas: values from left to right, shares of the height upwards.
pub(super) struct Area {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    /// The value at the left end.
    pub low: f64,
    /// The value at the right end.
    pub high: f64,
}

impl Area {
    /// Where a value lies.
    pub fn x(&self, value: f64) -> f64 {
        self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)
    }

    /// `fraction` of the height; what is higher stops at the top.
    pub fn y(&self, fraction: f64) -> f64 {
        self.bottom - fraction.clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Lines across the area, each a fraction of the height with its label on the left.
    pub fn left_axis(&self, canvas: &mut Canvas, ticks: impl IntoIterator<Item = (f64, String)>) {
        for (fraction, label) in ticks {
            let y = self.y(fraction);
            canvas.line((self.left, y), (self.right, y), GRID);
            canvas.text(self.left - 7.0, y + 4.0, Style::new(12.0, Anchor::End).soft(), &label);
        }
    }

    /// Marks on the right, each a fraction of the height with its label.
    pub fn right_axis(&self, canvas: &mut Canvas, ticks: impl IntoIterator<Item = (f64, String)>, colour: Rgb) {
        for (fraction, label) in ticks {
            let y = self.y(fraction);
            canvas.line((self.right, y), (self.right + 4.0, y), &format!(r#"stroke="{}""#, hex(colour)));
            canvas.coloured(self.right + 8.0, y + 4.0, Style::new(12.0, Anchor::Start), colour, false, &label);
        }
    }

    /// Marks below, at round values.
    pub fn value_axis(&self, canvas: &mut Canvas) {
        for (value, label) in ticks(self.low, self.high, 8) {
            let x = self.x(value);
            canvas.line((x, self.bottom), (x, self.bottom + 5.0), AXIS);
            canvas.text(x, self.bottom + 19.0, LABEL.soft(), &label);
        }
    }

    /// The line on which all stands; drawn last, over what stands on it.
    pub fn baseline(&self, canvas: &mut Canvas) {
        canvas.line((self.left, self.bottom), (self.right, self.bottom), AXIS);
    }

    /// What the left axis shows.
    pub fn left_title(&self, canvas: &mut Canvas, title: &str, colour: Rgb) {
        canvas.coloured(self.left - 48.0, self.middle(), TITLE, colour, true, title);
    }

    /// What the right axis shows.
    pub fn right_title(&self, canvas: &mut Canvas, title: &str, colour: Rgb) {
        canvas.coloured(self.right + 48.0, self.middle(), TITLE, colour, true, title);
    }

    /// What the values are.
    pub fn value_title(&self, canvas: &mut Canvas, title: &str) {
        let x = (self.left + self.right) / 2.0;
        canvas.text(x, self.bottom + 38.0, TITLE, &TITLE.fit(title, self.right - self.left));
    }

    fn middle(&self) -> f64 {
        (self.top + self.bottom) / 2.0
    }
}

/// What a colour in a plot stands for.
pub(super) struct KeyEntry<'a> {
    pub name: &'a str,
    pub colour: Rgb,
    /// A filled box, else a line.
    pub filled: bool,
}

/// Writes the key between `left` and `right` from `y` on, in as many rows as it takes, and says where it ends.
pub(super) fn key(canvas: &mut Canvas, entries: &[KeyEntry<'_>], [left, right]: [f64; 2], y: f64) -> f64 {
    let style = Style::new(12.0, Anchor::Start).soft();
    let (mut x, mut row) = (left, y + 12.0);
    for entry in entries {
        let name = style.fit(entry.name, right - left - 22.0);
        let width = style.width(&name) + 22.0;
        if x + width > right && x > left {
            (x, row) = (left, row + 18.0);
        }
        match entry.filled {
            true => canvas.rect([x, row - 10.0, 14.0, 11.0], &format!(r#"fill="{}" fill-opacity="0.85""#, hex(entry.colour))),
            false => stroke(canvas, &format!("M{} {}h14", num(x), num(row - 4.0)), entry.colour, "2.5"),
        }
        canvas.text(x + 20.0, row, style, &name);
        x += width + 18.0;
    }
    row
}

/// A line that is not filled.
pub(super) fn stroke(canvas: &mut Canvas, path: &str, colour: Rgb, width: &str) {
    let colour = hex(colour);
    canvas.raw(&format!(r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>"#));
}
