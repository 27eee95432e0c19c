//! Figures from picked slices.

use std::collections::{BTreeMap, BTreeSet};

use hounsfield::io::output::{Staged, Target};
use hounsfield::report::{Key, Picture, Shade, Slice, Svg, colours};
use hounsfield::volume::{Dtype, Rescales};
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

/// A slice of a label map: as outlines over a slice of an image, or without one in the colours of labels. With the labels that it shows.
pub fn labelled(
    labels: &Slice,
    rescale: &Rescales,
    under: Option<(&Slice, &Rescales, &Shade)>,
) -> Result<(Picture, BTreeSet<u64>)> {
    let pixels = || (0..labels.height()).flat_map(|v| (0..labels.width()).map(move |u| (u, v)));
    let number = |(u, v)| labels.real(u, v, rescale) as u64;
    let here: BTreeSet<u64> = pixels().map(number).filter(|label| *label > 0).collect();
    let Some((image, real, shade)) = under else {
        let colour = |value: f64| if value == 0.0 { [0; 3] } else { colours::label(rescale.of_slice(0).real(value) as u64) };
        return Ok((Picture::coloured(labels, colour)?, here));
    };
    let mut picture = Picture::grey(image, real, shade)?;
    for label in &here {
        let bytes = pixels().map(|pixel| u8::from(number(pixel) == *label)).collect();
        picture = picture.outlined(&Slice { dtype: Dtype::U8, bytes, ..labels.clone() }, colours::label(*label));
    }
    Ok((picture, here))
}

/// What the colours of these labels mean.
pub fn label_keys(labels: &BTreeSet<u64>, names: &BTreeMap<u16, String>) -> Vec<Key> {
    let name = |label: &u64| match names.get(&(*label as u16)) {
        Some(name) => format!("{label} {name}"),
        None => label.to_string(),
    };
    labels.iter().map(|label| Key { name: name(label), colour: colours::label(*label) }).collect()
}
