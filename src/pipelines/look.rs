//! A look at all voxels of a wide type: how they can be counted.

use super::ways::blocks::Blocks;
use super::{Input, Run};
use crate::Result;
use crate::volume::Dtype;

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
pub fn census(input: &Input<'_>, run: &Run<'_>) -> Result<Census> {
    let dtype = input.header().meaning.dtype;
    let start = Census { min: f64::INFINITY, max: f64::NEG_INFINITY, whole: true, not_finite: 0 };
    let states = Blocks::of(input, run).each(
        || start,
        |c, part| {
            let bytes = part.bytes();
            // The two types that are common get a loop of their own.
            match dtype {
                Dtype::F32 => bytes.as_chunks().0.iter().for_each(|b| c.see(f64::from(f32::from_le_bytes(*b)))),
                Dtype::I32 => bytes.as_chunks().0.iter().for_each(|b| c.see(f64::from(i32::from_le_bytes(*b)))),
                _ => bytes.chunks_exact(dtype.bytes()).for_each(|one| c.see(dtype.decode(one))),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::io::Source;
    use crate::pipelines::Device;
    use crate::volume::{Header, Shape, Volume};

    fn source(dtype: Dtype, bytes: &[u8]) -> Arc<dyn Source> {
        let header = Header::new(Shape::new(&[(bytes.len() / dtype.bytes()) as u64]).unwrap(), dtype);
        Arc::new(Volume::new(header, bytes.to_vec()).unwrap())
    }

    fn exact(source: Arc<dyn Source>) -> Option<Arc<dyn Source>> {
        let input = Input::resolve(source, &Run::silent(&Device::cpu())).unwrap();
        input.is_exact().then(|| input.source().clone())
    }

    fn read<T: bytemuck::Pod>(source: &dyn Source) -> Vec<T> {
        let mut bytes = vec![0; source.header().bytes() as usize];
        source.read(0, &mut bytes).unwrap();
        bytemuck::pod_collect_to_vec(&bytes)
    }

    #[test]
    fn a_ct_in_int32_becomes_int16() {
        let s = exact(source(Dtype::I32, bytemuck::cast_slice(&[-1207i32, 0, 3382]))).unwrap();
        assert_eq!((s.header().meaning.dtype, s.header().origin.file_dtype), (Dtype::I16, Some(Dtype::I32)));
        assert_eq!(read::<i16>(s.as_ref()), [-1207, 0, 3382]);
    }

    #[test]
    fn whole_floats_far_from_zero_keep_their_real_values() {
        let s = exact(source(Dtype::F64, bytemuck::cast_slice(&[1e6, 1_065_535.0]))).unwrap();
        assert_eq!(read::<u16>(s.as_ref()), [0, 65_535]);
        assert_eq!(s.header().meaning.rescale.uniform().unwrap().real(65_535.0), 1_065_535.0);
    }

    #[test]
    fn fractions_nan_and_wide_spans_stay_floats() {
        for values in [[0.5, 1.0], [f32::NAN, 1.0], [0.0, 65_536.0], [f32::INFINITY, 1.0]] {
            assert!(exact(source(Dtype::F32, bytemuck::cast_slice(&values))).is_none(), "{values:?}");
        }
    }
}
