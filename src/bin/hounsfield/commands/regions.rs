//! `hounsfield regions`: a row for each label.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::Result;
use hounsfield::findings::RegionsFinding;
use hounsfield::io::{Role, Source};
use hounsfield::pipelines;

use super::table::{TableKind, names_of, write_table};
use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Image on the grid of the labels, whose intensities are told
    ///
    /// Flipped or permuted axes are turned. Of a time series each volume gets its rows, with the same labels.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<PathBuf>,
    /// Table to write: .csv, .tsv or .json
    #[arg(long, short, value_name = "T.csv")]
    pub output: Option<PathBuf>,
    /// Names of labels: a table with the columns index and name (BIDS dseg.tsv), ITK-SNAP's label descriptions, or a colour table of FreeSurfer [default: the dseg.tsv beside a label map]
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, args.image.iter().chain(&args.names))?.role(Role::Labels).on_cpu();
    let target = job.maybe(args.output.as_deref())?;
    let kind = args.output.as_deref().map(TableKind::of).transpose()?;
    let labels: Arc<dyn Source> = job.open()?.into();
    let names = names_of(&job, args.names.as_deref(), &args.input.paths)?;
    let image = match &args.image {
        None => None,
        Some(path) => Some(job.resolve_other("image", path, labels.header())?),
    };
    let bytes = labels.header().bytes() + image.as_ref().map_or(0, |image| image.header().bytes());
    let regions = job.pass("measure", bytes, |run| pipelines::regions(labels.clone(), image.as_ref(), run))?;
    let image = image.as_ref().map(|image| image.header());
    let finding = RegionsFinding { labels: labels.header(), image, regions: &regions, names: &names };
    if labels.header().grid.geometry.is_none() {
        job.warn("the spacing of the labels is not known: volumes and lengths are left out");
    }
    let rows = finding.rows(&job.provenance()?);
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (&finding.csv(), &rows))?;
        job.publish()?;
    }
    let file = target.as_ref().map_or_else(String::new, |target| format!("{}\n", job::name(target)));
    job.tell(&format!("{}{file}", finding.text()), rows)
}
