//! A volume as a mask, or as labels: real values, whatever they are stored as.

use std::sync::Arc;

use crate::Result;
use crate::io::Source;
use crate::volume::{Dtype, Header, LabelScale, Rescale, Rescales};

/// What selects voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaskBy {
    /// The real value is not 0, nor NaN.
    NotZero,
    /// The real value, rounded as [`LabelScale`] says, is this whole number.
    Label(f64),
}

/// One byte a voxel, 0 or 1.
pub struct Selected {
    inner: Arc<dyn Source>,
    wanted: MaskBy,
    header: Header,
}

impl Selected {
    /// 1 where a voxel is wanted.
    pub fn new(inner: Arc<dyn Source>, wanted: MaskBy) -> Self {
        let header = plain(&inner, Dtype::U8);
        Self { inner, wanted, header }
    }
}

/// Whole numbers without a rescale: labels as a file means them.
pub struct Labelled {
    inner: Arc<dyn Source>,
    header: Header,
}

impl Labelled {
    /// The labels of `inner` as `to`, uint8, uint16 or int32; those that do not fit become its nearest end, and a value that is no label the nearest one.
    pub fn new(inner: Arc<dyn Source>, to: Dtype) -> Self {
        let header = plain(&inner, to);
        Self { inner, header }
    }
}

/// Real values, for what puts voxels of slices of different rescale together.
pub struct RealValues {
    inner: Arc<dyn Source>,
    header: Header,
}

impl RealValues {
    /// The real values of `inner`, rounded to what `to` holds.
    pub fn new(inner: Arc<dyn Source>, to: Dtype) -> Self {
        let mut header = plain(&inner, to);
        // What marks padding is a stored value, which means something else in each slice.
        header.meaning.padding = None;
        Self { inner, header }
    }
}

/// The header of what is made of a volume's real values.
fn plain(inner: &Arc<dyn Source>, dtype: Dtype) -> Header {
    inner.header().clone().with(|h| (h.meaning.dtype, h.meaning.rescale) = (dtype, Rescales::Uniform(Rescale::IDENTITY)))
}

/// Reads voxels from `at` on and hands each to `work` with its place in the block and the meaning of its slice.
fn each(inner: &dyn Source, at: u64, voxels: usize, mut work: impl FnMut(usize, &LabelScale, f64)) -> Result<()> {
    let (header, dtype) = (inner.header(), inner.header().meaning.dtype);
    let mut bytes = vec![0; voxels * dtype.bytes()];
    inner.read(at, &mut bytes)?;
    let slice = header.grid.shape.slice_voxels();
    let mut done = 0;
    while done < voxels {
        let here = at + done as u64;
        let run = match &header.meaning.rescale {
            Rescales::Uniform(_) => voxels - done,
            Rescales::PerSlice(_) => ((slice - here % slice) as usize).min(voxels - done),
        };
        let scale = LabelScale::new(dtype, header.meaning.rescale.of_slice(here / slice));
        let stored = bytes[done * dtype.bytes()..(done + run) * dtype.bytes()].chunks_exact(dtype.bytes());
        stored.zip(done..).for_each(|(one, i)| work(i, &scale, dtype.decode(one)));
        done += run;
    }
    Ok(())
}

impl Source for Selected {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let inner = &self.inner.header().meaning;
        if self.wanted == MaskBy::NotZero && inner.dtype.bytes() == 1 && inner.rescale == Rescales::Uniform(Rescale::IDENTITY) {
            // What nearly all masks are.
            self.inner.read(at, into)?;
            into.iter_mut().for_each(|b| *b = u8::from(*b != 0));
            return Ok(());
        }
        let wanted = self.wanted;
        each(self.inner.as_ref(), at, into.len(), |i, scale, stored| {
            into[i] = u8::from(match wanted {
                MaskBy::NotZero => !scale.is_zero(stored),
                MaskBy::Label(label) => scale.label(stored).label == label,
            });
        })
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}

impl Source for Labelled {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let to = self.header.meaning.dtype;
        each(self.inner.as_ref(), at, into.len() / to.bytes(), |i, scale, stored| {
            let label = scale.label(stored).label;
            let out = &mut into[i * to.bytes()..(i + 1) * to.bytes()];
            match to {
                Dtype::U8 => out.copy_from_slice(&[label as u8]),
                Dtype::U16 => out.copy_from_slice(&(label as u16).to_le_bytes()),
                _ => out.copy_from_slice(&(label as i32).to_le_bytes()),
            }
        })
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}

impl Source for RealValues {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let to = self.header.meaning.dtype;
        let out = &mut *into;
        each(self.inner.as_ref(), at, out.len() / to.bytes(), |i, scale, stored| {
            to.encode(scale.real(stored), &mut out[i * to.bytes()..(i + 1) * to.bytes()]);
        })
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}
