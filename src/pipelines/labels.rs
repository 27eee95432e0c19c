//! Label maps on the grid of an image, and masks, which are label maps of 0 and 1.

use std::sync::Arc;

use crate::io::Source;
use crate::ops::mask::Rule;
use crate::views::Combined;
use crate::{Error, Result};

/// Labels on the grid of an image: one whole number a voxel, uint8 or uint16; 0 is outside of all. Cheap to clone.
#[derive(Clone)]
pub struct Labels {
    pub(super) source: Arc<dyn Source>,
    pub(super) reoriented: bool,
}

/// Labels of 0 and 1: the voxels that count.
#[derive(Debug, Clone)]
pub struct Mask {
    pub(super) labels: Labels,
}

impl std::fmt::Debug for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let header = self.source.header();
        f.debug_struct("Labels").field("shape", &header.grid.shape).field("dtype", &header.meaning.dtype).finish_non_exhaustive()
    }
}

impl Labels {
    /// The labels as a volume.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// The same, to keep.
    pub fn into_source(self) -> Arc<dyn Source> {
        self.source
    }

    /// Whether the file's axes are not the image's: it was turned to fit.
    pub fn reoriented(&self) -> bool {
        self.reoriented
    }
}

impl Mask {
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
