//! The whole job of a projection: rays along one axis, slab by slab.

mod passes;
mod sheaf;
mod slab;
#[cfg(test)]
mod tests;

pub use slab::Thickness;

use std::ops::Range;

use super::{Input, Run};
use crate::io::Sink;
use crate::ops::project::{Beams, Fold};
use crate::volume::{Dtype, Header, Padding, keys};
use crate::{Error, Result};

/// What the voxels of a ray become, by their real values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The mean of the stored values, halves up, in their type.
    Mean,
    /// The sum of the real values: uint32 or int32 where that holds it, else float32.
    Sum,
    /// The value in the middle; of an even number the lower of the two.
    Median,
}

impl How {
    /// All, in the order in which help shows them.
    pub const ALL: [Self; 5] = [Self::Max, Self::Min, Self::Mean, Self::Sum, Self::Median];

    /// As it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Median => "median",
        }
    }
}

/// A projection decided on: along which axis, of which slabs, and what comes of it. Padding has no part in it; a ray of nothing but padding gives padding, and
/// as a sum 0. A volume of several times is projected time by time.
#[derive(Debug, Clone)]
pub struct Projection {
    axis: usize,
    how: How,
    slabs: Vec<Range<u64>>,
    /// Of the image.
    image: Header,
    /// Of the result.
    header: Header,
}

impl Projection {
    /// Slabs one behind the other from the first voxel of the axis on; the last is thinner where they do not go into it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a single slice, for slices of different rescale, for millimetres where the spacing is not known.
    pub fn new(image: &Header, axis: usize, how: How, thickness: Thickness) -> Result<Self> {
        if image.grid.shape.axis(2) == 1 {
            return Err(Error::usage(
                format!("rays through a single slice of {} voxels", image.grid.shape),
                "give a volume: a series, or the files of its slices",
            ));
        }
        let slabs = thickness.slabs(image, axis)?;
        Self::of(image, axis, how, slabs)
    }

    /// Slabs that the caller chose: ascending, none empty; they may overlap.
    ///
    /// # Errors
    /// [`Error::Usage`] for slices of different rescale, and for slabs that are not inside the image.
    pub fn of(image: &Header, axis: usize, how: How, slabs: Vec<Range<u64>>) -> Result<Self> {
        if image.meaning.rescale.uniform().is_none() {
            return Err(Error::usage(
                "rays through slices of different rescale",
                "convert the volume first: real values are written",
            ));
        }
        let all = image.grid.shape.axis(axis);
        let inside = slabs.iter().all(|slab| slab.start < slab.end && slab.end <= all) && !slabs.is_empty();
        let ascending = slabs.windows(2).all(|pair| pair[0].start <= pair[1].start && pair[0].end <= pair[1].end);
        if !inside || !ascending || all > u64::from(u32::MAX) {
            return Err(Error::usage(format!("slabs {slabs:?} of {all} voxels"), "give slabs inside the image, in its order"));
        }
        let header = slab::described(image, axis, &slabs, how)?;
        Ok(Self { axis, how, slabs, image: image.clone(), header })
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read, as stored.
    pub fn image(&self) -> &Header {
        &self.image
    }

    /// The voxel axis along which rays run.
    pub fn axis(&self) -> usize {
        self.axis
    }

    /// What becomes of them.
    pub fn how(&self) -> How {
        self.how
    }

    /// From and to which voxel of the axis each slab runs.
    pub fn slabs(&self) -> &[Range<u64>] {
        &self.slabs
    }

    /// Thickness of the first slab in mm, where the spacing is known.
    pub fn slab_mm(&self) -> Option<f64> {
        let spacing = self.image.grid.geometry.as_ref()?.spacing_mm[self.axis];
        Some((self.slabs[0].end - self.slabs[0].start) as f64 * spacing)
    }

    /// Bytes that are read: slabs may leave voxels out, and may overlap.
    pub fn bytes(&self) -> u64 {
        let steps: u64 = self.slabs.iter().map(|slab| slab.end - slab.start).sum();
        self.image.bytes() / self.image.grid.shape.axis(self.axis) * steps
    }

    /// Writes the result. Whole numbers of 64 bits, and sums and means of floats, are the CPU's on any device.
    ///
    /// # Errors
    /// [`Error::Usage`] if not even a row of rays fits the memory; what reading and writing give; [`Error::Interrupted`]. A failing GPU is no error: the
    /// CPU finishes.
    pub fn write(&self, input: &Input<'_>, sink: &dyn Sink, run: &Run<'_>) -> Result<()> {
        passes::write(self, input, sink, run)
    }

    /// The same on keys: brighter is not greater where the slope is negative.
    fn beams(&self) -> Beams {
        let rising = self.image.meaning.rescale.of_slice(0).slope > 0.0;
        let fold = match self.how {
            How::Max if rising => Fold::Greatest,
            How::Min if !rising => Fold::Greatest,
            How::Max | How::Min => Fold::Least,
            How::Mean | How::Sum => Fold::Sum,
            How::Median => Fold::Middle { upper: !rising },
        };
        let dtype = self.image.meaning.dtype;
        let padding = self.image.meaning.padding.and_then(|p| padding_keys(dtype, p));
        Beams { dtype, axis: self.axis, fold, slabs: Vec::new(), padding }
    }
}

/// First and last key of padding; none if the type has no such values.
fn padding_keys(dtype: Dtype, padding: Padding) -> Option<(u64, u64)> {
    let (mut low, mut high) = (padding.low, padding.high);
    if dtype.is_integer() {
        let (least, most) = dtype.limits();
        (low, high) = (low.ceil().max(least), high.floor().min(most));
    }
    let key = |value: f64| {
        let mut bytes = [0; 8];
        dtype.encode(value, &mut bytes[..dtype.bytes()]);
        keys::key(dtype, u64::from_le_bytes(bytes))
    };
    (low <= high).then(|| (key(low), key(high)))
}
