//! One file for each command: its arguments and what it does.

pub mod completions;
pub mod convert;
pub mod demo;
pub mod devices;
pub mod equalize;
mod filter;
pub mod guest;
pub mod histogram;
pub mod info;
pub mod man;
pub mod map;
pub mod mask;
mod pointwise;
pub mod segment;
pub mod slice;
pub mod stats;
pub mod threshold;
pub mod window;

use hounsfield::Result;

use crate::args::{Cli, Command};

/// Does what was typed.
pub fn dispatch(cli: &Cli) -> Result<()> {
    let shared = &cli.shared;
    match &cli.command {
        Command::Info(args) => info::run(shared, args),
        Command::Stats(args) => stats::run(shared, args),
        Command::Histogram(args) => histogram::run(shared, args),
        Command::Equalize(args) => equalize::run(shared, args),
        Command::Map(args) => map::run(shared, args),
        Command::Window(args) => window::run(shared, args),
        Command::Threshold(args) => threshold::run(shared, args),
        Command::Mask(args) => mask::run(shared, args),
        Command::Segment(args) => segment::run(shared, args),
        Command::Slice(args) => slice::run(shared, args),
        Command::Convert(args) => convert::run(shared, args),
        Command::Devices => devices::run(shared),
        Command::Bench(args) => crate::bench::run(shared, args),
        Command::Demo(args) => demo::run(shared, args),
        // Handed over before arguments are read; these are for help, completions and man pages.
        Command::View(_) | Command::Learn(_) => guest::typed_behind_options(),
        Command::Completions { shell } => completions::run(*shell),
        Command::Man { folder } => man::run(folder),
    }
}
