//! From file to file: what a user waits for.

use std::path::PathBuf;

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, OpenOptions, Source, WriteOptions};
use hounsfield::pipelines::{self, Device, Group, Mask, Method, Resolved, Segment, Segmentation, Silent};
use hounsfield::volume::{Dtype, Table, Volume};
use hounsfield::{Error, Result};

use super::tissue;

/// A folder with the volume and a mask as uncompressed NIfTI, which goes when this is dropped.
pub struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// Writes the volume and its mask.
    pub fn new(volume: &Volume) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(Error::write(&std::env::temp_dir()))?;
        let files = Self { folder };
        let groups = pipelines::count(volume, None, &Device::Cpu, None, &Silent)?;
        let write = |name: &str, volume: &Volume| {
            let target = Target::new(&files.path(name), true, &[])?;
            let sink = io::create(&target, volume.header(), &WriteOptions::default())?;
            sink.write(0, volume.bytes())?;
            publish(vec![sink.finish()?])
        };
        write("input.nii", volume)?;
        write("mask.nii", &tissue::mask(volume, &groups)?)?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<Box<dyn Source>> {
        io::open(&[self.path("input.nii")], &OpenOptions::default())
    }

    fn write(&self, header: &hounsfield::volume::Header, run: impl FnOnce(&dyn io::Sink) -> Result<()>) -> Result<()> {
        let target = Target::new(&self.path("output.nii"), true, &[])?;
        let sink = io::create(&target, header, &WriteOptions::default())?;
        run(sink.as_ref())?;
        publish(vec![sink.finish()?])
    }

    pub fn count(&self, device: &Device) -> Result<Vec<Group>> {
        pipelines::count(self.open()?.as_ref(), None, device, None, &Silent)
    }

    pub fn remap(&self, tables: &[Table], device: &Device) -> Result<()> {
        let source = self.open()?;
        self.write(&source.header().derived(Dtype::U8), |sink| pipelines::map(source.as_ref(), tables, sink, device, &Silent))
    }

    pub fn mask(&self, device: &Device) -> Result<()> {
        let source = self.open()?;
        let mask = Mask::new(io::open(&[self.path("mask.nii")], &OpenOptions::default())?, None, source.header())?;
        self.write(source.header(), |sink| pipelines::mask(source.as_ref(), &mask, 0, sink, device, None, &Silent))
    }

    pub fn segment(&self, method: Method, device: &Device) -> Result<()> {
        let iterations = (method == Method::Voxel).then_some(tissue::ITERATIONS);
        let job = Segment { method: Some(method), max_iterations: iterations, ..Segment::classes(tissue::CLASSES) };
        let found = Segmentation::new(vec![Resolved::Exact(self.open()?)], None, &job, device, None, &Silent)?;
        self.write(found.header(), |sink| found.write_labels(sink, None, None, device, &Silent).map(|_| ()))
    }

    pub fn equalize(&self, device: &Device) -> Result<()> {
        let plan = super::cpu::plan(self.open()?, device)?;
        self.write(plan.header(), |sink| plan.write(sink, device, &Silent))
    }
}
