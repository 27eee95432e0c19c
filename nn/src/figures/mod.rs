//! Figures, by way of the library's report.

mod curves;
mod judgement;

pub use curves::curves;
pub use judgement::judgement;

use hounsfield::io::output::{Staged, Target};
use hounsfield::report::{Picture, Plane, Shade, Slice, Svg, View};
use hounsfield::volume::{Dtype, Header, Rescale, Rescales, Shape};
use hounsfield::{Error, Result};

/// Pixels across a figure in a PNG file, at least.
const WIDTH: u32 = 1600;

/// Writes a figure as its name says, `.svg` or `.png`.
///
/// # Errors
/// [`Error::Usage`] for another name, [`Error::Write`].
pub fn stage(target: &Target, svg: &Svg) -> Result<Staged> {
    match ending(target).as_str() {
        "svg" => target.stage_bytes(svg.as_str().as_bytes()),
        "png" => target.stage_bytes(&svg.to_png(WIDTH.max(svg.width()))?),
        _ => check(target).and_then(|()| target.stage_bytes(&[])),
    }
}

/// Whether a figure can be written under this name; asked before any work is done.
///
/// # Errors
/// [`Error::Usage`].
pub fn check(target: &Target) -> Result<()> {
    match ending(target).as_str() {
        "svg" | "png" => Ok(()),
        _ => Err(Error::usage(format!("a figure named {}", target.path().display()), "give it a name that ends in .svg or .png")),
    }
}

fn ending(target: &Target) -> String {
    target.path().extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// Numbers as greys, from the least to the greatest.
///
/// # Errors
/// As [`Picture::grey`].
pub fn grey(values: &[f32], width: usize, caption: String) -> Result<Picture> {
    let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let empty = || Error::usage("a picture without pixels", "give an image");
    let shape = Shape::new(&[width as u64, (values.len() / width.max(1)) as u64]).ok_or_else(empty)?;
    let header = Header::new(shape, Dtype::F32);
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let slice = Slice { view: View::new(&header, Plane::Axial), index: 0, volume: 0, dtype: Dtype::F32, bytes };
    let shade = Shade::over(&header, f64::from(low), f64::from(high));
    Ok(Picture::grey(&slice, &Rescales::Uniform(Rescale::IDENTITY), &shade)?.captioned(caption).bare())
}
