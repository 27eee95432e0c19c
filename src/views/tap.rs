//! A sink in front of another: what a mask leaves out becomes background, and somebody may look on.

use crate::Result;
use crate::io::{Sink, Source};

/// Called with what goes on to the file: first voxel, stored values. From many threads, in any order.
pub type Look<'a> = dyn Fn(u64, &[u8]) -> Result<()> + Sync + Send + 'a;

/// A sink in front of another.
pub struct Tap<'a> {
    /// The other.
    pub inner: &'a dyn Sink,
    /// Bytes of a voxel.
    pub voxel_bytes: usize,
    /// One byte a voxel: where it is 0 the voxel becomes the background.
    pub mask: Option<&'a dyn Source>,
    /// The bits of a stored value.
    pub background: u64,
    /// Who looks on.
    pub look: Option<&'a Look<'a>>,
}

/// Where voxels go that are only looked at on their way.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Sink for Nowhere {
    fn write(&self, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl Sink for Tap<'_> {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut kept = std::borrow::Cow::Borrowed(bytes);
        if let Some(mask) = self.mask {
            let mut selected = vec![0; bytes.len() / self.voxel_bytes];
            mask.read(at, &mut selected)?;
            let background = &self.background.to_le_bytes()[..self.voxel_bytes];
            for (voxel, keep) in kept.to_mut().chunks_exact_mut(self.voxel_bytes).zip(selected) {
                if keep == 0 {
                    voxel.copy_from_slice(background);
                }
            }
        }
        if let Some(look) = self.look {
            look(at, &kept)?;
        }
        self.inner.write(at, &kept)
    }
}
