//! What is printed.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use hounsfield::findings::Rows;
use hounsfield::{Error, Result};

use crate::args::Shared;

/// Whether standard output is taken by a volume: results then go where everything else goes.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A volume goes to standard output, and nothing else may.
pub fn give_way() {
    TAKEN.store(true, Ordering::Relaxed);
}

/// Prints results. A reader that has gone away wants no more: success.
pub fn print(text: &str) -> Result<()> {
    if TAKEN.load(Ordering::Relaxed) {
        eprint!("{text}");
        return Ok(());
    }
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
