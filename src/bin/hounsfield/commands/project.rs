//! `hounsfield project`: slabs of a volume along one axis, as a picture or as a volume of thick slices.

use std::path::{Path, PathBuf};

use hounsfield::findings::{ProjectionFinding, Rows};
use hounsfield::io::output::{Staged, Target};
use hounsfield::pipelines::{How, Input, Projection, Thickness};
use hounsfield::report::{Picker, Picture, Plane, Shade, Slice, View, figure};
use hounsfield::views::{Nowhere, Tap};
use hounsfield::volume::{Block, Observe};
use hounsfield::{Error, Result};

use super::slice;
use crate::args::{FileArgs, Shared, parse};
use crate::job::{self, Job};
use crate::picture;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub input: FileArgs,
    /// File to write: .nii, .nii.gz, .nrrd, .mha, .npy, .tif, or - for .nii on standard output: a volume of slabs; .png or .svg: a picture of them
    #[cfg_attr(feature = "zarr", doc = "(also .zarr, a folder)")]
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Plane of the slabs: rays of axial ones run from foot to head, along the voxel axis nearest to it
    #[arg(long, value_name = "PLANE", value_parser = parse::plane())]
    pub along: Plane,
    /// What the voxels of a ray become
    #[arg(long, default_value = "max", value_name = "HOW", value_parser = parse::how())]
    pub how: How,
    /// How thick slabs are: in mm, or in slices [default: one slab of all]
    #[arg(long, value_name = "10mm|N", allow_hyphen_values = true)]
    pub slab: Option<Thickness>,
    /// A picture of the slabs beside the volume: .png or .svg
    #[arg(long, value_name = "F.png")]
    pub figure: Option<PathBuf>,
}

/// Slabs that one picture has room for.
const MOST: usize = 100;

pub fn run(shared: &Shared, args: &Args) -> Result<()> {
    let mut job = Job::new(shared, &args.input, [])?;
    let target = job.output(&args.output)?;
    let figure_file = job.figure(args.figure.as_deref())?;
    let pictured = is_picture(&target);

    let input = Input::of(job.open()?.into());
    let axis = View::new(input.header(), args.along).axis();
    let projection = Projection::new(input.header(), axis, args.how, args.slab.unwrap_or(Thickness::Whole))?;
    let finding = ProjectionFinding { projection: &projection, plane: args.along };
    finding.notes().iter().for_each(|note| job.note(note));
    let shade = if pictured || figure_file.is_some() { Some(greys(&mut job, &input, &projection)?) } else { None };

    let out = projection.header();
    let picks: Vec<(Plane, u64)> = (0..projection.slabs().len() as u64).map(|slab| (args.along, slab)).collect();
    let picker = if shade.is_some() { Some(Picker::new(out, &picks, 0)?) } else { None };
    let look = |at: u64, bytes: &[u8]| {
        picker.iter().for_each(|p| p.see(at, Block { dtype: out.meaning.dtype, bytes }));
        Ok(())
    };
    let tap = Tap { inner: &Nowhere, voxel_bytes: out.meaning.dtype.bytes(), mask: None, background: 0, look: Some(&look) };
    if pictured {
        job.pass("project", projection.bytes(), |run| projection.write(&input, &tap, run))?;
    } else {
        job.write((&target, out), projection.bytes(), |sink, run| projection.write(&input, &Tap { inner: sink, ..tap }, run))?;
    }
    if let (Some(picker), Some(shade)) = (picker, shade) {
        let slices = picker.finish();
        for file in figure_file.iter().chain(Some(&target).filter(|_| pictured)) {
            let staged = draw(file, &finding, &shade, &slices)?;
            job.stage(staged);
        }
    }
    job.publish()?;

    let provenance = job.provenance()?;
    let mut rows = Rows::new();
    rows.key("output", job::name(&target));
    rows.key("figure", figure_file.as_ref().map(job::name));
    rows.extend(finding.rows(&provenance));
    let figure_line: String = figure_file.iter().map(|file| job::name(file) + "\n").collect();
    job.tell(&format!("{}: {}{figure_line}", job::name(&target), finding.text(&provenance)), rows)
}

fn is_picture(target: &Target) -> bool {
    target.path() != Path::new(hounsfield::io::STREAM) && matches!(picture::extension(target).as_str(), "png" | "svg")
}

/// The greys of the image, which takes a look at all of its voxels.
fn greys(job: &mut Job<'_>, input: &Input<'_>, projection: &Projection) -> Result<Shade> {
    let slabs = projection.slabs().len();
    if slabs > MOST {
        return Err(Error::usage(
            format!("{slabs} slabs in one picture, which has room for {MOST}"),
            "make slabs thicker, or write a volume without a picture",
        ));
    }
    let times = input.header().grid.shape.volumes();
    if times > 1 {
        job.warn(&format!("the picture shows the first of {times} volumes"));
    }
    let (source, bytes) = (input.source().clone(), input.header().bytes());
    let counted = job.prepare("look", bytes, |run| Input::resolve(source, run))?;
    slice::shade(job, None, &counted)
}

/// One slab as a picture, several as a montage.
fn draw(target: &Target, finding: &ProjectionFinding<'_>, shade: &Shade, slices: &[Slice]) -> Result<Staged> {
    let header = finding.projection.header();
    let (view, shade) = (View::new(header, finding.plane), finding.shade(*shade, slices));
    let mut pictures = Vec::new();
    for (slab, slice) in slices.iter().enumerate() {
        let grey = Picture::grey(slice, &header.meaning.rescale, &shade)?;
        let parts = [view.caption(slice.index), finding.caption(slab)];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        pictures.push(grey.captioned(parts.join(" · ")));
    }
    match pictures.as_slice() {
        [one] => {
            let svg = figure::plain(one)?;
            picture::stage(target, &svg, Some(svg.width()))
        }
        many => picture::stage(target, &figure::montage("", many, &[])?, None),
    }
}
