//! Wide types that hold small numbers: i32, u32, 64-bit and float files whose voxels are whole numbers spanning at most 65,536 values
//! take the exact path as 16-bit integers.

use super::Watch;
use super::workers::{self, Input};
use crate::Result;
use crate::io::Source;
use crate::volume::{Dtype, Header, Rescale, Rescales};

/// What one look at all voxels says of a wide type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Census {
    /// Smallest finite stored value; +∞ if there is none.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// All voxels are whole numbers: no NaN, no infinity, no fraction.
    pub whole: bool,
    /// Voxels that are NaN or infinite.
    pub not_finite: u64,
}

/// Looks at all voxels.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`].
pub fn census(source: &dyn Source, watch: &dyn Watch) -> Result<Census> {
    let dtype = source.header().dtype;
    let start = Census { min: f64::INFINITY, max: f64::NEG_INFINITY, whole: true, not_finite: 0 };
    let states = workers::each(
        Input::of(source),
        0,
        watch,
        || start,
        |c, part| {
            // The two types that are common get a loop of their own.
            match dtype {
                Dtype::F32 => part.bytes.as_chunks().0.iter().for_each(|b| c.see(f64::from(f32::from_le_bytes(*b)))),
                Dtype::I32 => part.bytes.as_chunks().0.iter().for_each(|b| c.see(f64::from(i32::from_le_bytes(*b)))),
                _ => part.bytes.chunks_exact(dtype.bytes()).for_each(|one| c.see(dtype.decode(one))),
            }
            Ok(())
        },
    )?;
    Ok(states.into_iter().fold(start, |a, b| Census {
        min: a.min.min(b.min),
        max: a.max.max(b.max),
        whole: a.whole && b.whole,
        not_finite: a.not_finite + b.not_finite,
    }))
}

impl Census {
    #[inline]
    fn see(&mut self, value: f64) {
        if !value.is_finite() {
            self.not_finite += 1;
            self.whole = false;
            return;
        }
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
        // From 2⁵² on there are no fractions. (`trunc` is a call on CPUs that may lack the instruction.)
        self.whole &= value as i64 as f64 == value || value.abs() >= (1u64 << 52) as f64;
    }

    /// The 16-bit type that holds all voxels, and what to subtract first; none if there is no such type.
    pub fn narrow(&self) -> Option<(Dtype, f64)> {
        let within = |low: f64, high: f64| self.min >= low && self.max <= high;
        // Beyond 2⁵³ an f64 no longer tells neighbouring integers apart.
        if !self.whole || !within(-9e15, 9e15) {
            None
        } else if within(-32_768.0, 32_767.0) {
            Some((Dtype::I16, 0.0))
        } else if within(0.0, 65_535.0) {
            Some((Dtype::U16, 0.0))
        } else if self.max - self.min <= 65_535.0 {
            Some((Dtype::U16, self.min))
        } else {
            None
        }
    }
}

/// A source of another type than the one it reads from.
pub struct Narrow {
    inner: Box<dyn Source>,
    header: Header,
    offset: f64,
}

impl std::fmt::Debug for Narrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Narrow").field("dtype", &self.header.dtype).field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Narrow {
    /// `inner` with stored values less `offset`, as `dtype` (i16, u16 or f32); the rescale makes up for the offset.
    pub fn new(inner: Box<dyn Source>, dtype: Dtype, offset: f64) -> Self {
        let mut header = inner.header().clone();
        let moved = |r: &Rescale| Rescale { slope: r.slope, intercept: r.real(offset) };
        header.origin.file_dtype.get_or_insert(header.dtype);
        header.dtype = dtype;
        header.rescale = match &header.rescale {
            Rescales::Uniform(r) => Rescales::Uniform(moved(r)),
            Rescales::PerSlice(all) => Rescales::PerSlice(all.iter().map(moved).collect()),
        };
        if let Some(p) = &mut header.padding {
            (p.low, p.high) = (p.low - offset, p.high - offset);
        }
        Self { inner, header, offset }
    }
}

