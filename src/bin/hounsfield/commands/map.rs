//! `hounsfield map`: a chain of point-wise steps, in one pass.

use hounsfield::Result;
use serde_json::Value;

use super::pointwise::{self, Done, Request};
use crate::args::{Map, Shared};
use crate::text::{count, number, print, print_json};

pub fn run(shared: &Shared, command: &Map) -> Result<()> {
    let request = Request {
        input: &command.input,
        output: &command.output,
        figure: command.figure.as_deref(),
        region: Some(&command.region),
        steps: command.steps.parse()?,
        to: command.to,
        title: "Point-wise steps",
    };
    let done = pointwise::carry_out(shared, request)?;
    say(shared, &done)
}

/// Prints what was done.
pub fn say(shared: &Shared, done: &Done) -> Result<()> {
    if shared.json {
        return print_json(&Value::Object(pointwise::as_json(done)));
    }
    let out = done.mapping.header();
    let mut text = format!(
        "{}: {} {}, {} voxels counted, on {}\n{}",
        done.image.path().display(),
        out.shape,
        out.dtype,
        count(done.mapping.counted()),
        done.device.name(),
        pointwise::as_text(done.mapping.composed())
    );
    if let Some(bins) = done.mapping.bins() {
        text += &format!("  statistics of true floats: over {} bins that follow the voxels\n", count(bins as u64));
    }
    if let Some(bound) = done.mapping.bound() {
        text += &format!("  results within {} of the same steps in float64\n", number(bound));
    }
    if let Some(file) = &done.figure {
        text += &format!("{}\n", file.path().display());
    }
    print(&text)
}
