//! What happens to labels on their way to a file: what the mask leaves out becomes 0, pictures take their slices, classes are counted and
//! compared with truth.

use std::sync::{Mutex, PoisonError};

use crate::analysis::mixture::MOST_CLASSES;
use crate::analysis::overlap::Confusion;
use crate::io::{Sink, Source};
use crate::pipelines::grid::Turn;
use crate::pipelines::{Observer, Watch, gather};
use crate::volume::{Header, Volume};
use crate::{Error, Result};

/// Labels that are taken for true.
pub struct Truth {
    source: Box<dyn Source>,
}

impl std::fmt::Debug for Truth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Truth").finish_non_exhaustive()
    }
}

impl Truth {
    /// Labels on the grid of the image with header `image`. A gzipped file that fits the memory of `watch` is read whole, now; a larger one is
    /// decoded as labels are written, which is slow.
    ///
    /// # Errors
    /// [`Error::Usage`] with both shapes, or both origins, if the two do not lie on the same grid; what reading gives.
    pub fn new(source: Box<dyn Source>, image: &Header, watch: &dyn Watch) -> Result<Self> {
        same_grid(source.header(), image, "truth")?;
        Ok(Self { source: held(source, watch.memory_bytes(), watch)? })
    }
}

/// # Errors
/// [`Error::Usage`] naming `what` if it does not lie on the grid of the image.
pub(super) fn same_grid(own: &Header, image: &Header, what: &str) -> Result<()> {
    if Turn::of(what, own, image)?.is_straight() {
        return Ok(());
    }
    Err(Error::usage(
        format!("the axes of {what} point to {}, the image's to {}", axes(own), axes(image)),
        "turn one as the other lies: of masks alone flipped and permuted axes are turned here",
    ))
}

fn axes(header: &Header) -> String {
    let position = header.geometry.as_ref().and_then(|g| g.position.as_ref());
    position.map_or_else(|| "nowhere known".into(), |p| p.orientation_code().to_string())
}

/// The same voxels from memory, if they would have to be read in order and are no more than `most` bytes.
pub(super) fn held(source: Box<dyn Source>, most: u64, watch: &dyn Watch) -> Result<Box<dyn Source>> {
    if !source.sequential() || source.header().bytes() > most {
        return Ok(source);
    }
    read_all(source.as_ref(), watch).map(|volume| Box::new(volume) as Box<dyn Source>)
}

pub(super) fn read_all(source: &dyn Source, watch: &dyn Watch) -> Result<Volume> {
    let size = source.header().dtype.bytes();
    let all = Mutex::new(vec![0; source.header().bytes() as usize]);
    let keep = |at: u64, bytes: &[u8]| {
        all.lock().unwrap_or_else(PoisonError::into_inner)[at as usize * size..][..bytes.len()].copy_from_slice(bytes);
    };
    gather(source, &keep, watch)?;
    Volume::new(source.header().clone(), all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Voxels of each label, 0 included.
    pub voxels: [u64; MOST_CLASSES + 1],
    /// Against truth, if there is any.
    pub confusion: Option<Confusion>,
}

/// A sink in front of another.
pub(super) struct Tap<'a> {
    inner: &'a dyn Sink,
    voxel_bytes: usize,
    mask: Option<&'a dyn Source>,
    observer: Option<Observer<'a>>,
    truth: Option<&'a Truth>,
    classes: usize,
    written: Mutex<Written>,
}

impl<'a> Tap<'a> {
    /// For results of `voxel_bytes` bytes each, such as posteriors: what `mask` leaves out becomes 0.
    pub fn masked(inner: &'a dyn Sink, voxel_bytes: usize, mask: Option<&'a dyn Source>) -> Self {
        let written = Written { voxels: [0; MOST_CLASSES + 1], confusion: None };
        Self { inner, voxel_bytes, mask, observer: None, truth: None, classes: 0, written: Mutex::new(written) }
    }

    /// For labels: counted too, shown to `observer` and compared with `truth`.
    pub fn labels(
        inner: &'a dyn Sink,
        mask: Option<&'a dyn Source>,
        classes: usize,
        observer: Option<Observer<'a>>,
        truth: Option<&'a Truth>,
    ) -> Self {
        let confusion = truth.map(|_| Confusion::new(classes));
        let written = Mutex::new(Written { voxels: [0; MOST_CLASSES + 1], confusion });
        Self { observer, truth, classes, written, ..Self::masked(inner, 1, mask) }
    }

    pub fn counted(self) -> Written {
        self.written.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, at: u64, labels: &[u8]) -> Result<()> {
        let mut voxels = [0u64; 256];
        labels.iter().for_each(|l| voxels[usize::from(*l)] += 1);
        let mut confusion = None;
        if let Some(truth) = self.truth {
            let header = truth.source.header();
            let size = header.dtype.bytes();
            let mut bytes = vec![0; labels.len() * size];
            truth.source.read(at, &mut bytes)?;
            let counts = confusion.insert(Confusion::new(self.classes));
            let rescale = header.rescale.uniform();
            for (label, one) in labels.iter().zip(bytes.chunks_exact(size)) {
                let stored = header.dtype.decode(one);
                counts.add(*label, rescale.map_or(stored, |r| r.real(stored)));
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

impl Sink for Tap<'_> {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut kept = std::borrow::Cow::Borrowed(bytes);
        if let Some(mask) = self.mask {
            let mut selected = vec![0; bytes.len() / self.voxel_bytes];
            mask.read(at, &mut selected)?;
            let all = kept.to_mut();
            for (voxel, keep) in all.chunks_exact_mut(self.voxel_bytes).zip(selected) {
                if keep == 0 {
                    voxel.fill(0);
                }
            }
        }
        if self.classes > 0 {
            if let Some(see) = self.observer {
                see(at, &kept);
            }
            self.count(at, &kept)?;
        }
        self.inner.write(at, &kept)
    }
}
