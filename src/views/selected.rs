//! A volume as a mask: 1 where a voxel is not zero, or holds one label.

use std::sync::Arc;

use crate::Result;
use crate::io::Source;
use crate::volume::{Dtype, Header};

/// One byte a voxel, 0 or 1.
pub struct Selected {
    inner: Arc<dyn Source>,
    label: Option<f64>,
    header: Header,
}

impl Selected {
    /// 1 where stored values equal `label`, or without one where they are neither 0 nor NaN.
    pub fn new(inner: Arc<dyn Source>, label: Option<f64>) -> Self {
        let header = inner.header().clone().with(|h| h.meaning.dtype = Dtype::U8);
        Self { inner, label, header }
    }
}

impl Source for Selected {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let dtype = self.inner.header().meaning.dtype;
        if dtype.bytes() == 1 {
            self.inner.read(at, into)?;
            let wanted = |b: u8| self.label.map_or(b != 0, |l| dtype.decode(&[b]) == l);
            into.iter_mut().for_each(|b| *b = u8::from(wanted(*b)));
            return Ok(());
        }
        let mut wide = vec![0; into.len() * dtype.bytes()];
        self.inner.read(at, &mut wide)?;
        for (out, value) in into.iter_mut().zip(wide.chunks_exact(dtype.bytes())) {
            let value = dtype.decode(value);
            *out = u8::from(self.label.map_or(value != 0.0 && !value.is_nan(), |l| value == l));
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
