//! A look at all voxels of a wide type: how they can be counted.

use std::sync::Arc;

use super::census::{Census, Rounding};
use super::ways::blocks::Blocks;
use super::{Input, Run};
use crate::io::Source;
use crate::views::Narrow;
use crate::volume::{Dtype, Header, Rescale};
use crate::{Error, Result};

impl Input<'_> {
    /// A volume as it can be counted. Wide types are read once for it: where all voxels are whole numbers that span at most 65,536 values they
    /// become 16-bit integers, else float32, which is what kernels take: each rounded once, from another zero and in another unit where less is lost so
    /// ([`Census::frame`]). Where voxels that differ become the same all the same, the header's notes say so.
    ///
    /// # Errors
    /// [`Error::Usage`] for 64-bit integers of 2⁵³ and more, which are not exact as float64; what reading gives, or [`crate::Error::Interrupted`].
    pub fn resolve(source: Arc<dyn Source>, run: &Run<'_>) -> Result<Self> {
        let dtype = source.header().meaning.dtype;
        let plain = Self::of(source.clone());
        if dtype.is_small_integer() {
            return Ok(plain);
        }
        let census = census(&plain, run)?;
        if matches!(dtype, Dtype::I64 | Dtype::U64) && census.min.min(-census.max) <= -((1u64 << 53) as f64) {
            let what = format!("{dtype} voxels of {} to {}, which no float64 holds exactly", census.min, census.max);
            return Err(Error::usage(what, "give values between -2^53 and 2^53"));
        }
        let narrow = |dtype, frame| Narrow::new(source.clone(), dtype, frame);
        let (voxels, census): (Arc<dyn Source>, _) = match census.narrow() {
            Some((dtype, offset)) => (Arc::new(narrow(dtype, (offset, 1.0))), None),
            None if dtype == Dtype::F32 => (source.clone(), Some(census)),
            None => {
                let frame = kept(source.header(), census.frame());
                let note = (frame == (0.0, 1.0)).then(|| merged(&census, dtype)).flatten();
                (Arc::new(narrow(Dtype::F32, frame).noting(note)), Some(census.within(frame)))
            }
        };
        Ok(Self::resolved(source, voxels, census))
    }
}

/// The frame, if every rescale can make up for it.
fn kept(header: &Header, frame: (f64, f64)) -> (f64, f64) {
    let fits = |r: &Rescale| (r.slope * frame.1).is_normal() && r.real(frame.0).is_finite();
    if header.meaning.rescale.distinct().0.iter().all(fits) { frame } else { (0.0, 1.0) }
}

/// That voxels which differ become the same, if that is no accident among random values.
fn merged(census: &Census, dtype: Dtype) -> Option<String> {
    let Rounding { pairs, merged, .. } = census.rounding;
    let percent = 100.0 * merged as f64 / pairs as f64;
    (merged > pairs / 1000).then(|| {
        format!("float32 rounds {dtype} values here: {percent:.1} % of the neighbouring voxels that differ become the same to histograms and classes")
    })
}

/// Looks at all voxels.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`].
pub fn census(input: &Input<'_>, run: &Run<'_>) -> Result<Census> {
    let dtype = input.header().meaning.dtype;
    let states = Blocks::of(input, run).each(
        || Census::NOTHING,
        |c, part| {
            let bytes = part.bytes();
            // The two types that are common get a loop of their own.
            match dtype {
                Dtype::F32 => bytes.as_chunks().0.iter().for_each(|b| c.see(f64::from(f32::from_le_bytes(*b)))),
                Dtype::I32 => bytes.as_chunks().0.iter().for_each(|b| c.see(f64::from(i32::from_le_bytes(*b)))),
                _ => bytes.chunks_exact(dtype.bytes()).for_each(|one| c.see(dtype.decode(one))),
            }
            // Float32 holds all whole numbers up to 2²⁴.
            let held = dtype.is_direct() || dtype.is_integer() && c.min.abs().max(c.max.abs()) <= (1 << 24) as f64;
            if !held {
                c.rounding.see(dtype, bytes);
            }
            Ok(())
        },
    )?;
    Ok(states.into_iter().fold(Census::NOTHING, Census::and))
}

#[cfg(test)]
mod tests {
    use super::*;
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
