//! `hounsfield regions`: a row for each label.

mod figure;
mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hounsfield::Result;
use hounsfield::analysis::regions::BinWidth;
use hounsfield::findings::RegionsFinding;
use hounsfield::io::{Role, Source};
use hounsfield::pipelines::{self, Input, LabelRegion};

use super::table::{TableKind, names_of, write_table};
use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// Image on the grid of the labels, whose intensities are told; with --folder the folder of the images
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
    /// Entropy, uniformity and mode of bins so wide, in the image's unit, from the least value of the region on (IBSI); as 25:0 from 0 on (pyradiomics) [default: of the values themselves]
    #[arg(long, value_name = "W[:ORIGIN]", requires = "image")]
    pub bin_width: Option<BinWidth>,
    /// Outlines of the labels on the slices where each is largest: .png or .svg
    #[arg(long, value_name = "F.png", conflicts_with = "folder")]
    pub figure: Option<PathBuf>,
    /// PATH is a folder of label maps, one of each subject: one table of all, with a column that says whose a row is
    ///
    /// The image of a label map is that of the same name, else the only one whose name begins the same, as sub-01_T1w.nii.gz for sub-01_dseg.nii.gz.
    #[arg(long)]
    pub folder: bool,
}

/// What was measured of a label map.
struct MeasuredLabels {
    labels: Arc<dyn Source>,
    image: Option<Input<'static>>,
    regions: Vec<LabelRegion>,
    names: BTreeMap<u16, String>,
}

impl MeasuredLabels {
    fn finding(&self) -> RegionsFinding<'_> {
        let image = self.image.as_ref().map(Input::header);
        RegionsFinding { labels: self.labels.header(), image, regions: &self.regions, names: &self.names }
    }
}

fn measure(job: &mut Job<'_>, files: &FileArgs, image: Option<&Path>, args: &Args) -> Result<MeasuredLabels> {
    let labels: Arc<dyn Source> = job.open_as(files, Role::Labels)?.into();
    let names = names_of(job, args.names.as_deref(), &files.paths)?;
    let image = match image {
        None => None,
        Some(path) => Some(job.resolve_other("image", path, labels.header())?),
    };
    let bytes = labels.header().bytes() + image.as_ref().map_or(0, |image| image.header().bytes());
    let regions = job.pass("measure", bytes, |run| pipelines::regions(labels.clone(), image.as_ref(), args.bin_width, run))?;
    if labels.header().grid.geometry.is_none() {
        job.warn("the spacing of the labels is not known: volumes and lengths are left out");
    }
    Ok(MeasuredLabels { labels, image, regions, names })
}

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    if args.folder {
        return folder::run(shared, args);
    }
    let mut job = Job::new(shared, &args.input, args.image.iter().chain(&args.names))?.on_cpu();
    let target = job.maybe(args.output.as_deref())?;
    let kind = TableKind::of(args.output.as_deref())?;
    let figure = job.figure(args.figure.as_deref())?;
    let measured = measure(&mut job, &args.input, args.image.as_deref(), args)?;
    let finding = measured.finding();
    let rows = finding.rows(&job.provenance()?);
    if let (Some(target), Some(kind)) = (&target, kind) {
        write_table(&mut job, target, kind, (|| finding.csv(), &rows))?;
    }
    if let Some(target) = &figure {
        figure::draw(&mut job, target, &measured)?;
    }
    job.publish()?;
    let files: String = target.iter().chain(&figure).map(|target| format!("{}\n", job::name(target))).collect();
    job.tell(&format!("{}{files}", finding.text()), rows)
}
