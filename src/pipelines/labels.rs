//! Label maps on the grid of an image, and masks, which are label maps of 0 and 1.

use std::sync::{Arc, Mutex, PoisonError};

use super::copy::gather;
use super::{Input, Run};
use crate::io::Source;
use crate::ops::mask::Rule;
use crate::views::{Combined, Held, Selected, Turned};
use crate::volume::{Block, Dtype, Header, Turn, Volume};
use crate::{Error, Result};

/// Labels on the grid of an image: one whole number a voxel, uint8 or uint16; 0 is outside of all. Cheap to clone.
#[derive(Clone)]
pub struct Labels {
    source: Arc<dyn Source>,
    reoriented: bool,
}

/// Labels of 0 and 1: the voxels that count.
#[derive(Debug, Clone)]
pub struct Mask {
    labels: Labels,
}

impl std::fmt::Debug for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let header = self.source.header();
        f.debug_struct("Labels").field("shape", &header.grid.shape).field("dtype", &header.meaning.dtype).finish_non_exhaustive()
    }
}

impl Labels {
    /// Labels as they are stored, for the image with header `image`.
    ///
    /// Labels whose axes are flipped or permuted against the image's, on the same grid, and one volume for a time series are read whole, now, and
    /// held; any others are read block by block when they are used.
    ///
    /// # Errors
    /// [`Error::Usage`] for another type than uint8 or uint16, or with both shapes, or both geometries, if the two do not lie on the same grid; what
    /// reading gives.
    pub fn new(source: Arc<dyn Source>, image: &Header, run: &Run<'_>) -> Result<Self> {
        let dtype = source.header().meaning.dtype;
        if !matches!(dtype, Dtype::U8 | Dtype::U16) {
            return Err(Error::usage(
                format!("labels of type {dtype}"),
                "give whole numbers from 0 to 65,535 as uint8 or uint16",
            ));
        }
        let turn = Turn::of("label map", &source.header().grid, &image.grid)?;
        Self::turned(source, turn, image, run)
    }

    fn turned(source: Arc<dyn Source>, turn: Turn, image: &Header, run: &Run<'_>) -> Result<Self> {
        let reoriented = turn.reorients();
        if turn.is_straight() {
            return Ok(Self { source, reoriented });
        }
        let header = source.header().clone();
        let held = Held::Bytes(read_all(source, run)?.into_parts().1);
        Ok(Self { source: Arc::new(Turned::new(held, &header, turn, image)), reoriented })
    }

    /// The labels as a volume.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Whether the file's axes are not the image's: it was turned to fit.
    pub fn reoriented(&self) -> bool {
        self.reoriented
    }
}

impl Mask {
    /// Voxels of `source` that are not zero, or that equal `label`, select voxels of the image with header `image`.
    ///
    /// A mask whose axes are flipped or permuted against the image's, on the same grid, and one volume for a time series are read whole, now, and
    /// held as one bit a voxel; any other is read block by block when it is used.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both geometries, if the two do not lie on the same grid; what reading gives.
    pub fn new(source: Arc<dyn Source>, label: Option<f64>, image: &Header, run: &Run<'_>) -> Result<Self> {
        let turn = Turn::of("mask", &source.header().grid, &image.grid)?;
        let selected: Arc<dyn Source> = Arc::new(Selected::new(source, label));
        let reoriented = turn.reorients();
        let source = if turn.is_straight() { selected } else { held_as_bits(selected, turn, image, run)? };
        Ok(Self { labels: Labels { source, reoriented } })
    }

