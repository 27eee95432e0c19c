//! Arguments that several commands share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use hounsfield::pipelines::DeviceChoice;
use hounsfield::{Error, Result};

use crate::data::{ArchivePart, Columns, Origin};

/// Of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Shared {
    /// Threads; all cores without it. Results do not depend on it
    #[arg(long, global = true, value_name = "N", help_heading = "Everywhere")]
    pub threads: Option<NonZeroUsize>,
    /// Print the result as JSON
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Print nothing but the result, no progress and no notes
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
    /// Replace outputs that exist
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub force: bool,
}

impl Shared {
    /// What the reader should know, unless --quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("hounsfield learn: note: {text}");
        }
    }
}

/// On what a model runs.
#[derive(Debug, Clone, clap::Args)]
pub struct DeviceArgs {
    /// Where a quantised model runs: cpu, gpu, or an adapter's number or a part of its name; the results are the same bits [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,
}

impl DeviceArgs {
    /// What was chosen.
    pub fn choice(&self) -> DeviceChoice {
        self.device.clone().unwrap_or(DeviceChoice::Cpu)
    }
}

/// How images with classes are read.
#[derive(Debug, Clone, clap::Args)]
pub struct DataArgs {
    /// The part of a MedMNIST archive
    #[arg(long, value_name = "PART", help_heading = "Data")]
    pub split: Option<ArchivePart>,
    /// Column of a table with the paths of the images, relative to it
    #[arg(long, value_name = "NAME", default_value = "path", help_heading = "Data")]
    pub path_column: String,
    /// Column of a table with the classes
    #[arg(long, value_name = "NAME", default_value = "label", help_heading = "Data")]
    pub label_column: String,
    /// Column of a table with the patients, who are never parted
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub patient_column: Option<String>,
    /// Leave out and count images that cannot be read, instead of giving up
    #[arg(long, help_heading = "Data")]
    pub skip_broken: bool,
}

impl DataArgs {
    /// Where these images come from, and the steps that they go through.
    pub fn origin(&self, paths: &[PathBuf], otherwise: ArchivePart, steps: Option<&str>) -> Origin {
        let columns =
            Columns { path: self.path_column.clone(), label: self.label_column.clone(), patient: self.patient_column.clone() };
        Origin {
            paths: paths.to_vec(),
            part: self.split.unwrap_or(otherwise),
            columns,
            skip_broken: self.skip_broken,
            steps: steps.map(str::to_owned),
        }
    }
}

/// The last part of a path: what goes into cards and figures, which people hand on, and says nothing of where they keep their files.
pub fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy().into_owned())
}

/// A share: a number above 0 and below 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x < 1.0 => Ok(x),
        _ => Err("give a number above 0 and below 1".into()),
    }
}

/// A number that is not negative.
pub fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x >= 0.0 && x.is_finite() => Ok(x),
        _ => Err("give a number that is not negative".into()),
    }
}

/// A number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x.is_finite() => Ok(x),
        _ => Err("give a number above 0".into()),
    }
}

/// Writes a line, or lines, to stdout.
///
/// # Errors
/// [`Error::Write`].
pub fn tell(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Who closed the pipe has read enough.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::write(std::path::Path::new("-"))),
    }
}
