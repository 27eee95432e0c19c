//! From file to file: what a user waits for.

use std::path::PathBuf;

use hounsfield::io::output::{Target, publish};
use hounsfield::io::{self, OpenOptions, Source, WriteOptions};
use hounsfield::pipelines::{self, Device, Group, Silent};
use hounsfield::volume::{Dtype, Table, Volume};
use hounsfield::{Error, Result};

/// A folder with the volume as uncompressed NIfTI, which goes when this is dropped.
pub struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// Writes the volume.
    pub fn new(volume: &Volume) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(Error::write(&std::env::temp_dir()))?;
        let files = Self { folder };
        let sink = io::create(&Target::new(&files.input(), true, &[])?, volume.header(), &WriteOptions::default())?;
        sink.write(0, volume.bytes())?;
        publish(vec![sink.finish()?])?;
        Ok(files)
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("input.nii")
    }

    fn open(&self) -> Result<Box<dyn Source>> {
        io::open(&[self.input()], &OpenOptions::default())
    }

    fn write(&self, header: &hounsfield::volume::Header, run: impl FnOnce(&dyn io::Sink) -> Result<()>) -> Result<()> {
        let target = Target::new(&self.folder.path().join("output.nii"), true, &[])?;
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

    pub fn equalize(&self, device: &Device) -> Result<()> {
        let plan = super::cpu::plan(self.open()?, device)?;
        self.write(plan.header(), |sink| plan.write(sink, device, &Silent))
    }
}
