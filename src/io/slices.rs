//! A volume whose slices are decoded one by one when they are asked for.

use std::sync::{Arc, Mutex, PoisonError};

use super::Source;
use crate::Result;
use crate::volume::{Header, Volume};

/// Bytes of decoded slices that are kept, so that threads that read neighbouring blocks find them; always at least the last.
const KEPT_BYTES: u64 = 16 << 20;

/// Decodes slice `i`: exactly one slice of the volume's type.
pub(super) type Decode = Box<dyn Fn(usize) -> Result<Volume> + Send + Sync>;

/// Slices behind a function.
pub(super) struct SliceSource {
    header: Header,
    decode: Decode,
    /// The last ones, oldest first.
    kept: Mutex<Vec<(usize, Arc<Volume>)>>,
}

impl SliceSource {
    pub(super) fn new(header: Header, decode: Decode) -> Self {
        Self { header, decode, kept: Mutex::default() }
    }

    fn slice(&self, i: usize) -> Result<Arc<Volume>> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slice)) = lock().iter().find(|(j, _)| *j == i) {
            return Ok(slice.clone());
        }
        // Decoded without the lock: two threads may both decode one slice, which costs time and nothing else.
        let slice = Arc::new((self.decode)(i)?);
        let most = (KEPT_BYTES / (slice.bytes().len() as u64).max(1)).max(1) as usize;
        let mut kept = lock();
        while kept.len() >= most {
            kept.remove(0);
        }
        kept.push((i, slice.clone()));
        Ok(slice)
    }
}

impl Source for SliceSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (voxels, bytes) = (self.header.grid.shape.slice_voxels(), self.header.meaning.dtype.bytes());
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let (i, within) = (at / voxels, at % voxels);
            let step = (voxels - within).min((rest.len() / bytes) as u64);
            let (now, later) = rest.split_at_mut(step as usize * bytes);
            now.copy_from_slice(&self.slice(i as usize)?.bytes()[within as usize * bytes..][..step as usize * bytes]);
            (at, rest) = (at + step, later);
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.header.grid.shape.slice_voxels()
    }
}
