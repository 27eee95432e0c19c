//! A folder against a folder: files of the same name, one table and a summary.

use std::collections::BTreeSet;

use hounsfield::findings::{Rows, Value};
use hounsfield::{Error, Result};

use super::{Args, Comparison, compare, files, judge};
use crate::args::Shared;
use crate::commands::folders::names_in;
use crate::commands::table::{TableKind, write_table};
use crate::exit::Answer;
use crate::job::{self, Job};
use crate::{text, words};

/// What became of a name.
struct Told {
    name: String,
    lines: Vec<Rows>,
    /// Why there is nothing to say.
    reason: Option<String>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<Answer> {
    let mut job = Job::new(shared, &files(args, &args.judged), [&args.reference])?.on_cpu();
    let target = job.maybe(args.output.as_deref())?;
    let kind = TableKind::of(args.output.as_deref())?;
    let (judged, reference) = (names_in(&args.judged)?, names_in(&args.reference)?);
    let all: BTreeSet<&String> = judged.union(&reference).collect();
    if all.is_empty() {
        return Err(Error::usage("folders without a file of a known format", "give folders of images or label maps"));
    }
    let (mut told, mut shortfalls) = (Vec::new(), Vec::new());
    for name in all {
        let lacks = match (judged.contains(name), reference.contains(name)) {
            (true, false) => Some("not in folder B"),
            (false, true) => Some("not in folder A"),
            _ => None,
        };
        if let Some(lacks) = lacks {
            told.push(Told { name: name.clone(), lines: Vec::new(), reason: Some(lacks.into()) });
            continue;
        }
        match one(shared, args, name) {
            Ok(found) => {
                shortfalls.extend(found.shortfalls(args)?.into_iter().map(|mut one| {
                    one.row = format!("{name}, {}", one.row);
                    one
                }));
                told.push(Told { name: name.clone(), lines: found.lines(), reason: None });
            }
            Err(error @ Error::Interrupted) => return Err(error),
            Err(error) => told.push(Told { name: name.clone(), lines: Vec::new(), reason: Some(words::message(&error)) }),
        }
    }

    let lines: Vec<Rows> = told.iter().flat_map(Told::rows).collect();
    let table = Rows::columns(&lines);
    let missing: Vec<&Told> = told.iter().filter(|one| one.reason.is_some()).collect();
    let mut rows = Rows::new();
    rows.key("judged", args.judged.display().to_string());
    rows.key("reference", args.reference.display().to_string());
    rows.key("output", target.as_ref().map(job::name));
    rows.key("rows", lines.clone());
    rows.key("files", told.len());
    rows.key("files_not_compared", missing.len());
    let undefined = lines.iter().filter(|line| line.get("reason").is_some_and(|why| *why != Value::Missing)).count();
    rows.key("rows_na", undefined);
    rows.key("summary", summary(&lines));
    rows.key("shortfalls", shortfalls.iter().map(ToString::to_string).collect::<Vec<_>>());
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (|| table.csv(), &rows))?;
    }
    job.publish()?;
    let counted = format!("{} files, {} not compared; {} rows, {undefined} n/a\n", told.len(), missing.len(), lines.len(),);
    let why: String =
        missing.iter().map(|one| format!("{}: {}\n", one.name, one.reason.as_deref().unwrap_or_default())).collect();
    text::tell(shared, &(counted + &why + &summary_text(&lines)), &job.noted(rows))?;
    let verdict = judge(&shortfalls);
    // What could not be compared is no agreement.
    Ok(if missing.is_empty() { verdict } else { Answer::No })
}

impl Told {
    fn rows(&self) -> Vec<Rows> {
        let named = |more: &Rows| {
            let mut rows = Rows::new();
            rows.add("file", "file", self.name.as_str(), "");
            rows.extend(more.iter().cloned());
            rows
        };
        match &self.reason {
            None => self.lines.iter().map(named).collect(),
            Some(reason) => {
                let mut rows = Rows::new();
                rows.key("reason", reason.as_str());
                vec![named(&rows)]
            }
        }
    }
}

fn one(shared: &Shared, args: &Args, name: &str) -> Result<Comparison> {
    let (judged, reference) = (args.judged.join(name), args.reference.join(name));
    let mut job = Job::new(shared, &files(args, &judged), [&reference])?.on_cpu();
    compare(&mut job, args, (&judged, &reference))
}

/// The mean, least and largest of each measure, by label where there are labels.
fn summary(lines: &[Rows]) -> Vec<Rows> {
    let label = |line: &Rows| line.get("label").and_then(Value::text);
    let labels: BTreeSet<(usize, String)> = lines.iter().filter_map(label).map(|label| (label.len(), label)).collect();
    let groups: Vec<Option<String>> =
        if labels.is_empty() { vec![None] } else { labels.into_iter().map(|(_, l)| Some(l)).collect() };
    let of = |group: Option<String>| {
        let own: Vec<&Rows> = lines.iter().filter(|line| label(line) == group).collect();
        let mut rows = Rows::new();
        rows.key("label", group);
        rows.key("rows", own.len());
        let keys = own.first().map(|line| line.iter().map(|row| row.key.clone()).collect::<Vec<_>>()).unwrap_or_default();
        for key in keys.iter().filter(|key| SUMMED.iter().any(|known| key.starts_with(known))) {
            let known: Vec<f64> = own.iter().filter_map(|line| line.get(key)?.number()).collect();
            let mut one = Rows::new();
            one.key("n", known.len());
            one.key("mean", (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64));
            one.key("min", known.iter().copied().reduce(f64::min));
            one.key("max", known.iter().copied().reduce(f64::max));
            rows.key(key.clone(), one);
        }
        rows
    };
    groups.into_iter().map(of).collect()
}

/// Measures that a summary has, by how their keys begin.
const SUMMED: [&str; 14] = [
    "dice",
    "iou",
    "precision",
    "recall",
    "hd",
    "assd",
    "masd",
    "nsd",
    "panoptic",
    "instance_",
    "max_abs",
    "mean_abs",
    "rmse",
    "psnr",
];

/// A line for each label and measure.
fn summary_text(lines: &[Rows]) -> String {
    let mut told = Vec::new();
    for group in summary(lines) {
        for row in group.iter().skip(2) {
            let Value::Rows(one) = &row.value else { continue };
            let text = |key: &str| one.get(key).and_then(Value::text).unwrap_or_else(|| "n/a".into());
            let mut line = Rows::new();
            line.words("label", Value::Text(group.get("label").and_then(Value::text).unwrap_or_default()), "");
            line.words("measure", Value::Text(row.key.clone().into_owned()), "");
            ["n", "mean", "min", "max"].into_iter().for_each(|key| line.words(key, Value::Missing.read_as(text(key)), ""));
            told.push(line);
        }
    }
    if told.is_empty() { String::new() } else { Rows::columns(&told).table() }
}
