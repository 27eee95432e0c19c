//! Labels on their way to a file are counted, and compared with those that are taken for true.

use std::sync::{Arc, Mutex, PoisonError};

use crate::analysis::mixture::MOST_CLASSES;
use crate::analysis::overlap::Confusion;
use crate::io::Source;
use crate::pipelines::Run;
use crate::pipelines::hold::{held, turned};
use crate::pipelines::rounded::as_labels;
use crate::volume::{Header, Turn};
use crate::{Error, Result};

/// Labels that are taken for true.
pub struct Truth {
    source: Arc<dyn Source>,
}

impl std::fmt::Debug for Truth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Truth").finish_non_exhaustive()
    }
}

impl Truth {
    /// Labels on the grid of the image with header `image`, turned as it lies: real values, as [`LabelScale`](crate::volume::LabelScale) rounds them.
    /// What may hold anything but whole numbers is read once, now. A gzipped file that fits the memory of the run is read whole, now; a larger one is
    /// decoded as labels are written, which is slow.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both origins, if the two do not lie on the same grid, or with the farthest value of a map that holds
    /// others than whole numbers; what reading gives.
    pub fn new(source: Arc<dyn Source>, image: &Header, run: &Run<'_>) -> Result<Self> {
        let (source, _) = turned(source, image, "truth", run)?;
        let source = as_labels("truth", source, run)?;
        Ok(Self { source: held(source, run.memory_bytes, run)? })
    }
}

/// # Errors
/// [`Error::Usage`] naming `what` if it does not lie on the grid of the image.
pub(super) fn same_grid(own: &Header, image: &Header, what: &str) -> Result<()> {
    if Turn::of(what, &own.grid, &image.grid)?.is_straight() {
        return Ok(());
    }
    Err(Error::usage(
        format!("the axes of {what} point to {}, the image's to {}", axes(own), axes(image)),
        "turn one as the other lies",
    ))
}

fn axes(header: &Header) -> String {
    let position = header.grid.geometry.as_ref().and_then(|g| g.position.as_ref());
    position.map_or_else(|| "nowhere known".into(), |p| p.orientation_code().to_string())
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Voxels of each label, 0 included.
    pub voxels: [u64; MOST_CLASSES + 1],
    /// Against truth, if there is any.
    pub confusion: Option<Confusion>,
}

/// Counts labels on their way to a file.
pub(super) struct Register<'a> {
    classes: usize,
    truth: Option<&'a Truth>,
    written: Mutex<Written>,
}

impl<'a> Register<'a> {
    pub fn new(classes: usize, truth: Option<&'a Truth>) -> Self {
        let confusion = truth.map(|_| Confusion::new(classes));
        Self { classes, truth, written: Mutex::new(Written { voxels: [0; MOST_CLASSES + 1], confusion }) }
    }

    pub fn counted(self) -> Written {
        self.written.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn enter(&self, at: u64, labels: &[u8]) -> Result<()> {
        let mut voxels = [0u64; 256];
        labels.iter().for_each(|l| voxels[usize::from(*l)] += 1);
        let mut confusion = None;
        if let Some(truth) = self.truth {
            let header = truth.source.header();
            let size = header.meaning.dtype.bytes();
            let mut bytes = vec![0; labels.len() * size];
            truth.source.read(at, &mut bytes)?;
            let counts = confusion.insert(Confusion::new(self.classes));
            for (label, one) in labels.iter().zip(bytes.chunks_exact(size)) {
                counts.add(*label, header.meaning.dtype.decode(one));
            }
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.voxels.iter_mut().zip(voxels).for_each(|(sum, n)| *sum += n);
        if let (Some(sum), Some(own)) = (&mut written.confusion, &confusion) {
            sum.merge(own);
        }
        Ok(())
    }
}
