//! The command line as a report shows it: what was typed, with names of files left out, for they can hold names of people.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

/// Flags that change nothing in a result.
const SILENT: [&str; 8] = ["json", "quiet", "verbose", "events", "force", "show_names", "threads", "memory"];

/// The command with its arguments in the order typed. Files are INPUT where they stand alone, and what help calls them behind their flags, unless
/// names may be shown.
pub fn of(program: &Command, matches: &ArgMatches, show_names: bool) -> String {
    let Some((name, own)) = matches.subcommand() else { return program.get_name().into() };
    let Some(command) = program.find_subcommand(name) else { return program.get_name().into() };
    let mut parts: Vec<(usize, String)> = Vec::new();
    for id in own.ids().map(clap::Id::as_str).filter(|id| !SILENT.contains(id)) {
        let Some(arg) = command.get_arguments().find(|arg| arg.get_id() == id) else { continue };
        if own.value_source(id) != Some(clap::parser::ValueSource::CommandLine) {
            continue;
        }
        let hidden = !show_names && arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        let places = own.indices_of(id).into_iter().flatten();
        parts.extend(places.zip(words(arg, own, hidden)));
    }
    parts.sort();
    let typed: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    [program.get_name(), name].into_iter().map(String::from).chain(typed).collect::<Vec<_>>().join(" ")
}

/// An argument each time that it was typed.
fn words(arg: &Arg, matches: &ArgMatches, hidden: bool) -> Vec<String> {
    let id = arg.get_id().as_str();
    let flag = arg.get_long().map(|long| format!("--{long}"));
    if !arg.get_action().takes_values() {
        return flag.into_iter().collect();
    }
    let occurrences = matches.get_raw_occurrences(id).into_iter().flatten();
    let texts = occurrences.map(|one| one.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>());
    match flag {
        None if hidden => vec!["INPUT".into()],
        None => texts.map(|all| all.join(" ")).collect(),
        Some(flag) => {
            let name = arg.get_value_names().and_then(|names| names.first()).map_or("FILE", |name| name.as_str());
            texts.map(|all| format!("{flag} {}", if hidden { name.to_owned() } else { all.join(",") })).collect()
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.,:=/%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
