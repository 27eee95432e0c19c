//! Labels, gain, corrected image and fractions into files.

use super::Tissue;
use super::slabs::SlabReader;
use crate::analysis::tissue::TissueClass;
use crate::io::{Sink, Source};
use crate::ops::bias::log_field;
use crate::ops::hmrf::{FractionTables, fractions};
use crate::pipelines::Run;
use crate::pipelines::truth::{Register, Truth, Written};
use crate::views::RealValues;
use crate::volume::Dtype;
use crate::{Error, Result};

impl Tissue {
    /// Writes the labels: 0 outside, else the class from 1. They are counted, and compared with `truth`, on the way.
    ///
    /// # Errors
    /// What writing gives; [`Error::Interrupted`].
    pub fn write_labels(&self, sink: &dyn Sink, truth: Option<&Truth>, run: &Run<'_>) -> Result<Written> {
        let register = Register::new(self.classes.len(), truth);
        let mut label_of = vec![0; self.classes.len() + 1];
        (1..).zip(&self.order).for_each(|(label, class)| label_of[class + 1] = label);
        let (mut reader, box_slice) = (SlabReader::new(&self.slabs, &self.nodes), self.slabs.of.slice());
        self.each_slice(run, |z, at| {
            let mut slice = vec![0; self.slice()];
            if let Some(own) = self.in_box(z) {
                let slab = reader.at(own)?;
                let labels = &slab.labels[(own - slab.held.start) * box_slice..];
                self.spread(|at| label_of[usize::from(labels[at])], &mut slice);
            }
            register.enter(at, &slice)?;
            sink.write(at, &slice)
        })?;
        Ok(register.counted())
    }

    /// Writes the gain of the first image as float32: the image is what is [corrected](Self::write_corrected) times the gain, whose geometric mean is 1 over the voxels that take part. Beyond their box it stays as at its border.
    ///
    /// # Errors
    /// As [`write_labels`](Self::write_labels).
    pub fn write_field(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        self.each_slice(run, |z, at| {
            let bytes: Vec<u8> = self.gains_of(z).iter().flat_map(|gain| (*gain as f32).to_le_bytes()).collect();
            sink.write(at, &bytes)
        })
    }

    /// Writes the first image without the gain as float32, in real values: also what lies outside of the mask.
    ///
    /// # Errors
    /// What reading and writing give; [`Error::Interrupted`].
    pub fn write_corrected(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let real = RealValues::new(self.source.clone(), Dtype::F32);
        let origin = self.channels.scales[0].origin;
        self.each_slice(run, |z, at| {
            let mut bytes = vec![0; 4 * self.slice()];
            real.read(at, &mut bytes)?;
            for (one, gain) in bytes.chunks_exact_mut(4).zip(self.gains_of(z)) {
                let value = f64::from(f32::from_le_bytes([one[0], one[1], one[2], one[3]]));
                one.copy_from_slice(&((origin + (value - origin) / gain) as f32).to_le_bytes());
            }
            sink.write(at, &bytes)
        })
    }

    /// Writes how much of each voxel is of each class, to a sink of its own as uint16 of which [`WHOLE`](crate::ops::hmrf::WHOLE) is all; they sum to it wherever a voxel takes part.
    ///
    /// # Errors
    /// As [`write_labels`](Self::write_labels); [`Error::Usage`] unless there is one sink for each class.
    pub fn write_fractions(&self, sinks: &[&dyn Sink], run: &Run<'_>) -> Result<()> {
        if sinks.len() != self.classes.len() {
            let what = format!("{} outputs for the fractions of {} classes", sinks.len(), self.classes.len());
            return Err(Error::usage(what, "give one for each class"));
        }
        // As weights are numbered.
        let mut gaussians: Vec<_> = self.classes.iter().map(TissueClass::gaussian).collect();
        self.order.iter().zip(&self.classes).for_each(|(class, own)| gaussians[*class] = own.gaussian());
        let (tables, of) = (FractionTables::new(&gaussians), self.slabs.of);
        let (mut planes, mut full) = (vec![Vec::new(); sinks.len()], vec![0u16; self.slice()]);
        let mut reader = SlabReader::new(&self.slabs, &self.nodes);
        self.each_slice(run, |z, at| {
            let own = self.in_box(z);
            if let Some(own) = own {
                let slab = reader.at(own)?;
                let shape = [of.shape[0], of.shape[1], slab.held.len()];
                fractions((&slab.levels, shape, own - slab.held.start), (&tables, of.faces), &slab.weights, &mut planes);
            }
            sinks.iter().zip(&self.order).try_for_each(|(sink, class)| {
                full.fill(0);
                if own.is_some() {
                    self.spread(|at| planes[*class][at], &mut full);
                }
                let bytes: Vec<u8> = full.iter().flat_map(|part| part.to_le_bytes()).collect();
                sink.write(at, &bytes)
            })
        })
    }

    fn slice(&self) -> usize {
        self.header.grid.shape.slice_voxels() as usize
    }

    fn each_slice(&self, run: &Run<'_>, mut work: impl FnMut(u64, u64) -> Result<()>) -> Result<()> {
        let slice = self.header.grid.shape.slice_voxels();
        for z in 0..self.header.grid.shape.xyz()[2] {
            run.stop()?;
            work(z, z * slice)?;
            run.advance(slice * self.header.meaning.dtype.bytes() as u64);
        }
        Ok(())
    }

    /// The slice of the box that is slice `z` of the volume.
    fn in_box(&self, z: u64) -> Option<usize> {
        let zs = &self.channels.place[2];
        zs.contains(&z).then(|| (z - zs.start) as usize)
    }

    /// Puts what `of` says of the voxels of a slice of the box into a slice of the volume.
    fn spread<T>(&self, of: impl Fn(usize) -> T, slice: &mut [T]) {
        let ([xs, ys, _], nx) = (&self.channels.place, self.header.grid.shape.xyz()[0]);
        let width = self.slabs.of.shape[0];
        for (row, y) in ys.clone().enumerate() {
            let voxels = &mut slice[(y * nx + xs.start) as usize..][..width];
            voxels.iter_mut().zip(row * width..).for_each(|(out, at)| *out = of(at));
        }
    }

    /// The gain of the first image at each voxel of slice `z` of the volume.
    fn gains_of(&self, z: u64) -> Vec<f64> {
        let ([xs, ys, zs], [nx, ny, _]) = (&self.channels.place, self.header.grid.shape.xyz());
        let width = self.slabs.of.shape[0];
        let near = |at: u64, range: &std::ops::Range<u64>| (at.clamp(range.start, range.end - 1) - range.start) as usize;
        let mut own = vec![0; self.slabs.of.slice()];
        log_field((&self.nodes[0], &self.slabs.of.grid), near(z, zs), &mut own);
        let gain = |x: u64, y: u64| self.gains[0].gain(own[near(y, ys) * width + near(x, xs)]);
        (0..ny).flat_map(|y| (0..nx).map(move |x| (x, y))).map(|(x, y)| gain(x, y)).collect()
    }
}
