//! `hounsfield man`: man pages from the same definitions as the help.

use std::path::Path;

use clap_mangen::Man;
use hounsfield::io::output::{Targets, publish};
use hounsfield::{Error, Result};

use crate::args::Shared;

pub fn run(shared: &Shared, folder: &Path, program: clap::Command) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut targets = Targets::new(shared.force, std::iter::empty::<&Path>());
    let mut staged = Vec::new();
    for command in std::iter::once(&program).chain(program.get_subcommands()) {
        let page = Man::new(command.clone());
        let target = targets.add(&folder.join(page.get_filename()))?;
        let mut text = Vec::new();
        page.render(&mut text).map_err(Error::write(folder))?;
        staged.push(target.stage_bytes(&text)?);
    }
    publish(staged)
}
