//! Voxels into MetaImage files: a header and raw voxels in one file.

use std::fmt::Write;

use super::source::TYPES;
use crate::Result;
use crate::io::output::Target;
use crate::io::{Loss, Output, stored};
use crate::volume::Header;

pub(super) fn create(target: &Target, header: &Header) -> Result<Box<dyn Output>> {
    stored::begin(target, header, Loss::of_placed_values(header), |real| text(real).into_bytes())
}

fn text(header: &Header) -> String {
    let geometry = header.grid.geometry.as_ref();
    let position = geometry.and_then(|g| g.position.as_ref());
    let mut axes = header.grid.shape.axes().to_vec();
    if position.is_some() && axes.len() < 3 {
        // A flat image has no place in three dimensions: a volume of one slice has.
        axes.resize(3, 1);
    }
    let n = axes.len();
    let list = |each: &dyn Fn(usize) -> String, count: usize| (0..count).map(each).collect::<Vec<_>>().join(" ");
    let mut text = format!("ObjectType = Image\nNDims = {n}\nBinaryData = True\nBinaryDataByteOrderMSB = False\n");
    // Nothing fails that writes into a string.
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line("CompressedData", "False".into());
    if let Some(p) = position {
        // Row `a` is the direction of axis `a`; axes beyond the third stand for themselves.
        let cell = |i: usize| match (i / n, i % n) {
            (a, row) if a < 3 && row < 3 => p.direction[a][row],
            (a, row) => f64::from(u8::from(a == row)),
        };
        line("TransformMatrix", list(&|i| cell(i).to_string(), n * n));
        line("Offset", list(&|a| p.origin_mm.get(a).map_or("0".into(), f64::to_string), n));
        line("CenterOfRotation", list(&|_| "0".into(), n));
    }
    let step = header.grid.time_step_s.filter(|_| n > 3);
    if geometry.is_some() || step.is_some() {
        // No program reads a step of 0: one stands for a step that is not known.
        let spacing = |a: usize| match (a, geometry) {
            (0..=2, Some(g)) => g.spacing_mm[a],
            (3, _) => step.unwrap_or(1.0),
            _ => 1.0,
        };
        line("ElementSpacing", list(&|a| spacing(a).to_string(), n));
    }
    line("DimSize", list(&|a| axes[a].to_string(), n));
    let names = TYPES.iter().find(|(dtype, _)| *dtype == header.meaning.dtype).map_or("", |(_, names)| names[0]);
    line("ElementType", names.into());
    line("ElementDataFile", "LOCAL".into());
    text
}
