//! Writing SVG, and rendering it to PNG with the font that the program carries.
//!
//! Shapes carry a class beside their colour (`ink`, `soft`, `axis`, `grid`, `paper`), so that a page can restyle them for a
//! dark screen while the file alone is complete.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::colours::{Rgb, hex};
use crate::{Error, Result};

/// Wide sans fonts of other systems come after the one that PNG files are set in: their text is no wider.
const FONTS: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// The longest side of a PNG in pixels.
const LONGEST: u32 = 16_384;

/// A complete figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Svg {
    text: String,
    width: f64,
    height: f64,
}

impl Svg {
    /// The figure as text: a complete SVG file, also fit to be placed in an HTML page.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Natural width in pixels.
    pub fn width(&self) -> u32 {
        self.width.round() as u32
    }

    /// Natural height in pixels.
    pub fn height(&self) -> u32 {
        self.height.round() as u32
    }

    /// The figure as a PNG file, `width` pixels wide.
    ///
    /// # Errors
    /// [`Error::Usage`] if the picture would have no pixels or a side of more than 16,384.
    pub fn to_png(&self, width: u32) -> Result<Vec<u8>> {
        let scale = f64::from(width) / self.width;
        let height = (self.height * scale).round() as u32;
        if width == 0 || height == 0 || width > LONGEST || height > LONGEST {
            return Err(Error::usage(
                format!("a picture of {width} x {height} pixels cannot be drawn"),
                format!("choose a width that makes it 1 to {LONGEST} pixels wide and high"),
            ));
        }
        let broken = |what: String| Error::usage(format!("the figure cannot be drawn: {what}"), "report this as a bug");
        let options = usvg::Options { fontdb: fonts(), font_family: "DejaVu Sans".into(), ..Default::default() };
        let tree = usvg::Tree::from_str(&self.text, &options).map_err(|e| broken(e.to_string()))?;
        let mut pixels = Pixmap::new(width, height).ok_or_else(|| broken("no memory".into()))?;
        // The height is rounded to whole pixels: stretch by less than one, so that no bright line is left at the bottom.
        let (sx, sy) = (f64::from(width) / self.width, f64::from(height) / self.height);
        resvg::render(&tree, Transform::from_scale(sx as f32, sy as f32), &mut pixels.as_mut());
        let rgb: Vec<u8> = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
        png(&rgb, width, height, image::ExtendedColorType::Rgb8)
    }
}

/// Encodes pixels as a PNG file.
pub(super) fn png(pixels: &[u8], width: u32, height: u32, colour: image::ExtendedColorType) -> Result<Vec<u8>> {
    use image::ImageEncoder;
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, CompressionType::Default, FilterType::Adaptive)
        .write_image(pixels, width, height, colour)
        .map_err(|e| Error::usage(format!("the picture cannot be encoded: {e}"), "report this as a bug"))?;
    Ok(out)
}

/// DejaVu Sans, regular and bold; no font of the system, so that every machine draws the same.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
        }
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// Text as it may stand in SVG and HTML, in attributes too. Characters that XML does not know become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Where text stands relative to its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub size: f64,
    pub bold: bool,
    pub soft: bool,
    pub anchor: Anchor,
}

impl Style {
    pub const fn new(size: f64, anchor: Anchor) -> Self {
        Self { size, bold: false, soft: false, anchor }
    }

    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub const fn soft(self) -> Self {
        Self { soft: true, ..self }
    }

    /// From its point on to the right.
    pub const fn start(self) -> Self {
        Self { anchor: Anchor::Start, ..self }
    }

    /// Width of `text` in this style: an upper estimate from DejaVu Sans' advance widths.
    pub fn width(&self, text: &str) -> f64 {
        let em: f64 = text.chars().map(advance).sum();
        em * self.size * if self.bold { 1.12 } else { 1.0 }
    }

    /// `text`, or as much of its beginning and end as is at most `width` wide.
    pub fn fit(&self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.into();
        }
        let letters: Vec<char> = text.chars().collect();
        let shortened = (2..letters.len()).rev().map(|keep| {
            let tail = keep / 2;
            letters[..keep - tail].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect::<String>()
        });
        shortened.into_iter().find(|s| self.width(s) <= width).unwrap_or_default()
    }
}

fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' => 0.28,
        ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '·' | '/' | '-' | 'I' | 't' | 'f' | '(' | ')' | '[' | ']' | '!' => 0.40,
        'r' | 's' | 'c' | 'z' | 'k' | 'x' | 'y' | 'v' | 'J' => 0.59,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 1.0,
        'A'..='Z' | '−' | '+' | '=' | '<' | '>' | '×' | '≤' | '≥' | '~' | '#' => 0.84,
        c if c.is_ascii() || c < '\u{250}' => 0.64,
        _ => 1.0,
    }
}

