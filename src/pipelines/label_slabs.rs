//! A label map that is read slab by slab, and what hangs together in it: in the memory of the run.

use std::sync::Arc;

use rayon::prelude::*;

use super::Run;
use crate::io::Source;
use crate::ops::bits::LabelType;
use crate::ops::components::{Components, Numbered, Rules, Runs, TooMany};
use crate::{Error, Hint, Result};

/// A label map being read slab by slab.
pub(super) struct LabelSlabs<'a, T> {
    labels: &'a dyn Source,
    pub(super) run: Run<'a>,
    /// Voxels along x, y and z, which memory can count.
    pub(super) shape: [usize; 3],
    /// Slices of a slab.
    height: usize,
    slab: Vec<T>,
}

impl<'a, T: LabelType + bytemuck::Pod> LabelSlabs<'a, T> {
    /// `beside` is how many bytes a voxel of a slab takes while the slab is worked on, beside its label.
    ///
    /// # Errors
    /// [`Error::Usage`] if not even two slices fit the memory.
    pub(super) fn new(labels: &'a Arc<dyn Source>, beside: u64, run: &Run<'a>) -> Result<Self> {
        let header = labels.header();
        let shape = header.grid.shape.xyz().map(|n| n as usize);
        let slice = header.grid.shape.slice_voxels();
        // A slab takes its labels, a third of a byte a voxel for bits, and 4 bytes a run and more of noise.
        let fits = run.memory_bytes / 4 / (slice * (size_of::<T>() as u64 + 4 + beside));
        let height = (fits as usize).min(shape[2]);
        if height < 2.min(shape[2]) {
            let what = format!("two slices of {slice} voxels, several times over");
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        let height = if height < shape[2] { height / 2 * 2 } else { height };
        Ok(Self { labels: labels.as_ref(), run: *run, shape, height, slab: Vec::new() })
    }

    /// Volumes of a time series; 1 of any other.
    pub(super) fn volumes(&self) -> u64 {
        self.labels.header().grid.shape.volumes()
    }

    /// Reads all slabs of a volume one after another and hands each on with its first slice.
    pub(super) fn each_slab(&mut self, volume: u64, mut work: impl FnMut(usize, &[T]) -> Result<()>) -> Result<()> {
        let [nx, ny, nz] = self.shape;
        for first in (0..nz).step_by(self.height) {
            self.run.stop()?;
            let slices = self.height.min(nz - first);
            self.slab.resize(slices * nx * ny, T::zeroed());
            let at = (volume * nz as u64 + first as u64) * (nx * ny) as u64;
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.slab);
            if self.labels.sequential() {
                self.labels.read(at, bytes)?;
            } else {
                // What is computed as it is read, or decoded, keeps all threads busy.
                let labels = self.labels;
                let piece = (labels.unit() as usize / (nx * ny)).max(1) * nx * ny;
                let pieces = bytes.par_chunks_mut(piece * size_of::<T>()).enumerate();
                pieces.try_for_each(|(i, part)| labels.read(at + (i * piece) as u64, part))?;
            }
            self.run.advance(bytes.len() as u64);
            work(first, &self.slab)?;
        }
        Ok(())
    }

    /// The components of a volume; none if `go_on` says of a slab that they are not wanted.
    pub(super) fn components(
        &mut self,
        volume: u64,
        rules: Rules,
        mut go_on: impl FnMut(&[T]) -> bool,
    ) -> Result<Option<Numbered>> {
        let (shape, run) = (self.shape, self.run);
        let mut components = Some(Components::new(shape, rules, Runs::Kept));
        self.each_slab(volume, |_, slab| {
            let Some(own) = components.as_mut().filter(|_| go_on(slab)) else {
                components = None;
                return Ok(());
            };
            own.add_slab(slab).map_err(too_many)?;
            if own.bytes() as u64 > run.memory_bytes / 4 {
                own.forget_runs();
            }
            check_room(own.bytes() as u64, &run)
        })?;
        Ok(components.map(Components::finish))
    }

    /// Hands on every slab's first slice and number of slices, with its runs at hand.
    pub(super) fn each_with_runs(
        &mut self,
        volume: u64,
        numbered: &mut Numbered,
        mut work: impl FnMut(usize, usize, &Numbered) -> Result<()>,
    ) -> Result<()> {
        if numbered.forgets() {
            self.run = self.run.quiet();
            let slice = self.shape[0] * self.shape[1];
            return self.each_slab(volume, |first, slab| {
                numbered.restore(first, slab);
                let done = work(first, slab.len() / slice, numbered);
                numbered.forget();
                done
            });
        }
        let nz = self.shape[2];
        (0..nz).step_by(self.height).try_for_each(|first| {
            self.run.stop()?;
            work(first, self.height.min(nz - first), numbered)
        })
    }
}

/// Said of [`TooMany`] components.
pub(super) fn too_many(error: TooMany) -> Error {
    Error::usage(error.to_string(), "smooth the labels first, such as with a median")
}

/// # Errors
/// [`Error::Usage`] if what is known of components takes more than a half of the memory.
pub(super) fn check_room(bytes: u64, run: &Run<'_>) -> Result<()> {
    if bytes <= run.memory_bytes / 2 {
        return Ok(());
    }
    Err(Error::usage(
        format!("{} MiB for what hangs together, and for holes, of which half of the memory has room", bytes.div_ceil(1 << 20)),
        Hint::MoreMemory,
    ))
}
