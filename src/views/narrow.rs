//! Voxels as another type: whole numbers that fit 16 bits as such, others as f32, where needed counted from another zero and in another unit.

use std::sync::Arc;

use crate::Result;
use crate::io::Source;
use crate::volume::{Dtype, Header, Rescale, Rescales};

/// A source of another type than the one it reads from.
pub struct Narrow {
    inner: Arc<dyn Source>,
    header: Header,
    offset: f64,
    scale: f64,
}

impl std::fmt::Debug for Narrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Narrow").field("dtype", &self.header.meaning.dtype).field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Narrow {
    /// `inner` with (stored value - `offset`) / `scale` as `dtype` (i16, u16 or f32); the rescale makes up for both.
    pub fn new(inner: Arc<dyn Source>, dtype: Dtype, (offset, scale): (f64, f64)) -> Self {
        let mut header = inner.header().clone();
        let moved = |r: &Rescale| Rescale { slope: r.slope * scale, intercept: r.real(offset) };
        header.origin.file_dtype.get_or_insert(header.meaning.dtype);
        header.meaning.dtype = dtype;
        header.meaning.rescale = match &header.meaning.rescale {
            Rescales::Uniform(r) => Rescales::Uniform(moved(r)),
            Rescales::PerSlice(all) => Rescales::PerSlice(all.iter().map(moved).collect()),
        };
        if let Some(p) = &mut header.meaning.padding {
            (p.low, p.high) = ((p.low - offset) / scale, (p.high - offset) / scale);
        }
        Self { inner, header, offset, scale }
    }

    /// The same with something that a reader should know.
    #[must_use]
    pub fn noting(mut self, note: Option<String>) -> Self {
        self.header.origin.notes.extend(note);
        self
    }
}

impl Source for Narrow {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (from, to) = (self.inner.header().meaning.dtype, self.header.meaning.dtype);
        let mut wide = vec![0; into.len() / to.bytes() * from.bytes()];
        self.inner.read(at, &mut wide)?;
        for (out, one) in into.chunks_exact_mut(to.bytes()).zip(wide.chunks_exact(from.bytes())) {
            let value = (from.decode(one) - self.offset) / self.scale;
            match to {
                Dtype::I16 => out.copy_from_slice(&(value as i16).to_le_bytes()),
                Dtype::U16 => out.copy_from_slice(&(value as u16).to_le_bytes()),
                _ => out.copy_from_slice(&(value as f32).to_le_bytes()),
            }
        }
        Ok(())
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}
