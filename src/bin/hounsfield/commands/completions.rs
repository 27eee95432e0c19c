//! `hounsfield completions`: what a shell needs to complete command lines.

use clap::CommandFactory;
use hounsfield::Result;

use crate::args::Cli;
use crate::text::print;

pub fn run(shell: clap_complete::Shell) -> Result<()> {
    // By way of memory: the generator panics where a write fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hounsfield", &mut script);
    print(&String::from_utf8_lossy(&script))
}
