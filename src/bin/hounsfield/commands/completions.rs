//! `hounsfield completions`: what a shell needs to complete command lines.

use hounsfield::Result;

use crate::text::print;

pub fn run(shell: clap_complete::Shell, mut program: clap::Command) -> Result<()> {
    // By way of memory: the generator panics where a write fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "hounsfield", &mut script);
    print(&String::from_utf8_lossy(&script))
}
