//! `hounsfield man`: man pages from the same definitions as the help.

use std::path::Path;

use clap::CommandFactory;
use hounsfield::{Error, Result};

use crate::args::Cli;

pub fn run(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(Error::write(folder))
}