impl Source for Narrow {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (from, to) = (self.inner.header().dtype, self.header.dtype);
        let mut wide = vec![0; into.len() / to.bytes() * from.bytes()];
        self.inner.read(at, &mut wide)?;
        for (out, one) in into.chunks_exact_mut(to.bytes()).zip(wide.chunks_exact(from.bytes())) {
            let value = from.decode(one) - self.offset;
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

/// How the voxels of a volume can be counted.
pub enum Resolved {
    /// One bin for each value: 8- or 16-bit integers, as they are or narrowed.
    Exact(Box<dyn Source>),
    /// Real numbers, or whole ones that span too much; and what a look at all of them said.
    Floats(Box<dyn Source>, Census),
}

impl Resolved {
    /// The source.
    pub fn source(&self) -> &dyn Source {
        let (Self::Exact(source) | Self::Floats(source, _)) = self;
        source.as_ref()
    }

    /// The source, to keep.
    pub fn into_source(self) -> Box<dyn Source> {
        let (Self::Exact(source) | Self::Floats(source, _)) = self;
        source
    }

    /// What the voxels mean.
    pub fn header(&self) -> &Header {
        self.source().header()
    }

    /// The same with real numbers as f32, which is what kernels take: each rounded once.
    #[must_use]
    pub fn as_float32(self) -> Self {
        match self {
            Self::Floats(source, census) if source.header().dtype != Dtype::F32 => {
                Self::Floats(Box::new(Narrow::new(source, Dtype::F32, 0.0)), census)
            }
            same => same,
        }
    }
}

/// Finds out how the voxels can be counted. Wide types are read once for it.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`].
pub fn resolve(source: Box<dyn Source>, watch: &dyn Watch) -> Result<Resolved> {
    if source.header().dtype.is_small_integer() {
        return Ok(Resolved::Exact(source));
    }
    let census = census(source.as_ref(), watch)?;
    Ok(match census.narrow() {
        Some((dtype, offset)) => Resolved::Exact(Box::new(Narrow::new(source, dtype, offset))),
        None => Resolved::Floats(source, census),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipelines::Silent;
    use crate::volume::{Shape, Volume};

    fn source(dtype: Dtype, bytes: &[u8]) -> Box<dyn Source> {
        let header = Header::new(Shape::new(&[(bytes.len() / dtype.bytes()) as u64]).unwrap(), dtype);
        Box::new(Volume::new(header, bytes.to_vec()).unwrap())
    }

    fn exact(source: Box<dyn Source>) -> Option<Box<dyn Source>> {
        match resolve(source, &Silent).unwrap() {
            Resolved::Exact(s) => Some(s),
            Resolved::Floats(..) => None,
        }
    }

    fn read<T: bytemuck::Pod>(source: &dyn Source) -> Vec<T> {
        let mut bytes = vec![0; source.header().bytes() as usize];
        source.read(0, &mut bytes).unwrap();
        bytemuck::pod_collect_to_vec(&bytes)
    }

    #[test]
    fn a_ct_in_int32_becomes_int16() {
        let s = exact(source(Dtype::I32, bytemuck::cast_slice(&[-1207i32, 0, 3382]))).unwrap();
        assert_eq!((s.header().dtype, s.header().origin.file_dtype), (Dtype::I16, Some(Dtype::I32)));
        assert_eq!(read::<i16>(s.as_ref()), [-1207, 0, 3382]);
    }

    #[test]
    fn whole_floats_far_from_zero_keep_their_real_values() {
        let s = exact(source(Dtype::F64, bytemuck::cast_slice(&[1e6, 1_065_535.0]))).unwrap();
        assert_eq!(read::<u16>(s.as_ref()), [0, 65_535]);
        assert_eq!(s.header().rescale.uniform().unwrap().real(65_535.0), 1_065_535.0);
    }

    #[test]
    fn fractions_nan_and_wide_spans_stay_floats() {
        for values in [[0.5, 1.0], [f32::NAN, 1.0], [0.0, 65_536.0], [f32::INFINITY, 1.0]] {
            assert!(exact(source(Dtype::F32, bytemuck::cast_slice(&values))).is_none(), "{values:?}");
        }
    }
}
