//! Labels, gain, corrected image and fractions into files.

use super::Tissue;
use crate::analysis::tissue::{NODES_PER_NAT, TissueClass};
use crate::io::Sink;
use crate::ops::bias::log_field;
use crate::ops::hmrf::{FractionTables, OUTSIDE, fractions};
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
        self.each_slice(run, |z, at| {
            let mut slice = vec![0; self.slice()];
            self.spread(z, |box_at| self.labels[box_at], &mut slice);
            register.enter(at, &slice)?;
            sink.write(at, &slice)
        })?;
        Ok(register.counted())
    }

    /// Writes the gain as float32: the image is what is [corrected](Self::write_corrected) times the gain, whose geometric mean is 1 over the voxels that take part. Beyond their box it stays as at its border.
    ///
    /// # Errors
    /// As [`write_labels`](Self::write_labels).
    pub fn write_field(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        self.each_slice(run, |z, at| {
            let bytes: Vec<u8> = self.gains_of(z).iter().flat_map(|gain| (*gain as f32).to_le_bytes()).collect();
            sink.write(at, &bytes)
        })
    }

    /// Writes the image without the gain as float32, in real values: also what lies outside of the mask.
    ///
    /// # Errors
    /// What reading and writing give; [`Error::Interrupted`].
    pub fn write_corrected(&self, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        let real = RealValues::new(self.source.clone(), Dtype::F32);
        let origin = self.working.origin;
        self.each_slice(run, |z, at| {
            let mut bytes = vec![0; 4 * self.slice()];
            crate::io::Source::read(&real, at, &mut bytes)?;
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
        let gaussians: Vec<_> = self.classes.iter().map(TissueClass::gaussian).collect();
        let (tables, shape) = (FractionTables::new(&gaussians), self.working.shape());
        let mut planes = vec![Vec::new(); sinks.len()];
        let mut full = vec![0u16; self.slice()];
        self.each_slice(run, |z, at| {
            let inside = self.working.place[2].contains(&z);
            if inside {
                let own = (z - self.working.place[2].start) as usize;
                fractions((&self.levels, shape, own), (&tables, self.faces), &self.weights, &mut planes);
            }
            sinks.iter().zip(&planes).try_for_each(|(sink, plane)| {
                full.fill(0);
                if inside {
                    self.spread(z, |box_at| plane[box_at % (shape[0] * shape[1])], &mut full);
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

    /// Puts what `of` says of the voxels of the box into slice `z` of the volume, where the box reaches.
    fn spread<T>(&self, z: u64, of: impl Fn(usize) -> T, slice: &mut [T]) {
        let ([xs, ys, zs], nx) = (&self.working.place, self.header.grid.shape.xyz()[0]);
        if !zs.contains(&z) {
            return;
        }
        let [width, height, _] = self.working.shape();
        for y in ys.clone() {
            let from = (((z - zs.start) * height as u64 + y - ys.start) * width as u64) as usize;
            let row = &mut slice[(y * nx + xs.start) as usize..][..width];
            row.iter_mut().zip(from..).for_each(|(out, at)| *out = of(at));
        }
    }

    /// The gain of each voxel of slice `z` of the volume.
    fn gains_of(&self, z: u64) -> Vec<f64> {
        let ([xs, ys, zs], [nx, ny, _]) = (&self.working.place, self.header.grid.shape.xyz());
        let [width, height, _] = self.working.shape();
        let near = |at: u64, range: &std::ops::Range<u64>| (at.clamp(range.start, range.end - 1) - range.start) as usize;
        let mut own = vec![0; width * height];
        log_field((&self.nodes, &self.grid), near(z, zs), &mut own);
        let gain = |b: i32| libm::exp((f64::from(b) - self.mean_log) / NODES_PER_NAT);
        (0..ny).flat_map(|y| (0..nx).map(move |x| (x, y))).map(|(x, y)| gain(own[near(y, ys) * width + near(x, xs)])).collect()
    }
}

/// The least and the greatest gain of a voxel that takes part.
pub(super) fn gains(found: &Tissue) -> (f64, f64) {
    let [width, height, depth] = found.working.shape();
    let mut own = vec![0; width * height];
    let mut ends = (i32::MAX, i32::MIN);
    for z in 0..depth {
        log_field((&found.nodes, &found.grid), z, &mut own);
        for (b, _) in own.iter().zip(&found.working.values[z * width * height..]).filter(|(_, value)| **value != OUTSIDE) {
            ends = (ends.0.min(*b), ends.1.max(*b));
        }
    }
    let gain = |b: i32| libm::exp((f64::from(b) - found.mean_log) / NODES_PER_NAT);
    (gain(ends.0), gain(ends.1))
}
