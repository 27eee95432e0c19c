//! `hounsfield group`: whether a group matters, asked of a table.

use std::path::PathBuf;

use hounsfield::analysis::groups::TwoSampleTest;
use hounsfield::findings::{GroupFinding, Rows};
use hounsfield::io::TextTable;
use hounsfield::pipelines::{self, Condition, GroupQuestion};
use hounsfield::{Error, Result};

use super::table::{TableKind, write_table};
use crate::args::{FileArgs, Shared, parse};
use crate::job::{self, Job};
use crate::words;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Differences are first minus second group. What p says: how often chance alone would give a difference as large if the group did not matter."
)]
pub struct Args {
    /// A CSV or TSV file with a line of names, or - for standard input; empty cells and NA are missing values
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,
    /// Columns of numbers to compare, or quotients of two such as brain_vol/skull_vol
    #[arg(long = "value", value_name = "V", required = true, value_delimiter = ',')]
    pub values: Vec<String>,
    /// The column that tells the groups apart
    #[arg(long, value_name = "G")]
    pub by: String,
    /// The first and the second group [default: the two that there are, sorted]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub groups: Vec<String>,
    /// The test [default: welch; with --covariates least squares]
    #[arg(long, value_name = "TEST", value_parser = parse::two_sample_test())]
    pub test: Option<TwoSampleTest>,
    /// Columns that the difference is adjusted for by least squares: numbers, or texts such as sex
    #[arg(long, value_name = "C", value_delimiter = ',')]
    pub covariates: Vec<String>,
    /// The column that says whose row it is: several rows of one subject are found, and --test paired pairs them
    #[arg(long, value_name = "S")]
    pub subject: Option<String>,
    /// Only rows that meet this, such as 'age>=60' or sex=F; given several times, all of them
    #[arg(long = "where", value_name = "CONDITION")]
    pub conditions: Vec<Condition>,
    /// How sure the interval is, in percent
    #[arg(long, value_name = "PERCENT", default_value = "95", value_parser = parse::confidence)]
    pub confidence: f64,
    /// File for the answers, a line for each value: .csv, or .json
    #[arg(long, short, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Box and strip plot of both groups: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &FileArgs::one(args.table.clone()), [])?;
    let target = job.maybe(args.output.as_deref())?;
    let kind = TableKind::of(args.output.as_deref())?;
    let figure_file = job.figure(args.figure.as_deref())?;

    let study = pipelines::compare_groups(&TextTable::read(&args.table)?, &question(args)?)?;
    let finding = GroupFinding { study: &study };
    finding.notes().iter().for_each(|note| job.note(note));
    let rows = finding.rows(words::note);
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (|| finding.table().csv(), &rows))?;
    }
    if let Some(file) = &figure_file {
        job.draw(file, &finding.figure()?)?;
    }
    job.publish()?;

    let mut all = Rows::new();
    all.key("output", target.as_ref().map(job::name));
    all.key("figure", figure_file.as_ref().map(job::name));
    all.extend(rows);
    let more: String = target.iter().chain(&figure_file).map(|file| format!("\n{}", job::name(file))).collect();
    let more = if more.is_empty() { more } else { more + "\n" };
    job.tell(&format!("{}{more}", finding.text()), all)
}

fn question(args: &Args) -> Result<GroupQuestion> {
    let groups = match args.groups.as_slice() {
        [] => None,
        [first, second] => Some([first.clone(), second.clone()]),
        more => {
            let what = format!("--groups names {} groups", more.len());
            return Err(Error::usage(what, "name two: the first and the second"));
        }
    };
    Ok(GroupQuestion {
        values: args.values.clone(),
        by: args.by.clone(),
        groups,
        test: args.test,
        covariates: args.covariates.clone(),
        subject: args.subject.clone(),
        conditions: args.conditions.clone(),
        confidence: args.confidence,
    })
}
