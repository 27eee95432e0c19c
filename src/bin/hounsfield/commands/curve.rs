//! `hounsfield curve`: labels over time.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::Result;
use hounsfield::findings::{Beat, CurveFinding};
use hounsfield::io::{Role, Source};
use hounsfield::pipelines::{self, Input};
use hounsfield::report::{Key, Picker, Picture, View};
use hounsfield::volume::{Block, Header, Observe};

use super::slice;
use super::table::{TableKind, names_of, write_table};
use crate::args::{FileArgs, Shared};
use crate::job::{self, Job};
use crate::picture;

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
    /// Lines over time, of volumes, means or both: .png or .svg; where labels move with the frames in which one is largest and smallest
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
        let (pictures, keys) = match finding.shown() {
            Some((beat, middle)) => ends(&mut job, (&labels, image.as_ref()), (&finding, beat), middle)?,
            None => Default::default(),
        };
        job.draw(target, &finding.figure(pictures, &keys)?)?;
    }
    job.publish()?;
    let files: String = target.iter().chain(&figure).map(|target| format!("{}\n", job::name(target))).collect();
    job.tell(&format!("{}{files}", finding.text()), rows)
}

/// Titles and pictures.
type Ends = (Vec<(String, Picture)>, Vec<Key>);

/// The slice through the middle of a label at both ends of its beat.
fn ends(
    job: &mut Job<'_>,
    (labels, image): (&Arc<dyn Source>, Option<&Input<'static>>),
    (finding, beat): (&CurveFinding<'_>, Beat),
    middle: [u64; 3],
) -> Result<Ends> {
    let frames = [("end diastole", beat.end_diastole.0), ("end systole", beat.end_systole.0)];
    let pickers = |header: &Header| -> Result<[Picker; 2]> {
        let plane = View::native(header);
        let pick = [(plane, middle[View::new(header, plane).axis()])];
        // An image of one volume lies under all frames.
        let last = header.grid.shape.volumes() - 1;
        Ok([Picker::new(header, &pick, frames[0].1.min(last))?, Picker::new(header, &pick, frames[1].1.min(last))?])
    };
    let both = |pickers: &[Picker; 2], at: u64, block: Block<'_>| pickers.iter().for_each(|one| one.see(at, block));
    let header = labels.header();
    let picked = pickers(header)?;
    let look = |at: u64, block: Block<'_>| both(&picked, at, block);
    job.prepare("look", header.bytes(), |run| pipelines::gather(&Input::of(labels.clone()).observed(Some(&look)), run))?;
    let under = match image {
        None => None,
        Some(image) => {
            let picked = pickers(image.header())?;
            let look = |at: u64, block: Block<'_>| both(&picked, at, block);
            let shade = slice::shade(job, None, &image.clone().observed(Some(&look)))?;
            Some((picked.map(Picker::finish), shade, &image.header().meaning.rescale))
        }
    };
    let (mut pictures, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for (i, labelled) in picked.map(Picker::finish).iter().flatten().enumerate() {
        let under = under.as_ref().map(|(slices, shade, rescale)| (&slices[i][0], *rescale, shade));
        let (one, here) = picture::labelled(labelled, &header.meaning.rescale, under)?;
        let (what, frame) = frames[i];
        pictures.push((finding.frame_title(what, frame), one.captioned(labelled.view.caption(labelled.index))));
        seen.extend(here);
    }
    Ok((pictures, picture::label_keys(&seen, finding.names)))
}
