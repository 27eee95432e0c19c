//! Results in memory: for those who compute with them, or show them.

use std::sync::{Mutex, PoisonError};

use super::ways::pages;
use crate::io::Sink;
use crate::volume::{Header, Volume};
use crate::{Error, Hint, Result};

/// Bytes that one thread writes at a time while others write elsewhere.
const PART: usize = 1 << 20;

/// The volume that a job writes which would else write a file: with this header, as [`Filtering::header`](super::Filtering::header) and its like give it.
///
/// # Errors
/// [`Error::Usage`] if the memory of the machine does not hold it; what `write` gives.
pub fn into_memory(header: &Header, write: impl FnOnce(&dyn Sink) -> Result<()>) -> Result<Volume> {
    let bytes = usize::try_from(header.bytes()).ok().filter(|bytes| Vec::<u8>::new().try_reserve_exact(*bytes).is_ok());
    let bytes =
        bytes.ok_or_else(|| Error::usage(format!("{} bytes at once", header.bytes()), Hint::from("write a file instead")))?;
    let mut memory = pages::zeroed(bytes);
    let parts = memory.chunks_mut(PART).map(Mutex::new).collect();
    write(&Parts { parts, voxel_bytes: header.meaning.dtype.bytes() })?;
    Volume::new(header.clone(), memory)
}

struct Parts<'a> {
    parts: Vec<Mutex<&'a mut [u8]>>,
    voxel_bytes: usize,
}

impl Sink for Parts<'_> {
    fn write(&self, at: u64, mut bytes: &[u8]) -> Result<()> {
        let mut at = at as usize * self.voxel_bytes;
        while !bytes.is_empty() {
            let place = at % PART;
            let (now, later) = bytes.split_at(bytes.len().min(PART - place));
            self.parts[at / PART].lock().unwrap_or_else(PoisonError::into_inner)[place..][..now.len()].copy_from_slice(now);
            (at, bytes) = (at + now.len(), later);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Dtype, Shape};

    #[test]
    fn every_run_lands_where_it_belongs() {
        let header = Header::new(Shape::new(&[1 << 10, 1 << 10, 3]).unwrap(), Dtype::I16);
        let want: Vec<u8> = (0..header.bytes()).map(|i| (i * 31 % 251) as u8).collect();
        let volume = into_memory(&header, |sink| {
            (0..want.len())
                .step_by(300_002)
                .rev()
                .try_for_each(|at| sink.write(at as u64 / 2, &want[at..(at + 300_002).min(want.len())]))
        });
        assert!(volume.unwrap().bytes() == want);
        let huge = Header::new(Shape::new(&[1 << 20, 1 << 20, 1 << 20]).unwrap(), Dtype::U8);
        assert!(into_memory(&huge, |_| Ok(())).is_err());
        assert!(into_memory(&header, |_| Err(Error::Interrupted)).is_err());
    }
}
