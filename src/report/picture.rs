//! Pixels of a slice with what is written and drawn on them.

use base64::Engine;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ExtendedColorType, GrayImage, RgbImage};

use super::colours::{Rgb, hex};
use super::svg::{Anchor, Canvas, Style, num, png};
use super::ticks::{number, round_up};
use super::{Shade, Slice};
use crate::volume::Rescales;
use crate::{Error, Result};

/// The longest side, in pixels, of a picture at its native resolution.
const LONGEST: f64 = 8192.0;

/// A picture of one slice.
#[derive(Debug, Clone)]
pub struct Picture {
    pixels: DynamicImage,
    pixel_mm: Option<[f64; 2]>,
    smooth: bool,
    edges: Option<[char; 4]>,
    caption: String,
    outlines: Vec<(String, Rgb)>,
    bare: bool,
}

impl Picture {
    /// The slice in greys. `rescale` is that of the volume the slice was cut from.
    ///
    /// # Errors
    /// [`Error::Usage`] if a side has 2³² pixels or more.
    pub fn grey(slice: &Slice, rescale: &Rescales, shade: &Shade) -> Result<Self> {
        let (w, h) = size(slice)?;
        let mut pixels = GrayImage::new(w, h);
        for (u, v, pixel) in pixels.enumerate_pixels_mut() {
            pixel.0 = [shade.grey(slice.real(u64::from(u), u64::from(v), rescale))];
        }
        Ok(Self::new(slice, DynamicImage::ImageLuma8(pixels), true))
    }

    /// The slice in colours, one for each stored value: labels.
    ///
    /// # Errors
    /// As [`Picture::grey`].
    pub fn coloured(slice: &Slice, colour: impl Fn(f64) -> Rgb) -> Result<Self> {
        let (w, h) = size(slice)?;
        let pixels = RgbImage::from_fn(w, h, |u, v| image::Rgb(colour(slice.stored(u64::from(u), u64::from(v)))));
        Ok(Self::new(slice, DynamicImage::ImageRgb8(pixels), false))
    }

    fn new(slice: &Slice, pixels: DynamicImage, smooth: bool) -> Self {
        Self {
            pixels,
            pixel_mm: slice.view.pixel_mm(),
            smooth,
            edges: slice.view.edges(),
            caption: slice.view.caption(slice.index),
            outlines: Vec::new(),
            bare: false,
        }
    }

