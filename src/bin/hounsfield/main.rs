//! The program: arguments in, pipelines run, results on stdout, everything else on stderr.

mod args;
mod bench;
mod cli;
mod commands;
mod exit;
mod job;
mod labels;
mod line;
mod picture;
mod progress;
mod rates;
mod text;
mod words;

use std::process::ExitCode;

use cli::Cli;
use commands::guest;

fn main() -> ExitCode {
    hide_panics();
    if let Some(guest) = guest::asked_for() {
        return guest.hand_over();
    }
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(e) => return cli::complain(&e),
    };
    progress::catch_signals();
    if let Some(threads) = cli.shared.threads {
        // Fails only if a pool exists already, and none does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    let result = cli::dispatch(&cli);
    match result {
        Ok(verdict) => verdict.code(),
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
