//! The program: arguments in, pipelines run, results on stdout, everything else on stderr.

mod args;
mod bench;
mod commands;
mod exit;
mod job;
mod picture;
mod progress;
mod size;
mod text;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};

fn main() -> ExitCode {
    hide_panics();
    let cli = Cli::parse();
    progress::catch_signals();
    if let Some(threads) = cli.shared.threads {
        // Fails only if a pool exists already, and none does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    let shared = &cli.shared;
    let result = match &cli.command {
        Command::Info(c) => commands::info::run(shared, c),
        Command::Stats(c) => commands::stats::run(shared, c),
        Command::Histogram(c) => commands::histogram::run(shared, c),
        Command::Equalize(c) => commands::equalize::run(shared, c),
        Command::Map(c) => commands::map::run(shared, c),
        Command::Window(c) => commands::window::run(shared, c),
        Command::Threshold(c) => commands::threshold::run(shared, c),
        Command::Mask(c) => commands::mask::run(shared, c),
        Command::Segment(c) => commands::segment::run(shared, c),
        Command::Slice(c) => commands::slice::run(shared, c),
        Command::Convert(c) => commands::convert::run(shared, c),
        Command::Devices => commands::devices::run(shared),
        Command::Bench(c) => bench::run(shared, c),
        Command::Demo(c) => commands::demo::run(shared, c),
        Command::Completions { shell } => {
            // By way of memory: the generator panics where a write fails.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "hounsfield", &mut script);
            text::print(&String::from_utf8_lossy(&script))
        }
        Command::Man { folder } => commands::man::run(folder),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("hounsfield: {}", words::message(&e));
            exit::code(&e)
        }
    }
}

/// A panic is a bug here; its message could hold text from a file, so only the place is shown.
fn hide_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        eprintln!("hounsfield: internal error at {place}; please report it");
    }));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_make_sense() {
        super::Cli::command().debug_assert();
    }
}
