//! Progress on stderr, and the wish to stop.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use hounsfield::{Error, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Shared;
use crate::data::Follow;
use crate::train::{Epoch, Watch};

static STOP: AtomicBool = AtomicBool::new(false);

/// Ctrl-C, or a polite kill, stops after the step that is being computed; a second one stops at once. What was kept after the last epoch stays.
pub fn catch_signals() {
    // Fails only if a handler is set already, and none is.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

/// Whether the user wants to stop.
///
/// # Errors
/// [`Error::Interrupted`] then.
pub fn go_on() -> Result<()> {
    if STOP.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { Ok(()) }
}

/// A bar where stderr is a terminal.
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    /// Follows so many things; a length of 0 is told later.
    pub fn new(shared: &Shared, what: &'static str, length: u64) -> Self {
        let shown = std::io::stderr().is_terminal() && !shared.quiet;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos} of {len}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, quiet: shared.quiet }
    }

    /// One epoch is done: a line that stays.
    pub fn epoch(&self, epoch: &Epoch, of: usize, metric: &str, best: bool) {
        let Epoch { epoch, train_loss, val_loss, val_metric, seconds, .. } = epoch;
        let mark = if best { ", the best so far" } else { "" };
        self.say(&format!(
            "epoch {epoch} of {of}: loss {train_loss:.4}, validation loss {val_loss:.4}, {metric} {val_metric:.4}, {seconds:.1} s{mark}"
        ));
        self.bar.reset();
    }

    /// Says something without tearing the bar; not with --quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("hounsfield learn: {text}"));
        }
    }

    /// One more thing is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Follow for Progress {
    fn begin(&self, images: u64) {
        self.bar.set_length(images);
    }

    fn next(&self) -> Result<()> {
        go_on()?;
        self.step();
        Ok(())
    }
}

impl Watch for Progress {
    fn batch(&self, done: usize, of: usize, loss: f64) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("training, loss {loss:.4}"));
    }

    fn stopped(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
