//! Pictures and plots put together: one call, one [`Svg`].

use super::colours::{Rgb, hex};
use super::layout::{CAPTION, GAP, Layout, arrange, grid};
use super::svg::{Anchor, Canvas, Style, num};
use super::{Picture, Plot, Svg};
use crate::{Error, Result};

/// Margin around a figure.
const MARGIN: f64 = 28.0;
/// Width of one panel.
const PANEL: f64 = 640.0;
/// Space between panels.
const BETWEEN: f64 = 44.0;
/// Most height that a panel's pictures take.
const PICTURES: f64 = 520.0;

const TITLE: Style = Style::new(21.0, Anchor::Start).bold();
const HEADING: Style = Style::new(16.0, Anchor::Start).bold();
const SMALL: Style = Style::new(12.0, Anchor::Start).soft();

/// One column of a figure: pictures above, a plot beneath.
#[derive(Debug, Clone, Default)]
pub struct Panel {
    /// What it shows; may be empty.
    pub title: String,
    /// One picture, or the three planes of a volume.
    pub pictures: Vec<Picture>,
    /// What the colours mean.
    pub keys: Vec<Key>,
    /// What is counted or measured of them.
    pub plot: Option<Plot>,
}

/// One entry of a key: a label's name and colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Name.
    pub name: String,
    /// Colour.
    pub colour: Rgb,
}

/// Panels side by side, each with its pictures and, where it has one, its plot beneath; pictures, keys and plots level.
///
/// # Errors
/// [`Error::Usage`] if a picture is too large to be drawn.
pub fn side_by_side(title: &str, panels: &[Panel]) -> Result<Svg> {
    let layouts: Vec<Layout> =
        panels.iter().map(|p| arrange(&p.pictures.iter().map(Picture::ratio).collect::<Vec<_>>(), PANEL, PICTURES)).collect();
    let keys: Vec<Layout> = panels.iter().map(|p| key_layout(&p.keys, PANEL)).collect();
    let highest = |all: &[Layout]| all.iter().fold(0.0, |h: f64, l| h.max(l.1));
    let any = |yes: bool, height: f64| if yes { height } else { 0.0 };

    let title_height = any(!title.is_empty(), 38.0);
    let heading = any(panels.iter().any(|p| !p.title.is_empty()), 28.0);
    let pictures_y = MARGIN + title_height + heading;
    let keys_y = pictures_y + highest(&layouts) + any(panels.iter().any(|p| !p.keys.is_empty()), 6.0);
    let plot_y = keys_y + highest(&keys) + any(panels.iter().any(|p| !p.pictures.is_empty()), 16.0);
    let plot_height = panels.iter().filter_map(|p| p.plot.as_ref()).map(Plot::height).fold(0.0, f64::max);
    let height = plot_y + plot_height + MARGIN * 0.6;
    let count = panels.len().max(1) as f64;
    let width = 2.0 * MARGIN + count * PANEL + (count - 1.0) * BETWEEN;

    let mut canvas = Canvas::new(width, height);
    canvas.text(MARGIN, MARGIN + 18.0, TITLE, &TITLE.fit(title, width - 2.0 * MARGIN));
    for (i, (panel, (layout, keys))) in panels.iter().zip(layouts.iter().zip(&keys)).enumerate() {
        let x = MARGIN + i as f64 * (PANEL + BETWEEN);
        canvas.text(x, MARGIN + title_height + 14.0, HEADING, &HEADING.fit(&panel.title, PANEL));
        pictures(&mut canvas, &panel.pictures, layout, x, pictures_y)?;
        draw_keys(&mut canvas, &panel.keys, keys, x, keys_y);
        if let Some(plot) = &panel.plot {
            plot.draw(&mut canvas, [x, plot_y, PANEL, plot_height]);
        }
    }
    Ok(canvas.finish(title))
}

/// Pictures without a plot: one, or the three planes of a volume, with what their colours mean.
///
/// # Errors
/// As [`side_by_side`].
pub fn pictures_only(title: &str, pictures: Vec<Picture>, keys: Vec<Key>) -> Result<Svg> {
    side_by_side(title, &[Panel { pictures, keys, ..Panel::default() }])
}

