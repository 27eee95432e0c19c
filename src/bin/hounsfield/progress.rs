//! Progress on stderr, and the wish to stop.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hounsfield::Error;
use hounsfield::io::Follow;
use hounsfield::pipelines::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::args::Shared;

static STOP: AtomicBool = AtomicBool::new(false);

/// How often a script hears of progress.
const BEAT: Duration = Duration::from_millis(250);

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
    stage: &'static str,
    bar: ProgressBar,
    quiet: bool,
    /// With --events: when the last line was written.
    lines: Option<Mutex<Instant>>,
    done: AtomicU64,
    total: u64,
    events: Mutex<Vec<String>>,
}

impl Progress {
    /// Follows a pass over `bytes` of input: a bar if stderr is a terminal, JSON lines with --events, else nothing.
    pub fn new(shared: &Shared, stage: &'static str, bytes: u64) -> Self {
        let template = "{msg:>10} [{bar:40}] {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
        Self::with(shared, stage, bytes, template)
    }

    /// The same over a number of files.
    pub fn files(shared: &Shared, stage: &'static str, files: u64) -> Self {
        Self::with(shared, stage, files, "{msg:>10} [{bar:40}] {pos} of {len} files, {eta} left")
    }

    fn with(shared: &Shared, stage: &'static str, length: u64, template: &str) -> Self {
        let shown = std::io::stderr().is_terminal() && !shared.quiet && !shared.events;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target).with_message(stage);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        let progress = Self {
            stage,
            bar,
            quiet: shared.quiet,
            lines: shared.events.then(|| Mutex::new(Instant::now())),
            done: AtomicU64::new(0),
            total: length,
            events: Mutex::default(),
        };
        progress.line("begin");
        progress
    }

    /// Says something without tearing the bar.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("hounsfield: {text}"));
    }

    /// Ends the pass and says what happened in it.
    pub fn finish(self) -> Vec<String> {
        self.bar.finish_and_clear();
        self.line("end");
        self.events.into_inner().unwrap_or_default()
    }

    fn line(&self, what: &str) {
        if self.lines.is_some() {
            let done = self.done.load(Ordering::Relaxed);
            eprintln!("{}", json!({"event": what, "stage": self.stage, "done": done, "total": self.total}));
        }
    }
}

/// Follows the headers of a folder, where these are so many that it takes a while.
pub fn headers(shared: &Shared) -> Follow {
    const MANY: u64 = 200;
    let shared = shared.clone();
    let state: Mutex<(u64, Option<Progress>)> = Mutex::default();
    Follow::new(move |files| {
        if STOP.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if files >= MANY {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let (read, progress) = &mut *state;
            *read += 1;
            progress.get_or_insert_with(|| Progress::files(&shared, "headers", files)).advance(1);
            if *read == files {
                *read = 0;
                progress.take().map(Progress::finish);
            }
        }
        Ok(())
    })
}

impl Watch for Progress {
    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        // Whoever holds the lock is writing a line already.
        if let Some(Ok(mut last)) = self.lines.as_ref().map(Mutex::try_lock)
            && last.elapsed() > BEAT
        {
            *last = Instant::now();
            self.line("progress");
        }
    }

    fn event(&self, text: &str) {
        if self.lines.is_some() {
            eprintln!("{}", json!({"event": "note", "stage": self.stage, "text": text}));
        } else if !self.quiet {
            self.bar.suspend(|| eprintln!("hounsfield: {text}"));
        }
        if let Ok(mut events) = self.events.lock() {
            events.push(text.into());
        }
    }

    fn stopped(&self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
