//! Volumes that are read whole and held, for jobs that read them again and again or out of order.

use std::sync::{Arc, Mutex, PoisonError};

use super::copy::gather;
use super::rounded::{as_labels, check_labels};
use super::{Input, Labels, Mask, Run};
use crate::io::Source;
use crate::views::{Held, MaskBy, Selected, Turned};
use crate::volume::{Block, Dtype, Header, Turn, Volume};
use crate::{Error, Hint, Result};

impl Input<'_> {
    /// The same voxels in the order of axes of the image with header `image`: a channel, or what is laid over a picture. What lies otherwise on the same
    /// grid, and one volume for a time series, is read whole, now, and held. Whether it was turned.
    ///
    /// # Errors
    /// [`Error::Usage`] naming `what`, with both shapes, or both geometries, if the two do not lie on the same grid, for a rescale for each slice where
    /// slices are turned, or if the voxels do not fit the memory of the run; what reading gives.
    pub fn on_grid_of(&self, image: &Header, what: &str, run: &Run<'_>) -> Result<(Input<'static>, bool)> {
        let (source, turned) = turned(self.source().clone(), image, what, run)?;
        let stored = if turned.is_some() { source.clone() } else { self.as_stored().source().clone() };
        Ok((Input::resolved(stored, source, self.census().copied()), turned == Some(true)))
    }
}

/// A volume in the order of axes of an image, held if it had to be read for that; and whether axes differed then.
pub(super) fn turned(
    source: Arc<dyn Source>,
    image: &Header,
    what: &str,
    run: &Run<'_>,
) -> Result<(Arc<dyn Source>, Option<bool>)> {
    let header = source.header().clone();
    let turn = Turn::of(what, &header.grid, &image.grid)?;
    if turn.is_straight() {
        return Ok((source, None));
    }
    if header.meaning.rescale.uniform().is_none() {
        return Err(Error::usage(format!("a rescale for each slice of {what}, which lies otherwise"), "convert it first"));
    }
    if header.bytes() > run.memory_bytes {
        let what =
            format!("{what} lies otherwise than the image, and {} MiB do not fit the memory", header.bytes().div_ceil(1 << 20));
        return Err(Error::usage(what, Hint::MoreMemory));
    }
    let held = Held::Bytes(read_all(source, &run.quiet())?.into_parts().1);
    Ok((Arc::new(Turned::new(held, &header, turn, image)), Some(turn.reorients())))
}

impl Labels {
    /// The labels of `source`, for the image with header `image`: its real values, as [`LabelScale`](crate::volume::LabelScale) rounds them. What may
    /// hold anything but whole numbers is read once, now.
    ///
    /// Labels whose axes are flipped or permuted against the image's, on the same grid, and one volume for a time series are read whole, now, and
    /// held; any others are read block by block when they are used.
    ///
    /// # Errors
    /// [`Error::Usage`] for values that are no whole numbers, or none from 0 to 65,535, or with both shapes, or both geometries, if the two do not lie
    /// on the same grid; what reading gives.
    pub fn new(source: Arc<dyn Source>, image: &Header, run: &Run<'_>) -> Result<Self> {
        let source = as_labels("label map", source, run)?;
        if !matches!(source.header().meaning.dtype, Dtype::U8 | Dtype::U16) {
            return Err(Error::usage("labels below 0 or above 65,535", "number them from 0 to 65,535"));
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
}

impl Mask {
    /// Voxels of `source` whose real value is not zero, or is `label`, a whole number, select voxels of the image with header `image`;
    /// [`LabelScale`](crate::volume::LabelScale) says how near is near enough. For a label, what may hold anything but whole numbers is read once, now.
    ///
    /// A mask whose axes are flipped or permuted against the image's, on the same grid, and one volume for a time series are read whole, now, and
    /// held as one bit a voxel; any other is read block by block when it is used.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both geometries, if the two do not lie on the same grid, for a label that is no whole number, or a map that
    /// holds others where one is asked for; what reading gives.
    pub fn new(source: Arc<dyn Source>, label: Option<f64>, image: &Header, run: &Run<'_>) -> Result<Self> {
        let turn = Turn::of("mask", &source.header().grid, &image.grid)?;
        let wanted = match label {
            None => MaskBy::NotZero,
            // Beyond, an f64 no longer tells neighbouring whole numbers apart.
            Some(label) if label.fract() != 0.0 || label.abs() >= (1u64 << 53) as f64 || label.is_nan() => {
                return Err(Error::usage(format!("labels are whole numbers, not {label}"), "give one that the mask holds"));
            }
            Some(label) => {
                check_labels("mask", &source, run).map_err(|e| match e {
                    Error::Usage { what, .. } => Error::usage(
                        what,
                        "give a map of whole numbers, or leave the label out: then all voxels count that are not 0",
                    ),
                    other => other,
                })?;
                MaskBy::Label(label)
            }
        };
        let selected: Arc<dyn Source> = Arc::new(Selected::new(source, wanted));
        let reoriented = turn.reorients();
        let source = if turn.is_straight() { selected } else { held_as_bits(selected, turn, image, run)? };
        Ok(Self { labels: Labels { source, reoriented } })
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