/// Many slices in a near-square grid, each with its caption.
///
/// # Errors
/// As [`side_by_side`]; also without pictures.
pub fn montage(title: &str, pictures: &[Picture], keys: &[Key]) -> Result<Svg> {
    if pictures.is_empty() {
        return Err(Error::usage("a montage of no slices", "ask for one or more"));
    }
    let columns = (pictures.len() as f64).sqrt().ceil();
    // Few slices need not be larger than a screen, many must not be too small to see.
    let inner = (columns * 420.0).clamp(PANEL, 1360.0);
    let layout = grid(&pictures.iter().map(Picture::ratio).collect::<Vec<_>>(), columns as usize, inner);
    let keys_layout = key_layout(keys, inner);
    let title_height = if title.is_empty() { 0.0 } else { 38.0 };
    let pictures_y = MARGIN + title_height;
    let keys_y = pictures_y + layout.1 + 8.0;
    let mut canvas = Canvas::new(inner + 2.0 * MARGIN, keys_y + keys_layout.1 + MARGIN * 0.6);
    canvas.text(MARGIN, MARGIN + 18.0, TITLE, &TITLE.fit(title, inner));
    self::pictures(&mut canvas, pictures, &layout, MARGIN, pictures_y)?;
    draw_keys(&mut canvas, keys, &keys_layout, MARGIN, keys_y);
    Ok(canvas.finish(title))
}

/// One plot alone.
pub fn plot(title: &str, plot: &Plot) -> Svg {
    let width = 960.0;
    let untitled = title.is_empty();
    let (top, height) = match plot {
        Plot::Histogram(_) | Plot::Lines(_) => (if untitled { MARGIN * 0.6 } else { MARGIN + 34.0 }, 520.0),
        Plot::Bars(_) | Plot::Boxes(_) => (MARGIN + 40.0, plot.height() + 2.0 * MARGIN + 30.0),
    };
    let mut canvas = Canvas::new(width, height);
    canvas.text(MARGIN, MARGIN + 16.0, TITLE, &TITLE.fit(title, width - 2.0 * MARGIN));
    match plot {
        // Titles of axes reach into the margin.
        Plot::Histogram(_) | Plot::Lines(_) => {
            plot.draw(&mut canvas, [MARGIN * 0.5, top, width - MARGIN, height - top - MARGIN * 0.4])
        }
        Plot::Bars(_) | Plot::Boxes(_) => plot.draw(&mut canvas, [MARGIN, top, width - 2.0 * MARGIN, plot.height()]),
    }
    canvas.finish(title)
}

/// A picture alone, without margins: [`Svg::width`] is the width at which each pixel shows as one, or, where the shorter side
/// would have less than 256 (room for the letters), as the same small number each way.
///
/// # Errors
/// As [`side_by_side`].
pub fn plain(picture: &Picture) -> Result<Svg> {
    let (w, h) = picture.native();
    // Something long and thin is not blown up without end.
    let times = if picture.is_bare() { 1 } else { 256u32.div_ceil(w.min(h)).min(2048 / w.max(h)).max(1) };
    let (w, h) = (f64::from(w * times), f64::from(h * times));
    let mut canvas = Canvas::new(w, h);
    picture.draw(&mut canvas, [0.0, 0.0, w, h])?;
    Ok(canvas.finish(picture.caption()))
}

fn pictures(canvas: &mut Canvas, pictures: &[Picture], layout: &Layout, x: f64, y: f64) -> Result<()> {
    for (picture, &[left, top, w, h]) in pictures.iter().zip(&layout.0) {
        picture.draw(canvas, [x + left, y + top, w, h])?;
        // A narrow picture's caption may run on to the right as far as the gap.
        let style = Style { size: if w < 200.0 { 10.5 } else { 12.0 }, ..SMALL };
        canvas.text(x + left, y + top + h + CAPTION - 5.0, style, &style.fit(picture.caption(), w + GAP * 0.5));
    }
    Ok(())
}

/// Boxes of a key's entries, filled row by row.
fn key_layout(keys: &[Key], width: f64) -> Layout {
    let (mut x, mut y) = (0.0, 0.0);
    let boxes: Vec<[f64; 4]> = keys
        .iter()
        .map(|key| {
            let w = (SMALL.width(&key.name) + 22.0).min(width);
            if x > 0.0 && x + w > width {
                (x, y) = (0.0, y + 20.0);
            }
            let entry = [x, y, w, 20.0];
            x += w + 18.0;
            entry
        })
        .collect();
    let height = if boxes.is_empty() { 0.0 } else { y + 20.0 };
    (boxes, height)
}

fn draw_keys(canvas: &mut Canvas, keys: &[Key], layout: &Layout, x: f64, y: f64) {
    for (key, &[left, top, w, _]) in keys.iter().zip(&layout.0) {
        let (x, y) = (x + left, y + top);
        canvas.raw(&format!(
            r##"<rect class="swatch" x="{}" y="{}" width="14" height="14" rx="2" fill="{}" stroke="#6e7781" stroke-width="0.75"/>"##,
            num(x),
            num(y + 2.0),
            hex(key.colour)
        ));
        canvas.text(x + 20.0, y + 13.5, SMALL, &SMALL.fit(&key.name, w - 20.0));
    }
}
