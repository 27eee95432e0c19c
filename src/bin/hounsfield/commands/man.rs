//! `hounsfield man`: man pages from the same definitions as the help.

use std::path::Path;

use hounsfield::{Error, Result};

pub fn run(folder: &Path, program: clap::Command) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    clap_mangen::generate_to(program, folder).map_err(Error::write(folder))
}
