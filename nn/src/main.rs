//! `hounsfield learn`: trains small networks on medical images and says how good they are.

mod args;
mod augment;
mod commands;
mod data;
mod exit;
mod export;
mod figures;
mod graph;
mod import;
mod learn;
mod metrics;
mod model;
mod prepare;
mod progress;
mod quantise;
mod random;
mod train;
mod volumes;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use args::Shared;
use commands::{classify, evaluate, export as exporting, import as importing, predict, quantise as quantising, segment};

/// Train small networks on medical images, judge them, and use them: no Python
#[derive(Debug, Parser)]
#[command(
    name = "hounsfield-learn",
    bin_name = "hounsfield learn",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(after_help = "Exit codes: 0 done, 2 usage, 3 input, 4 output, 130 interrupted.\nNot a medical device.")]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network that tells classes of images apart
    Classify(Box<classify::Args>),
    /// Train a network that marks structures in volumes, slice by slice
    Segment(Box<segment::Args>),
    /// Judge a model on images whose truth is known
    Evaluate(evaluate::Args),
    /// Ask a model about images
    Predict(predict::Args),
    /// Write a model for other programs: ONNX or safetensors
    Export(exporting::Args),
    /// Take a network of another program: ONNX, or safetensors that export wrote
    Import(importing::Args),
    /// Turn a model into whole numbers, with the same bits on every device
    Quantise(quantising::Args),
}

fn main() -> ExitCode {
    hide_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    progress::catch_signals();
    if let Some(threads) = cli.shared.threads {
        // Fails only if a pool exists already, and none does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    let result = match &cli.command {
        Command::Classify(args) => classify::run(&cli.shared, args),
        Command::Segment(args) => segment::run(&cli.shared, args),
        Command::Evaluate(args) => evaluate::run(&cli.shared, args),
        Command::Predict(args) => predict::run(&cli.shared, args),
        Command::Export(args) => exporting::run(&cli.shared, args),
        Command::Import(args) => importing::run(&cli.shared, args),
        Command::Quantise(args) => quantising::run(&cli.shared, args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("hounsfield learn: {}", exit::message(&e));
            exit::code(&e)
        }
    }
}

/// A panic is a bug here; its message could hold text from a file, so only the place is shown.
fn hide_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), |l| format!("{}:{}", l.file(), l.line()));
        eprintln!("hounsfield learn: internal error at {place}; please report it");
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
