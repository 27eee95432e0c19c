//! Progress on stderr, and the wish to stop.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use hounsfield::pipelines::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Shared;

static STOP: AtomicBool = AtomicBool::new(false);

/// Ctrl-C, or a polite kill, stops at the next block, so that temporary files go; a second one stops at once.
pub fn catch_signals() {
    // Fails only if a handler is set already, and none is.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

/// Follows one pass.
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
    events: Mutex<Vec<String>>,
}

impl Progress {
    /// A bar over `bytes` of input if stderr is a terminal, else nothing.
    pub fn new(shared: &Shared, what: &'static str, bytes: u64) -> Self {
        let template = "{msg:>10} [{bar:40}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
        Self::with(shared, what, bytes, template)
    }

    /// The same over a number of files.
    pub fn files(shared: &Shared, what: &'static str, files: u64) -> Self {
        Self::with(shared, what, files, "{msg:>10} [{bar:40}] {pos} of {len} files, {eta} left")
    }

    fn with(shared: &Shared, what: &'static str, length: u64, template: &str) -> Self {
        let shown = std::io::stderr().is_terminal() && !shared.quiet;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target).with_message(what);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, quiet: shared.quiet, events: Mutex::default() }
    }

    /// Says something without tearing the bar.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("hounsfield: {text}"));
    }

    /// Ends the pass and says what happened in it.
    pub fn finish(self) -> Vec<String> {
        self.bar.finish_and_clear();
        self.events.into_inner().unwrap_or_default()
    }
}

impl Watch for Progress {
    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn event(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
        if let Ok(mut events) = self.events.lock() {
            events.push(text.into());
        }
    }

    fn stopped(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
