//! A volume that is read as a network asks for it: some slices at a time, so that its size costs no memory.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hounsfield::io::{Sink, Source};
use hounsfield::{Error, Result};

use super::read::{no_numbers, open_volume};
use super::{Look, Orient, Stack};
use crate::data::real_slices;
use crate::prepare::{Scale, through};

/// A volume in its file, as a network sees it.
pub struct Streamed {
    path: PathBuf,
    source: Arc<dyn Source>,
    orient: Orient,
    scale: Scale,
}

/// Values that are looked at together, about, while a volume is measured.
const AT_ONCE: u64 = 1 << 22;
/// The largest volume that is held where slices of the network are not those of the file: 4 bytes a voxel for it, as many for each class.
const HELD_BYTES: u64 = 8 << 30;

impl Streamed {
    /// Opens and measures a volume. One that goes through steps first is held in memory once it has.
    ///
    /// # Errors
    /// As [`open_volume`]; [`Error::Format`] for voxels that are no numbers.
    pub fn open(path: &Path, look: &Look, go_on: &dyn Fn() -> Result<()>) -> Result<Self> {
        let source = through(open_volume(path)?, look.steps.as_deref())?;
        let orient = Orient::new(source.header(), look.orientation.as_deref())?;
        let [nx, ny, nz] = source.header().grid.shape.xyz();
        let step = (AT_ONCE / (nx * ny).max(1)).max(1);
        let scale = look.normalise.scale(&mut |see| {
            for first in (0..nz).step_by(step as usize) {
                go_on()?;
                let values = real_slices(source.as_ref(), first..nz.min(first + step))?;
                if values.iter().any(|value| !value.is_finite()) {
                    return Err(no_numbers(path));
                }
                see(&values);
            }
            Ok(())
        })?;
        Ok(Self { path: path.to_path_buf(), source, orient, scale })
    }

    /// The file.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Voxels along the axes of the network.
    pub fn size(&self) -> [usize; 3] {
        self.orient.size()
    }

    /// Whether the axes of the file are other ones.
    pub fn is_turned(&self) -> bool {
        !self.orient.is_straight()
    }

    /// Whether a network that looks along these axes takes the volume slice by slice, as the file has them.
    pub fn by_slices(&self, axes: &[usize]) -> bool {
        axes == [2] && self.orient.keeps_slices()
    }

    /// Some slices, normalised, in the order of the network, where that [is that of the file](Self::by_slices) or all are asked for.
    ///
    /// # Errors
    /// What reading gives; [`Error::Format`] for voxels that are no numbers, which only a bounded measure leaves unseen.
    pub fn slices(&self, slices: Range<usize>) -> Result<Vec<f32>> {
        let (own, slab) = match self.orient.keeps_slices() {
            true => self.orient.slab(slices),
            false => (0..self.source.header().grid.shape.xyz()[2] as usize, self.orient.clone()),
        };
        let mut values = real_slices(self.source.as_ref(), own.start as u64..own.end as u64)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(no_numbers(&self.path));
        }
        self.scale.apply(&mut values);
        Ok(slab.turned(values))
    }

    /// All of it, for a network that looks along several axes or across the slices of the file.
    ///
    /// # Errors
    /// As [`Streamed::slices`]; [`Error::Usage`] for a volume that is too large for it.
    pub fn whole(&self, classes: usize) -> Result<Vec<f32>> {
        let voxels = self.size().iter().map(|n| *n as u64).product::<u64>();
        if voxels.saturating_mul(4 * (classes as u64 + 2)) > HELD_BYTES {
            let what = format!("{voxels} voxels at once, for this model looks across the slices of the file");
            return Err(Error::usage(what, "turn the volume with hounsfield reorient first, or train along z alone"));
        }
        self.slices(0..self.size()[2])
    }

    /// Writes labels of some slices of the network, or of all, where they lie in the file.
    ///
    /// # Errors
    /// What writing gives.
    pub fn write(&self, slices: Range<usize>, labels: Vec<u8>, sink: &dyn Sink) -> Result<()> {
        if !self.orient.keeps_slices() {
            return sink.write(0, &self.orient.back(labels));
        }
        let (own, slab) = self.orient.slab(slices);
        let shape = self.source.header().grid.shape.xyz();
        sink.write(own.start as u64 * shape[0] * shape[1], &slab.back(labels))
    }

    /// A stack of slices with `beside` more on either side, where there are such, and the number of its first one.
    ///
    /// # Errors
    /// As [`Streamed::slices`].
    pub fn around(&self, slices: &Range<usize>, beside: usize) -> Result<(Vec<f32>, Range<usize>)> {
        let all = slices.start.saturating_sub(beside)..(slices.end + beside).min(self.size()[2]);
        Ok((self.slices(all.clone())?, all))
    }
}

/// Slices as a stack.
pub fn stack<'a>(values: &'a [f32], [nx, ny, _]: [usize; 3], slices: &Range<usize>) -> Stack<'a> {
    Stack::new(values, [nx, ny, slices.len()], 2)
}
