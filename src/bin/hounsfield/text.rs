//! What is printed.

use std::io::Write;

use hounsfield::findings::Rows;
use hounsfield::{Error, Result};

use crate::args::Shared;

/// Prints results. A reader that has gone away wants no more: success.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => Err(Error::Write { path: "standard output".into(), source: e }),
        Ok(()) => Ok(()),
    }
}

/// Prints a JSON value, indented.
pub fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

/// A result as people read it, or as JSON for programs.
pub fn tell(shared: &Shared, text: &str, rows: &Rows) -> Result<()> {
    if shared.json { print_json(&rows.json()) } else { print(text) }
}

/// A command as a reader could type it: what was given of some flags, each with its value.
pub fn command_line(start: String, flags: &[(&str, Option<String>)]) -> String {
    flags.iter().fold(start, |line, (flag, value)| match value {
        Some(value) => format!("{line} {flag} {value}"),
        None => line,
    })
}
