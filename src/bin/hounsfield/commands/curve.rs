//! `hounsfield curve`: labels over time.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::Result;
use hounsfield::findings::CurveFinding;
use hounsfield::io::{Role, Source};
use hounsfield::pipelines;

use super::table::{TableKind, names_of, write_table};
use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Label map on the grid of the image, of one volume or of as many; without it PATH is a label map itself, whose volumes are told
    #[arg(long, value_name = "LABELS")]
    pub labels: Option<PathBuf>,
    /// Table to write, a line for each frame and label: .tsv, .csv or .json
    #[arg(long, short, value_name = "T.tsv")]
    pub output: Option<PathBuf>,
    /// Lines over time, of volumes or of means: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
    /// Names of labels, as for regions
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, args.labels.iter().chain(&args.names))?.on_cpu();
    if args.labels.is_none() {
        job = job.role(Role::Labels);
    }
    let target = job.maybe(args.output.as_deref())?;
    let kind = TableKind::of(args.output.as_deref())?;
    let figure = job.figure(args.figure.as_deref())?;
    let (labels, image): (Arc<dyn Source>, _) = match &args.labels {
        None => (job.open()?.into(), None),
        Some(path) => {
            let image = job.resolve()?;
            (job.open_other("labels", path, Role::Labels)?.into(), Some(image))
        }
    };
    let names =
        names_of(&job, args.names.as_deref(), args.labels.as_ref().map_or(args.input.paths.as_slice(), std::slice::from_ref))?;
    let bytes = labels.header().bytes() + image.as_ref().map_or(0, |image| image.header().bytes());
    let regions = job.pass("measure", bytes, |run| pipelines::regions(labels.clone(), image.as_ref(), None, run))?;
    let finding = CurveFinding {
        labels: labels.header(),
        image: image.as_ref().map(|image| image.header()),
        regions: &regions,
        names: &names,
    };
    if finding.times_s().is_none() {
        job.warn("the time between volumes is not known: frames are counted");
    }
    let rows = finding.rows(&job.provenance()?);
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (|| finding.csv(), &rows))?;
    }
    if let Some(target) = &figure {
        job.draw(target, &finding.figure())?;
    }
    job.publish()?;
    let files: String = target.iter().chain(&figure).map(|target| format!("{}\n", job::name(target))).collect();
    job.tell(&format!("{}{files}", finding.text()), rows)
}
