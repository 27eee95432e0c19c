//! `hounsfield window`: a display window, as DICOM defines it.

use hounsfield::analysis::steps::{Chain, Step, Voi};
use hounsfield::analysis::windows;
use hounsfield::{Error, Result, volume};

use super::pointwise::{self, Request};
use crate::args::{Shared, Window};

pub fn run(shared: &Shared, command: &Window) -> Result<()> {
    let function = command.function.map(pointwise::function);
    let voi = match (&command.preset, command.center.zip(command.width)) {
        (Some(name), _) => {
            // An unknown name is told by the step, which knows them all.
            let Step::Window(named) = format!("window:{name}").parse()? else {
                return Err(Error::usage(format!("there is no window {name:?}"), "give the name of a preset"));
            };
            match (windows::preset(name), function) {
                (Some(window), Some(function)) => Voi::Given(volume::Window { function, ..window }),
                _ => named,
            }
        }
        (None, Some((center, width))) => Voi::Given(volume::Window { center, width, function: function.unwrap_or_default() }),
        (None, None) if function.is_some() => {
            return Err(Error::usage(
                "the file's own window has a function",
                "give --function with --preset, or --center and --width",
            ));
        }
        (None, None) => Voi::File,
    };
    let request = Request {
        input: &command.input,
        output: &command.output,
        figure: command.figure.as_deref(),
        region: None,
        steps: Chain::new(vec![Step::Window(voi)])?,
        to: command.to,
        title: "Display window",
    };
    let done = pointwise::carry_out(shared, request)?;
    super::map::say(shared, &done)
}
