//! Figures from picked slices.

use hounsfield::io::output::{Staged, Target};
use hounsfield::report::Svg;
use hounsfield::{Error, Result};

/// Pixels across a figure in a PNG file; wider ones have one for each unit.
const FIGURE_WIDTH: u32 = 1600;

/// Writes a figure as its name says: `.svg`, or `.png` (`width` pixels wide, or a good figure's width).
pub fn stage(target: &Target, svg: &Svg, width: Option<u32>) -> Result<Staged> {
    check(target)?;
    match extension(target).as_str() {
        "svg" => target.stage_bytes(svg.as_str().as_bytes()),
        _ => target.stage_bytes(&svg.to_png(width.unwrap_or(FIGURE_WIDTH.max(svg.width())))?),
    }
}

/// Whether a figure can be written under this name; asked before any work is done.
pub fn check(target: &Target) -> Result<()> {
    match extension(target).as_str() {
        "svg" | "png" => Ok(()),
        _ => Err(Error::usage(format!("figures are PNG or SVG ({})", target.path().display()), "end the name in .png or .svg")),
    }
}

/// The extension of an output in lower case.
pub fn extension(target: &Target) -> String {
    target.path().extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}
