//! From file to file: what a user waits for.

use std::path::PathBuf;
use std::sync::Arc;

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, OpenOptions, WriteOptions};
use hounsfield::pipelines::{self, Device, Group, Input, Mapping, Mask, Method, Pointwise, Region, Run, Segment, Segmentation};
use hounsfield::volume::{Dtype, Table, Volume};
use hounsfield::{Error, Result};

use super::tissue;

/// A folder with the volume and a mask as uncompressed NIfTI, which goes when this is dropped.
pub struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// Writes the volume and its mask.
    pub fn new(volume: &Arc<Volume>) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(Error::write(&std::env::temp_dir()))?;
        let files = Self { folder };
        let groups = pipelines::count(&Input::of(volume.clone()), &Run::silent(&Device::cpu()))?;
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

    /// The volume.
    pub fn open(&self) -> Result<Input<'static>> {
        Ok(Input::of(io::open(&[self.path("input.nii")], &OpenOptions::default())?.into()))
    }

    /// The mask.
    pub fn open_mask(&self) -> Result<Input<'static>> {
        Ok(Input::of(io::open(&[self.path("mask.nii")], &OpenOptions::default())?.into()))
    }

    /// Creates the output with this header, fills it and puts it in its place.
    pub fn write(&self, header: &hounsfield::volume::Header, run: impl FnOnce(&dyn io::Sink) -> Result<()>) -> Result<()> {
        let target = Target::new(&self.path("output.nii"), true, &[])?;
        let sink = io::create(&target, header, &WriteOptions::default())?;
        run(sink.as_ref())?;
        publish(vec![sink.finish()?])
    }

    pub fn count(&self, device: &Device) -> Result<Vec<Group>> {
        pipelines::count(&self.open()?, &Run::silent(device))
    }

    pub fn remap(&self, tables: &[Table], device: &Device) -> Result<()> {
        let input = self.open()?;
        let header = input.header().derived(Dtype::U8);
        self.write(&header, |sink| pipelines::map(&input, tables, sink, &Run::silent(device)))
    }

    pub fn mask(&self, device: &Device) -> Result<()> {
        let (input, run) = (self.open()?, Run::silent(device));
        let mask = io::open(&[self.path("mask.nii")], &OpenOptions::default())?;
        let mask = Mask::new(mask.into(), None, input.header(), &run)?;
        let input = input.masked(Some(mask));
        self.write(input.header(), |sink| pipelines::mask(&input, 0, sink, &run))
    }

    pub fn segment(&self, method: Method, device: &Device) -> Result<()> {
        let iterations = (method == Method::Voxel).then_some(tissue::ITERATIONS);
        let job = Segment { method: Some(method), max_iterations: iterations, ..Segment::classes(tissue::CLASSES) };
        let run = Run::silent(device);
        let found = Segmentation::new(&[self.open()?], None, &job, &run)?;
        self.write(found.header(), |sink| found.write_labels(sink, None, &run).map(|_| ()))
    }

    pub fn equalize(&self, device: &Device) -> Result<()> {
        let run = Run::silent(device);
        let plan = Mapping::new(&self.open()?, &Pointwise::equalize(None, None, Region::default()), &run)?;
        self.write(plan.header(), |sink| plan.write(sink, &run))
    }
}
