//! `hounsfield regions --folder`: the label maps of a cohort, in one table.

use std::collections::BTreeSet;
use std::path::Path;

use hounsfield::findings::Rows;
use hounsfield::{Error, Result};

use super::{Args, MeasuredLabels, TableKind, measure};
use crate::args::{FileArgs, Shared};
use crate::commands::folders::names_in;
use crate::commands::table::write_table;
use crate::job::{self, Job};
use crate::words;

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let [folder] = args.input.paths.as_slice() else {
        return Err(Error::usage("several paths with --folder", "give one folder of label maps"));
    };
    let mut job = Job::new(shared, &args.input, args.image.iter().chain(&args.names))?.on_cpu();
    let target = job.maybe(args.output.as_deref())?;
    let kind = TableKind::of(args.output.as_deref())?;
    let all = names_in(folder)?;
    let images = args.image.as_deref().map(names_in).transpose()?;
    // Where some say that they are label maps, the others are images beside them.
    let named_so: Vec<&String> = all.iter().filter(|name| is_map(name)).collect();
    let maps = if named_so.is_empty() { all.iter().collect() } else { named_so };
    if maps.len() < all.len() {
        job.warn(&format!("{} of {} files are label maps by their names", maps.len(), all.len()));
    }
    if maps.is_empty() {
        return Err(Error::usage(format!("{}: no label maps", folder.display()), "give a folder of label maps"));
    }
    let (mut lines, mut left_out) = (Vec::new(), Vec::new());
    for name in &maps {
        let one = || -> Result<MeasuredLabels> {
            let image = match (&args.image, &images) {
                (Some(folder), Some(images)) => Some(folder.join(image_of(name, images)?)),
                _ => None,
            };
            let path = folder.join(name);
            let files = FileArgs { paths: vec![path], ..args.input.clone() };
            let mut job = Job::new(shared, &files, image.iter().chain(&args.names))?.on_cpu();
            measure(&mut job, &files, image.as_deref(), args)
        };
        match one() {
            Ok(measured) => lines.extend(measured.finding().lines().into_iter().map(|line| named(name, line))),
            Err(error @ Error::Interrupted) => return Err(error),
            Err(error) => {
                job.warn(&format!("{name}: {}", words::message(&error)));
                left_out.push(((*name).clone(), words::message(&error)));
            }
        }
    }

    let table = Rows::columns(&lines);
    let mut rows = Rows::new();
    rows.key("folder", folder.display().to_string());
    rows.key("output", target.as_ref().map(job::name));
    rows.key("files", maps.len());
    rows.key("left_out", left_out.iter().map(reason).collect::<Vec<_>>());
    rows.key("rows", lines);
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (|| table.csv(), &rows))?;
    }
    job.publish()?;
    let file = target.as_ref().map_or_else(String::new, |target| format!("{}\n", job::name(target)));
    job.tell(&format!("{}{file}", table.table()), rows)?;
    match left_out.len() {
        0 => Ok(()),
        n => Err(Error::format(
            folder,
            format!("{n} of {} files were left out", maps.len()),
            "mend what was said of them above; the others are in the table",
        )),
    }
}

/// A line with whose it is: the subject as BIDS names it, else the file's name without its ending.
fn named(name: &str, line: Rows) -> Rows {
    let mut rows = Rows::new();
    rows.add("subject", "subject", subject(name), "");
    rows.key("file", name);
    rows.extend(line);
    rows
}

fn subject(name: &str) -> &str {
    let stem = stem(name);
    if stem.starts_with("sub-") { stem.split('_').next().unwrap_or(stem) } else { stem }
}

/// A file's name without its ending, which may be two words.
fn stem(name: &str) -> &str {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name)
}

/// What of the name of a label map its image has, too: all before the last word, as in sub-01_dseg and sub-01_T1w.
fn prefix(name: &str) -> &str {
    let stem = stem(name);
    stem.rsplit_once('_').map_or(stem, |(prefix, _)| prefix)
}

/// Whether a name ends as BIDS and others end those of label maps.
fn is_map(name: &str) -> bool {
    ["dseg", "seg", "labels", "label", "mask"].iter().any(|end| stem(name).ends_with(end))
}

/// The image of a label map: of the same name, else the only one whose name goes on otherwise after the same beginning.
fn image_of<'a>(labels: &str, images: &'a BTreeSet<String>) -> Result<&'a String> {
    if let Some(same) = images.get(labels).filter(|same| !is_map(same)) {
        return Ok(same);
    }
    let start = prefix(labels);
    let alike = |name: &&String| (prefix(name) == start || stem(name) == start) && !is_map(name);
    let others: Vec<&String> = images.iter().filter(alike).collect();
    let what = match others.as_slice() {
        [one] => return Ok(one),
        [] => format!("no image for {labels}"),
        several => format!("{} images for {labels}", several.len()),
    };
    Err(Error::usage(
        what,
        "give images the names of their label maps, or these up to the last word, as in sub-01_dseg and sub-01_T1w",
    ))
}

/// A file that was left out, and why.
fn reason((name, why): &(String, String)) -> Rows {
    let mut rows = Rows::new();
    rows.key("file", name.as_str());
    rows.key("reason", why.as_str());
    rows
}