    /// The pixels alone, as PNG: one for each voxel, or, where these are not square, [`Picture::native`].
    ///
    /// # Errors
    /// [`Error::Usage`] if it is too large to be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let (w, h) = self.native();
        let pixels = self.resized(w, h);
        png(pixels.as_bytes(), w, h, encoding(&pixels))
    }

    /// Without letters and scale bar.
    #[must_use]
    pub fn bare(self) -> Self {
        Self { bare: true, ..self }
    }

    /// With another caption.
    #[must_use]
    pub fn captioned(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// With colours laid over the greys: where `colour` gives one for a pixel of `labels`, right and down, it takes `share` (0 to 1)
    /// of the pixel. `labels` must be a slice of the same view; others change nothing.
    #[must_use]
    pub fn tinted(mut self, labels: &Slice, share: f64, colour: impl Fn(u64, u64) -> Option<Rgb>) -> Self {
        let mut pixels = self.pixels.to_rgb8();
        if (u64::from(pixels.width()), u64::from(pixels.height())) != (labels.width(), labels.height()) {
            return self;
        }
        for (u, v, pixel) in pixels.enumerate_pixels_mut() {
            if let Some(tint) = colour(u64::from(u), u64::from(v)) {
                let mix = |c: usize| f64::from(pixel.0[c]) * (1.0 - share) + f64::from(tint[c]) * share;
                pixel.0 = [0, 1, 2].map(|c| mix(c).round_ties_even() as u8);
            }
        }
        self.pixels = DynamicImage::ImageRgb8(pixels);
        self
    }

    /// With a line around the voxels of `mask` that are not 0. `mask` must be a slice of the same view; others draw nothing.
    #[must_use]
    pub fn outlined(mut self, mask: &Slice, colour: Rgb) -> Self {
        if (u64::from(self.pixels.width()), u64::from(self.pixels.height())) == (mask.width(), mask.height()) {
            self.outlines.push((contour(mask.width(), mask.height(), |u, v| mask.stored(u, v) != 0.0), colour));
        }
        self
    }

    /// Extent right and down: mm where the spacing is known, else pixels.
    pub(super) fn extent(&self) -> [f64; 2] {
        let [x, y] = self.pixel_mm.unwrap_or([1.0; 2]);
        [f64::from(self.pixels.width()) * x, f64::from(self.pixels.height()) * y]
    }

    /// Height per width as displayed.
    pub(super) fn ratio(&self) -> f64 {
        let [w, h] = self.extent();
        // Nobody can look at something a thousand times longer than wide; keep the layout finite.
        (h / w).clamp(1e-3, 1e3)
    }

    /// Whether there are no letters, which would need room.
    pub(super) fn is_bare(&self) -> bool {
        self.bare
    }

    /// What is written beneath.
    pub fn caption(&self) -> &str {
        &self.caption
    }

    /// Pixels that show every voxel, with square pixels: the finer spacing is kept, the coarser one stretched.
    pub fn native(&self) -> (u32, u32) {
        let [x, y] = self.pixel_mm.unwrap_or([1.0; 2]);
        let fine = x.min(y);
        let [w, h] = self.extent().map(|mm| mm / fine);
        let scale = (LONGEST / w.max(h)).min(1.0);
        ((w * scale).round().max(1.0) as u32, (h * scale).round().max(1.0) as u32)
    }

    /// The pixels resized to `w` × `h`: greys smoothly, labels by the nearest.
    fn resized(&self, w: u32, h: u32) -> DynamicImage {
        let (w0, h0) = (self.pixels.width(), self.pixels.height());
        if (w, h) == (w0, h0) {
            return self.pixels.clone();
        }
        let filter = match self.smooth {
            false => FilterType::Nearest,
            // Means over the pixels that fall together, or straight lines between them: no ringing at bone or metal.
            true => FilterType::Triangle,
        };
        match &self.pixels {
            DynamicImage::ImageRgb8(p) => DynamicImage::ImageRgb8(imageops::resize(p, w, h, filter)),
            other => DynamicImage::ImageLuma8(imageops::resize(&other.to_luma8(), w, h, filter)),
        }
    }

    /// Draws picture, outlines, letters and scale bar into the box [x, y, width, height], which has the picture's ratio.
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) -> Result<()> {
        // Two pixels for each of the canvas are enough for paper and fine screens.
        let (native_w, native_h) = self.native();
        let shrink = (2.0 * w / f64::from(native_w)).min(1.0);
        let side = |native: u32| (f64::from(native) * shrink).round().max(1.0) as u32;
        let pixels = self.resized(side(native_w), side(native_h));
        let png = png(pixels.as_bytes(), pixels.width(), pixels.height(), encoding(&pixels))?;
        let [bx, by, bw, bh] = [x, y, w, h].map(num);
        // Resized here already where it is shrunk; enlarged pixels of labels stay squares.
        let rendering = if self.smooth { "smooth" } else { "pixelated" };
        let data = base64::engine::general_purpose::STANDARD.encode(png);
        canvas.raw(&format!(
            r#"<image x="{bx}" y="{by}" width="{bw}" height="{bh}" preserveAspectRatio="none" style="image-rendering:{rendering}" xlink:href="data:image/png;base64,{data}"/>"#
        ));
        let (sx, sy) = (w / f64::from(self.pixels.width()), h / f64::from(self.pixels.height()));
        for (path, colour) in &self.outlines {
            let line = (w.min(h) / 250.0).clamp(1.0, 2.0);
            canvas.raw(&format!(
                r#"<g transform="translate({bx} {by}) scale({sx:.5} {sy:.5})"><path d="{path}" fill="none" stroke="{}" stroke-width="{}" stroke-linecap="square"/></g>"#,
                hex(*colour),
                // The group's scale widens lines; across unequal scales this is the mean.
                num_fine(line / (sx * sy).sqrt())
            ));
        }
        if !self.bare {
            self.letters(canvas, [x, y, w, h]);
            self.scale_bar(canvas, [x, y, w, h]);
        }
        Ok(())
    }

    fn letters(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) {
        let size = (w.min(h) / 22.0).clamp(10.0, 28.0);
        let Some([left, right, top, bottom]) = self.edges else { return };
        let pad = size * 0.4;
        let (cx, cy) = (x + w / 2.0, y + h / 2.0 + size * 0.36);
        let mut put = |x, y, anchor, letter: char| {
            canvas.haloed(x, y, Style::new(size, anchor).bold(), letter.encode_utf8(&mut [0; 4]));
        };
        if h > 1.5 * size {
            put(x + pad, cy, Anchor::Start, left);
            put(x + w - pad, cy, Anchor::End, right);
        }
        if h > 4.5 * size {
            put(cx, y + pad + size * 0.73, Anchor::Middle, top);
            put(cx, y + h - pad, Anchor::Middle, bottom);
        }
    }

    fn scale_bar(&self, canvas: &mut Canvas, [x, y, w, h]: [f64; 4]) {
        let size = (w.min(h) / 30.0).clamp(10.0, 20.0);
        if self.pixel_mm.is_none() || w < 150.0 || h < 6.0 * size {
            return;
        }
        let width_mm = self.extent()[0];
        let bar_mm = round_up(width_mm / 12.0);
        let bar = bar_mm / width_mm * w;
        let label = match bar_mm {
            mm if mm >= 10.0 => format!("{} cm", number(mm / 10.0, 1.0)),
            mm => format!("{} mm", number(mm, mm)),
        };
        let style = Style::new(size, Anchor::Middle);
        let pad = size * 0.8;
        let right = x + w - pad - (style.width(&label) - bar).max(0.0) / 2.0;
        let bottom = y + h - pad;
        for (colour, opacity, grow) in [("#000000", 0.75, 1.2), ("#ffffff", 1.0, 0.0)] {
            let box_ = [right - bar - grow, bottom - size * 0.18 - grow, bar + 2.0 * grow, size * 0.18 + 2.0 * grow];
            canvas.rect(box_, &format!(r#"fill="{colour}" fill-opacity="{opacity}""#));
        }
        canvas.haloed(right - bar / 2.0, bottom - size * 0.55, style, &label);
    }
}

fn encoding(pixels: &DynamicImage) -> ExtendedColorType {
    match pixels {
        DynamicImage::ImageRgb8(_) => ExtendedColorType::Rgb8,
        _ => ExtendedColorType::L8,
    }
}

fn num_fine(x: f64) -> String {
    format!("{x:.4}")
}

fn size(slice: &Slice) -> Result<(u32, u32)> {
    let side = |n: u64| {
        u32::try_from(n).map_err(|_| Error::usage(format!("a slice {n} voxels wide cannot be drawn"), "choose another plane"))
    };
    Ok((side(slice.width())?, side(slice.height())?))
}

/// The edges between pixels inside and outside, as path data in pixel coordinates; straight pieces joined.
fn contour(w: u64, h: u64, inside: impl Fn(u64, u64) -> bool) -> String {
    let at = |u: u64, v: u64| u > 0 && v > 0 && u <= w && v <= h && inside(u - 1, v - 1);
    let mut path = String::new();
    // `at` counts from 1, so that the rim around the picture is outside.
    let mut trace = |lines: u64, length: u64, edge: &dyn Fn(u64, u64) -> bool, level: bool| {
        for line in 0..=lines {
            let mut from = None;
            for i in 1..=length + 1 {
                match (from, i <= length && edge(line, i)) {
                    (None, true) => from = Some(i - 1),
                    (Some(start), false) => {
                        let (x, y) = if level { (start, line) } else { (line, start) };
                        let command = if level { 'h' } else { 'v' };
                        path.push_str(&format!("M{x} {y}{command}{}", i - 1 - start));
                        from = None;
                    }
                    _ => {}
                }
            }
        }
    };
    trace(h, w, &|line, i| at(i, line) != at(i, line + 1), true);
    trace(w, h, &|line, i| at(line, i) != at(line + 1, i), false);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Picker, Plane, View, display_window};
    use crate::volume::{Dtype, Geometry, Header, Rescale, Shape};

    fn slice(plane: Plane) -> (Header, Slice) {
        let mut header = Header::new(Shape::new(&[4, 3, 2]).unwrap(), Dtype::U8);
        header.grid.geometry = Some(Geometry::spacing([1.0, 1.0, 3.0]));
        let index = View::new(&header, plane).middle();
        let picker = Picker::new(&header, &[(plane, index)], 0).unwrap();
        picker.take(0, &(0..24).collect::<Vec<u8>>());
        let slice = picker.finish().remove(0);
        (header, slice)
    }

    #[test]
    fn aspect_follows_the_spacing() {
        let (header, slice) = slice(Plane::Coronal);
        let shade = Shade::new(&header, display_window(&header, 0.0, 23.0, 0.0, 23.0));
        let picture = Picture::grey(&slice, &header.meaning.rescale, &shade).unwrap();
        assert_eq!(picture.native(), (4, 6));
        assert_eq!(picture.ratio(), 1.5);
        assert!(picture.edges.is_none(), "nobody knows where left is");
    }

    #[test]
    fn each_slice_has_its_own_rescale() {
        let (mut header, slice) = slice(Plane::Coronal);
        let gain = |slope| Rescale { slope, intercept: 0.0 };
        header.meaning.rescale = Rescales::PerSlice(vec![gain(1.0), gain(10.0)]);
        let window = crate::volume::Window { center: 127.5, width: 255.0, function: crate::volume::WindowFunction::LinearExact };
        let picture = Picture::grey(&slice, &header.meaning.rescale, &Shade::new(&header, window)).unwrap();
        // Superior on top: z = 1 (voxels 16..20 of y = 1, times ten), then z = 0 (voxels 4..8).
        assert_eq!(picture.pixels.as_bytes(), [160, 170, 180, 190, 4, 5, 6, 7]);
    }

    #[test]
    fn a_contour_goes_around() {
        assert_eq!(contour(3, 3, |u, v| (u, v) == (1, 1)), "M1 1h1M1 2h1M1 1v1M2 1v1");
        assert_eq!(contour(2, 1, |_, _| true), "M0 0h2M0 1h2M0 0v1M2 0v1");
        assert_eq!(contour(2, 2, |_, _| false), "");
    }

    #[test]
    fn tints_mix() {
        let (_, slice) = slice(Plane::Axial);
        let picture = Picture::coloured(&slice, |_| [100; 3]).unwrap();
        let tinted = picture.tinted(&slice, 0.5, |u, v| (slice.stored(u, v) == 12.0).then_some([200, 0, 100]));
        assert_eq!(&tinted.pixels.as_bytes()[..6], [150, 50, 100, 100, 100, 100]);
    }
}
