//! Classes by value and neighbours, learnt and written: what `tissue` and `segment --neighbours` share, and `bias` in part.

use hounsfield::Result;
use hounsfield::findings::{TissueFinding, TissueSlices};
use hounsfield::io::output::Target;
use hounsfield::io::{Output, Sink};
use hounsfield::pipelines::{Input, Mask, ScratchPlace, Tissue, TissueOptions, Truth};
use hounsfield::report::{Picker, Slice};
use hounsfield::views::{Nowhere, Tap};
use hounsfield::volume::{Block, Dtype, Header, Observe};

use crate::job::{self, Job};

/// Where everything goes, checked before the first voxel is read.
pub struct ClassOutputs {
    pub labels: Target,
    pub field: Option<Target>,
    pub corrected: Option<Target>,
    pub fractions: Vec<Target>,
    pub figure: Option<Target>,
    pub report: Option<Target>,
}

impl ClassOutputs {
    fn files(&self) -> impl Iterator<Item = &Target> {
        let more = self.field.iter().chain(&self.corrected).chain(&self.fractions);
        std::iter::once(&self.labels).chain(more).chain(&self.figure).chain(&self.report)
    }

    /// Most bytes of the volumes among them.
    pub fn bytes(&self, image: &Header) -> u64 {
        let floats = self.field.iter().chain(&self.corrected).count();
        image.grid.shape.voxels() * (1 + 4 * floats + 2 * self.fractions.len()) as u64
    }
}

/// What classes are learnt, and how they are called.
pub struct ClassWork<'a> {
    pub options: TissueOptions,
    /// Whether a mask says which voxels take part.
    pub masked: bool,
    pub title: &'static str,
    pub names: &'a [String],
    pub scratch: ScratchPlace,
}

/// Learns the classes of images of the same voxels, writes all outputs and tells of them.
pub fn classify(
    mut job: Job<'_>,
    outputs: &ClassOutputs,
    (images, mask, truth): (&[Input<'static>], Option<Mask>, Option<Truth>),
    work: &ClassWork<'_>,
) -> Result<()> {
    let header = images[0].header().clone();
    job.costs(Tissue::cost(&header, &work.options));
    let learn = (work.options, &work.scratch);
    let tissue = job.pass("learn", header.bytes(), |run| Tissue::new(images, mask.as_ref(), learn, run))?;

    let pictures = outputs.figure.is_some() || outputs.report.is_some();
    let labels = job::middles(pictures, &tissue.header())?;
    let look = |at: u64, bytes: &[u8]| {
        labels.iter().for_each(|picker| picker.see(at, Block { dtype: Dtype::U8, bytes }));
        Ok(())
    };
    let written = job.write((&outputs.labels, &tissue.header()), header.bytes(), |sink, run| {
        let tap = Tap { inner: sink, voxel_bytes: 1, mask: None, background: 0, look: Some(&look) };
        tissue.write_labels(&tap, truth.as_ref(), run)
    })?;
    let floats = header.derived(Dtype::F32);
    let field =
        write_floats(&mut job, ("gain", outputs.field.as_ref()), (&floats, pictures), |sink, run| tissue.write_field(sink, run))?;
    let corrected = write_floats(&mut job, ("correct", outputs.corrected.as_ref()), (&floats, pictures), |sink, run| {
        tissue.write_corrected(sink, run)
    })?;
    write_fractions(&mut job, &outputs.fractions, (&tissue, &header))?;

    let ClassWork { names, masked, title, .. } = work;
    let finding = TissueFinding { tissue: &tissue, written: &written, names, masked: *masked, title };
    finding.notes().iter().for_each(|note| job.note(note));
    let provenance = job.provenance()?;
    if let Some(labels) = labels {
        let image = Picker::middles(&header)?;
        job.prepare("look", header.bytes(), |run| hounsfield::pipelines::gather(&images[0].clone().observed(Some(&image)), run))?;
        let slices = TissueSlices { image: image.finish(), corrected, labels: labels.finish(), field };
        if let Some(file) = &outputs.figure {
            job.draw(file, &finding.figure(title, &slices)?)?;
        }
        if let Some(file) = &outputs.report {
            job.page(file, &finding.page(&slices, &provenance)?)?;
        }
    }
    job.publish()?;
    let files: Vec<String> = outputs.files().map(job::name).collect();
    let text = finding.text(&provenance) + &files.iter().map(|file| format!("{file}\n")).collect::<String>();
    let mut rows = finding.rows(&provenance);
    rows.key("outputs", files);
    job.tell(&text, rows)
}

/// Writes an image of floats where somebody wants it, or looks at it where pictures are drawn; the middle slices.
pub fn write_floats(
    job: &mut Job<'_>,
    (stage, target): (&'static str, Option<&Target>),
    (header, pictures): (&Header, bool),
    work: impl FnOnce(&dyn Sink, &hounsfield::pipelines::Run<'_>) -> Result<()>,
) -> Result<Vec<Slice>> {
    let picker = job::middles(pictures, header)?;
    let look = |at: u64, bytes: &[u8]| {
        picker.iter().for_each(|picker| picker.see(at, Block { dtype: Dtype::F32, bytes }));
        Ok(())
    };
    let tap = |inner: &dyn Sink, run: &hounsfield::pipelines::Run<'_>| {
        work(&Tap { inner, voxel_bytes: 4, mask: None, background: 0, look: Some(&look) }, run)
    };
    match target {
        Some(target) => job.write((target, header), header.bytes(), |sink, run| tap(sink, run))?,
        None if pictures => job.prepare(stage, header.bytes(), |run| tap(&Nowhere, run))?,
        None => {}
    }
    Ok(picker.map(Picker::finish).unwrap_or_default())
}

fn write_fractions(job: &mut Job<'_>, targets: &[Target], (tissue, header): (&Tissue, &Header)) -> Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let derived = header.derived(Dtype::U16);
    let files = targets.iter().map(|target| job.begin(target, &derived)).collect::<Result<Vec<Box<dyn Output>>>>()?;
    let sinks: Vec<&dyn Sink> = files.iter().map(|file| file.as_ref() as &dyn Sink).collect();
    job.pass("fractions", header.bytes(), |run| tissue.write_fractions(&sinks, run))?;
    files.into_iter().map(Output::finish).try_for_each(|staged| staged.map(|staged| job.stage(staged)))
}