    /// Several masks of one image as one: the first with the second by `rule`, the result with the third, and so on. [`Rule::NOT`] makes no sense here;
    /// see [`Mask::inverted`].
    ///
    /// # Errors
    /// [`Error::Usage`] without masks, or if they are not all of one image.
    pub fn combined(masks: Vec<Self>, rule: Rule) -> Result<Self> {
        let mut masks = masks.into_iter().map(Self::into_labels);
        let mut all = masks.next().ok_or_else(|| Error::usage("no mask is given", "name one"))?;
        for mask in masks {
            let (a, b) = (&all.source.header().grid.shape, &mask.source.header().grid.shape);
            if a.voxels() != b.voxels() {
                return Err(Error::usage(format!("masks of {a} and {b} voxels"), "combine masks of one image"));
            }
            all = Labels {
                reoriented: all.reoriented || mask.reoriented,
                source: Arc::new(Combined::two(all.source, mask.source, rule)),
            };
        }
        Ok(Self { labels: all })
    }

    /// The voxels that this mask leaves out.
    #[must_use]
    pub fn inverted(&self) -> Self {
        let Labels { source, reoriented } = self.labels.clone();
        Self { labels: Labels { source: Arc::new(Combined::opposite(source)), reoriented } }
    }

    /// The same from memory, one bit a voxel, where its file would have to be read in order and the bits fit: for jobs of many passes.
    ///
    /// # Errors
    /// What reading gives.
    pub(super) fn held(self, run: &Run<'_>) -> Result<Self> {
        let Labels { source, reoriented } = self.labels;
        let header = source.header().clone();
        if !source.sequential() || header.grid.shape.voxels() / 8 > run.memory_bytes {
            return Ok(Self { labels: Labels { source, reoriented } });
        }
        let turn = Turn::of("mask", &header.grid, &header.grid)?;
        Ok(Self { labels: Labels { source: held_as_bits(source, turn, &header, run)?, reoriented } })
    }

    /// The mask as a volume of 0 and 1.
    pub fn source(&self) -> &dyn Source {
        self.labels.source()
    }

    /// The same, to keep.
    pub fn into_source(self) -> Arc<dyn Source> {
        self.labels.source
    }

    /// Whether the file's axes are not the image's: it was turned to fit.
    pub fn reoriented(&self) -> bool {
        self.labels.reoriented
    }

    /// As labels of 0 and 1.
    pub fn into_labels(self) -> Labels {
        self.labels
    }
}

fn held_as_bits(mask: Arc<dyn Source>, turn: Turn, image: &Header, run: &Run<'_>) -> Result<Arc<dyn Source>> {
    let header = mask.header().clone();
    let bits = Mutex::new(vec![0u8; header.grid.shape.voxels().div_ceil(8) as usize]);
    let keep = |at: u64, block: Block<'_>| {
        let mut bits = bits.lock().unwrap_or_else(PoisonError::into_inner);
        for (i, voxel) in (at..).zip(block.bytes) {
            bits[(i >> 3) as usize] |= u8::from(*voxel != 0) << (i & 7);
        }
    };
    gather(&Input::of(mask).observed(Some(&keep)), &run.quiet())?;
    let held = Held::Bits(bits.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(Arc::new(Turned::new(held, &header, turn, image)))
}

/// The same voxels from memory, if they would have to be read in order and are no more than `most` bytes.
pub(super) fn held(source: Arc<dyn Source>, most: u64, run: &Run<'_>) -> Result<Arc<dyn Source>> {
    if !source.sequential() || source.header().bytes() > most {
        return Ok(source);
    }
    Ok(Arc::new(read_all(source, run)?))
}

/// All voxels, in memory.
pub(super) fn read_all(source: Arc<dyn Source>, run: &Run<'_>) -> Result<Volume> {
    let header = source.header().clone();
    let size = header.meaning.dtype.bytes();
    let all = Mutex::new(vec![0; header.bytes() as usize]);
    let keep = |at: u64, block: Block<'_>| {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all[at as usize * size..][..block.bytes.len()].copy_from_slice(block.bytes);
    };
    gather(&Input::of(source).observed(Some(&keep)), run)?;
    Volume::new(header, all.into_inner().unwrap_or_else(PoisonError::into_inner))
}
