//! The voxels of pages, decoded band by band as they are asked for.

use std::sync::{Arc, Mutex, PoisonError};

use super::directory::TiffFile;
use super::page::{Taken, TiffPage};
use crate::Result;
use crate::io::Source;
use crate::volume::Header;

/// Bytes of decoded bands that are kept, so that threads that read neighbouring blocks find them; always at least the last.
const KEPT_BYTES: usize = 16 << 20;

/// A band that was decoded: its page, its place in it, its voxels.
type KeptBand = ((usize, u64), Arc<Vec<u8>>);

/// Pages as slices.
pub(super) struct PageSource {
    pub(super) header: Header,
    pub(super) file: TiffFile,
    /// One for each slice, and how many bytes behind where the page says its pixels lie.
    pub(super) pages: Vec<(Arc<TiffPage>, u64)>,
    pub(super) taken: Taken,
    /// The last ones, oldest first.
    pub(super) kept: Mutex<Vec<KeptBand>>,
}

impl PageSource {
    fn band(&self, slice: usize, band: u64) -> Result<Arc<Vec<u8>>> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, voxels)) = lock().iter().find(|(key, _)| *key == (slice, band)) {
            return Ok(voxels.clone());
        }
        // Decoded without the lock: two threads may both decode one band, which costs time and nothing else.
        let (page, shift) = &self.pages[slice];
        let voxels = Arc::new(page.band(&self.file, *shift, band, self.taken)?);
        let most = (KEPT_BYTES / voxels.len().max(1)).max(1);
        let mut kept = lock();
        while kept.len() >= most {
            kept.remove(0);
        }
        kept.push(((slice, band), voxels.clone()));
        Ok(voxels)
    }

    /// Rows that are decoded together. All pages are packed alike, or else only as many as all have in common matter: one.
    fn band_rows(&self) -> u64 {
        self.pages.first().map_or(1, |(page, _)| page.band_rows())
    }
}

impl Source for PageSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (slice, width) = (self.header.grid.shape.slice_voxels(), self.header.grid.shape.axis(0));
        let size = self.header.meaning.dtype.bytes();
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let (i, within) = ((at / slice) as usize, at % slice);
            let rows = self.pages[i].0.band_rows();
            let (band, skip) = (within / (rows * width), within % (rows * width));
            let voxels = self.band(i, band)?;
            let from = &voxels[skip as usize * size..];
            let step = from.len().min(rest.len());
            let (now, later) = rest.split_at_mut(step);
            now.copy_from_slice(&from[..step]);
            (at, rest) = (at + (step / size) as u64, later);
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        let (slice, width) = (self.header.grid.shape.slice_voxels(), self.header.grid.shape.axis(0));
        // Bands end with their page: they only have places in common in a file of one page, or where they are whole pages.
        let band = self.band_rows() * width;
        if self.pages.len() == 1 || slice % band == 0 { band } else { slice }
    }
}