/// A number as coordinates are written: two decimals, no trailing zeros.
pub(super) fn num(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// A figure being drawn.
#[derive(Debug)]
pub(super) struct Canvas {
    body: String,
    width: f64,
    height: f64,
}

impl Canvas {
    pub fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    /// Anything, as it is. The caller escapes.
    pub fn raw(&mut self, svg: &str) {
        self.body.push_str(svg);
        self.body.push('\n');
    }

    pub fn text(&mut self, x: f64, y: f64, style: Style, text: &str) {
        let attributes = self::text(style);
        let (class, fill) = if style.soft { ("soft", "#57606a") } else { ("ink", "#1b1f24") };
        self.raw(&format!(
            r#"<text class="{class}" x="{}" y="{}" fill="{fill}"{attributes}>{}</text>"#,
            num(x),
            num(y),
            escape(text)
        ));
    }

    /// Text in a colour of its own; `turned`: reads upwards.
    pub fn coloured(&mut self, x: f64, y: f64, style: Style, colour: Rgb, turned: bool, text: &str) {
        let (x, y) = (num(x), num(y));
        let turn = if turned { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
        let attributes = self::text(style);
        self.raw(&format!(r#"<text x="{x}" y="{y}" fill="{}"{attributes}{turn}>{}</text>"#, hex(colour), escape(text)));
    }

    /// White text with a dark rim, readable on any picture.
    pub fn haloed(&mut self, x: f64, y: f64, style: Style, text: &str) {
        self.raw(&format!(
            r##"<text x="{}" y="{}" fill="#ffffff" stroke="#000000" stroke-opacity="0.75" stroke-width="{}" stroke-linejoin="round" paint-order="stroke"{}>{}</text>"##,
            num(x),
            num(y),
            num(style.size / 4.5),
            self::text(style),
            escape(text)
        ));
    }

    pub fn rect(&mut self, [x, y, w, h]: [f64; 4], attributes: &str) {
        self.raw(&format!(r#"<rect x="{}" y="{}" width="{}" height="{}" {attributes}/>"#, num(x), num(y), num(w), num(h)));
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), attributes: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(num);
        self.raw(&format!(r#"<path d="M{x1} {y1}L{x2} {y2}" fill="none" {attributes}/>"#));
    }

    /// The file. `describe` is read out by screen readers.
    pub fn finish(self, describe: &str) -> Svg {
        let Self { body, width, height } = self;
        let (w, h) = (num(width), num(height));
        let describe = escape(if describe.is_empty() { "figure" } else { describe });
        let mut text = String::with_capacity(body.len() + 512);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            r##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{w}" height="{h}" viewBox="0 0 {w} {h}" font-family="{FONTS}" role="img" aria-label="{describe}">
<rect class="paper" width="{w}" height="{h}" fill="#ffffff"/>
{body}</svg>
"##
        );
        Svg { text, width, height }
    }
}

fn text(style: Style) -> String {
    let anchor = match style.anchor {
        Anchor::Start => "",
        Anchor::Middle => r#" text-anchor="middle""#,
        Anchor::End => r#" text-anchor="end""#,
    };
    let weight = if style.bold { r#" font-weight="bold""# } else { "" };
    format!(r#" font-size="{}"{weight}{anchor}"#, num(style.size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escape("a<b>&\"'\u{1}\n"), "a&lt;b&gt;&amp;&quot;&#39;\u{fffd} ");
        let mut canvas = Canvas::new(100.0, 50.0);
        let evil = "</text><script>alert('1')</script>&\u{0}";
        canvas.text(1.0, 20.0, Style::new(12.0, Anchor::Start), evil);
        let svg = canvas.finish(evil);
        assert!(!svg.as_str().contains("<script"));
        usvg::Tree::from_str(svg.as_str(), &usvg::Options::default()).unwrap();
    }

    #[test]
    fn a_png_has_the_width_asked_for_and_the_same_bytes_each_time() {
        let mut canvas = Canvas::new(100.0, 50.0);
        canvas.text(1.0, 20.0, Style::new(12.0, Anchor::Start), "text");
        let svg = canvas.finish("");
        let png = svg.to_png(301).unwrap();
        let image = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!(image.dimensions(), (301, 151));
        assert!(image.pixels().any(|p| p.0[0] < 100), "there is text");
        assert_eq!(image.get_pixel(0, 150).0[0], 255, "no rim");
        assert_eq!(png, svg.to_png(301).unwrap());
        assert!(svg.to_png(0).is_err());
        assert!(svg.to_png(16_385).is_err());
    }

    #[test]
    fn widths_are_never_too_small() {
        let style = Style::new(100.0, Anchor::Start);
        for text in
            ["Axial 41 / 80 · S 120.0 mm", "share of voxels per bin of 4 HU (%)", "ct_chest_lungpetctdx_A0002", "−1000 HU"]
        {
            let mut canvas = Canvas::new(10_000.0, 200.0);
            canvas.text(0.0, 100.0, style, text);
            let options = usvg::Options { fontdb: fonts(), ..Default::default() };
            let tree = usvg::Tree::from_str(canvas.finish("").as_str(), &options).unwrap();
            let real = tree.root().children()[1].abs_bounding_box().width();
            let estimate = style.width(text) as f32;
            assert!(estimate >= real && estimate < 1.3 * real, "{text}: {estimate} for {real}");
        }
    }

    #[test]
    fn long_text_is_cut_in_the_middle() {
        let style = Style::new(10.0, Anchor::Start);
        assert_eq!(style.fit("short", 100.0), "short");
        let cut = style.fit("a_very_long_file_name_of_a_series.nii.gz", 100.0);
        assert!(cut.starts_with("a_ve") && cut.ends_with("i.gz") && cut.contains('…'), "{cut}");
        assert!(style.width(&cut) <= 100.0);
    }
}
