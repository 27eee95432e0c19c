//! Where room is found for what does not fit the memory.

use std::path::{Path, PathBuf};

use clap::Args;
use hounsfield::io::STREAM;
use hounsfield::pipelines::ScratchPlace;
use hounsfield::{Error, Result};

/// A folder for scratch files.
#[derive(Debug, Clone, Default, Args)]
pub struct ScratchArgs {
    /// Folder for what does not fit --memory [default: that of the output]
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

impl ScratchArgs {
    /// The place, beside an output of so many bytes unless another folder is named.
    pub fn place(&self, output: &Path, bytes: u64) -> Result<ScratchPlace> {
        let Some(folder) = &self.scratch else {
            let beside = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let folder = if output == Path::new(STREAM) { std::env::temp_dir() } else { beside.into() };
            return Ok(ScratchPlace { folder, beside: bytes });
        };
        if folder.is_dir() {
            return Ok(ScratchPlace { folder: folder.clone(), beside: 0 });
        }
        Err(Error::usage(format!("{} is no folder", folder.display()), "give one that exists with --scratch"))
    }
}
