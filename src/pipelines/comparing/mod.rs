//! How alike two label maps are, or two images: one that is judged and one that it is judged by, on one grid.

mod images;
mod instances;
mod overlaps;
mod surfaces;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use images::{ImageDifference, ImagePair, difference_counts, differences, looks_like_labels};
pub use instances::{InstanceCounts, instances};
pub use overlaps::{LabelOverlaps, VoxelBox, overlaps};
pub use surfaces::{SurfaceSettings, surfaces};

use super::hold::{read_all, turned};
use super::rounded::as_labels;
use super::{Input, Labels, Run};
use crate::io::Source;
use crate::volume::{Dtype, Header};
use crate::{Error, Result};

/// Two label maps on one grid, of uint8 or uint16.
pub struct LabelMaps {
    judged: Arc<dyn Source>,
    reference: Arc<dyn Source>,
    turned: bool,
}

impl std::fmt::Debug for LabelMaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelMaps")
            .field("shape", &self.header().grid.shape)
            .field("turned", &self.turned)
            .finish_non_exhaustive()
    }
}

impl LabelMaps {
    /// A map that is judged and its reference, the one turned as the other lies. Each is read whole, now, where it fits a quarter of the memory of the run.
    ///
    /// # Errors
    /// [`Error::Usage`] with the numbers if they do not lie on one grid, for values that are no whole numbers, and none from 0 to 65,535; what reading gives.
    pub fn new(judged: Arc<dyn Source>, reference: Arc<dyn Source>, run: &Run<'_>) -> Result<Self> {
        let reference = labels("reference", in_memory(reference, run)?, run)?;
        let (judged, turned) = on_one_grid("judged map", judged, reference.header(), run)?;
        Ok(Self { judged: labels("judged map", judged, run)?, reference, turned })
    }

    /// Of the reference.
    pub fn header(&self) -> &Header {
        self.reference.header()
    }

    /// Whether the axes of the two differed.
    pub fn turned(&self) -> bool {
        self.turned
    }

    /// Both as what one pass reads: the judged voxels, and the reference's as their labels.
    fn input(&self) -> Input<'static> {
        let reference = Labels { source: self.reference.clone(), reoriented: false };
        Input::of(self.judged.clone()).labelled(reference)
    }

    /// The judged map, then the reference.
    fn both(&self) -> [&Arc<dyn Source>; 2] {
        [&self.judged, &self.reference]
    }
}

/// What is judged, as the reference lies; and whether its axes differed.
fn on_one_grid(what: &str, judged: Arc<dyn Source>, reference: &Header, run: &Run<'_>) -> Result<(Arc<dyn Source>, bool)> {
    let (own, wanted) = (&judged.header().grid.shape, &reference.grid.shape);
    if own.volumes() != wanted.volumes() {
        let text =
            format!("the {what} has {own} voxels, the reference {wanted}: {} and {} volumes", own.volumes(), wanted.volumes());
        return Err(Error::usage(text, crate::Hint::ChooseVolume));
    }
    let (judged, axes) = turned(judged, reference, what, run)?;
    Ok((in_memory(judged, run)?, axes == Some(true)))
}

/// The same voxels from memory where they fit a quarter of it: they are read several times.
fn in_memory(source: Arc<dyn Source>, run: &Run<'_>) -> Result<Arc<dyn Source>> {
    if source.in_memory().is_some() || source.header().bytes() > run.memory_bytes / 4 {
        return Ok(source);
    }
    Ok(Arc::new(read_all(source, &run.quiet())?))
}

fn labels(what: &str, source: Arc<dyn Source>, run: &Run<'_>) -> Result<Arc<dyn Source>> {
    let source = as_labels(what, source, run)?;
    if !matches!(source.header().meaning.dtype, Dtype::U8 | Dtype::U16) {
        return Err(Error::usage(format!("labels below 0 or above 65,535 in the {what}"), "number them from 0 to 65,535"));
    }
    in_memory(source, run)
}
