//! Voxels that are to hang together: those whose real value is not 0 or lies in a range, as a mask or as their labels.

use std::sync::Arc;

use crate::io::Source;
use crate::volume::{Dtype, Header, LabelScale, Rescale, Rescales};
use crate::{Error, Hint, Result};

/// A mask of bytes 0 and 1, or labels as uint32: what does not belong is 0. Judged as it is read.
pub struct Foreground {
    inner: Arc<dyn Source>,
    range: Option<(f64, f64)>,
    header: Header,
    /// For each stored value of 8 or 16 bits what it becomes, if that is the same in all slices.
    table: Option<Vec<Option<u32>>>,
}

impl Foreground {
    /// The voxels of `inner` whose real values lie from one to the other end of `range`, without a range those that are not 0; by their `labels`, or all alike. A mask or labels of 8 or
    /// 16 bits of which everything counts stay as they are.
    ///
    /// Padding and NaN lie in no range. Without one NaN is an error when it is read, and so are labels that are no whole numbers as [`LabelScale`] has it, lie below 0, or at 2³²
    /// and above.
    pub fn of(inner: Arc<dyn Source>, range: Option<(f64, f64)>, labels: bool) -> Arc<dyn Source> {
        let meaning = &inner.header().meaning;
        let plain = meaning.rescale == Rescales::Uniform(Rescale::IDENTITY);
        if range.is_none() && plain && matches!(meaning.dtype, Dtype::U8 | Dtype::U16 | Dtype::U32) {
            return inner;
        }
        let dtype = if labels { Dtype::U32 } else { Dtype::U8 };
        let header = inner.header().clone().with(|h| {
            (h.meaning.dtype, h.meaning.rescale, h.meaning.padding) = (dtype, Rescales::Uniform(Rescale::IDENTITY), None);
        });
        let mut chosen = Self { inner, range, header, table: None };
        chosen.table = chosen.all_values();
        Arc::new(chosen)
    }

    fn all_values(&self) -> Option<Vec<Option<u32>>> {
        let meaning = &self.inner.header().meaning;
        let rescale = meaning.rescale.uniform().filter(|_| meaning.dtype.is_small_integer())?;
        let scale = LabelScale::new(meaning.dtype, rescale);
        let first = meaning.dtype.first();
        let values = (0..meaning.dtype.values()).map(|i| self.judge(&scale, f64::from(first) + i as f64));
        Some(values.collect())
    }

    /// What a stored value becomes; none if that cannot be said.
    fn judge(&self, scale: &LabelScale, stored: f64) -> Option<u32> {
        let real = scale.real(stored);
        if let Some((low, high)) = self.range {
            let padding = self.inner.header().meaning.padding;
            if padding.is_some_and(|p| (p.low..=p.high).contains(&stored)) || !(low..=high).contains(&real) {
                return Some(0);
            }
        } else if real.is_nan() {
            return None;
        }
        if self.header.meaning.dtype == Dtype::U8 {
            return Some(u32::from(self.range.is_some() || !scale.is_zero(stored)));
        }
        let found = scale.label(stored);
        let fits = found.fits && (0.0..=f64::from(u32::MAX)).contains(&found.label);
        fits.then_some(found.label as u32)
    }

    fn put(&self, at: u64, value: Option<u32>, stored: f64, out: &mut [u8]) -> Result<()> {
        let value = value.ok_or_else(|| self.strange(at, stored))?;
        out.copy_from_slice(&value.to_le_bytes()[..out.len()]);
        Ok(())
    }

    fn strange(&self, at: u64, stored: f64) -> Error {
        let shape = &self.header.grid.shape;
        let ([nx, ny, nz], real) =
            (shape.xyz(), self.inner.header().meaning.rescale.of_slice(at / shape.slice_voxels()).real(stored));
        let volume = if shape.volumes() > 1 { format!(" of volume {}", at / (nx * ny * nz)) } else { String::new() };
        let place = format!("voxel ({}, {}, {}){volume}", at % nx, at / nx % ny, at / (nx * ny) % nz);
        if self.header.meaning.dtype == Dtype::U8 {
            return Error::usage(format!("{place} is NaN, which is neither 0 nor another value"), Hint::ChooseValues);
        }
        Error::usage(
            format!("{place} holds {real}, which is no label"),
            "give labels as whole numbers from 0 to 4,294,967,295; fractions become labels by a threshold",
        )
    }
}

impl Source for Foreground {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (meaning, slice) = (&self.inner.header().meaning, self.header.grid.shape.slice_voxels());
        let (size, own) = (meaning.dtype.bytes(), self.header.meaning.dtype.bytes());
        let mut bytes = vec![0; into.len() / own * size];
        self.inner.read(at, &mut bytes)?;
        let mut voxels = (at..).zip(bytes.chunks_exact(size).zip(into.chunks_exact_mut(own)));
        if let Some(table) = &self.table {
            let first = f64::from(meaning.dtype.first());
            return voxels.try_for_each(|(at, (stored, out))| {
                let stored = meaning.dtype.decode(stored);
                self.put(at, table[(stored - first) as usize], stored, out)
            });
        }
        let mut scale: Option<(u64, LabelScale)> = None;
        let uniform = meaning.rescale.uniform().is_some();
        voxels.try_for_each(|(at, (stored, out))| {
            let here = if uniform { 0 } else { at / slice };
            let scale = match scale {
                Some((slice, scale)) if slice == here => scale,
                _ => scale.insert((here, LabelScale::new(meaning.dtype, meaning.rescale.of_slice(here)))).1,
            };
            let stored = meaning.dtype.decode(stored);
            self.put(at, self.judge(&scale, stored), stored, out)
        })
    }

    fn unit(&self) -> u64 {
        self.inner.unit()
    }

    fn sequential(&self) -> bool {
        self.inner.sequential()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Padding, Shape, Volume};

    fn source<T: bytemuck::Pod>(dtype: Dtype, slope: f64, values: &[T]) -> Volume {
        let header = Header::new(Shape::new(&[values.len() as u64]).unwrap(), dtype)
            .with(|h| h.meaning.rescale = Rescales::Uniform(Rescale { slope, intercept: 0.0 }));
        Volume::new(header, bytemuck::cast_slice(values).to_vec()).unwrap()
    }

    fn read(chosen: &dyn Source) -> Result<Vec<u32>> {
        let mut bytes = vec![0; chosen.header().bytes() as usize];
        chosen.read(0, &mut bytes)?;
        let size = chosen.header().meaning.dtype.bytes();
        Ok(bytes.chunks(size).map(|b| b.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte))).collect())
    }

    fn chosen(volume: Volume, range: Option<(f64, f64)>, labels: bool) -> Result<Vec<u32>> {
        read(Foreground::of(Arc::new(volume), range, labels).as_ref())
    }

    #[test]
    fn ranges_and_labels_are_of_real_values() {
        let ct = || source(Dtype::I16, 0.5, &[-2i16, 0, 1, 2, 6, 2000]);
        assert_eq!(chosen(ct(), None, false).unwrap(), [1, 0, 1, 1, 1, 1]);
        assert_eq!(chosen(ct(), Some((-1.0, 1.0)), false).unwrap(), [1, 1, 1, 1, 0, 0]);
        let padded = Volume::new(
            ct().header().clone().with(|h| h.meaning.padding = Some(Padding { low: 2000.0, high: 2000.0 })),
            ct().bytes().to_vec(),
        );
        assert_eq!(chosen(padded.unwrap(), Some((3.0, 5000.0)), false).unwrap(), [0, 0, 0, 0, 1, 0]);
        let floats = || source(Dtype::F32, 1.0, &[0.0f32, 3.0, f32::NAN, 70_000.0, 0.25]);
        assert_eq!(chosen(floats(), Some((0.2, 3.0)), false).unwrap(), [0, 1, 0, 0, 1]);
        assert_eq!(chosen(floats(), Some((1.0, 1e6)), true).unwrap(), [0, 3, 0, 70_000, 0]);
        assert_eq!(chosen(source(Dtype::U32, 1.0, &[u32::MAX, 0]), None, true).unwrap(), [u32::MAX, 0]);
    }

    #[test]
    fn what_is_no_label_is_named_with_its_place() {
        let said = |volume, labels| chosen(volume, None, labels).unwrap_err().to_string();
        let nan = said(source(Dtype::F32, 1.0, &[1.0, f32::NAN]), false);
        assert!(nan.contains("voxel (1, 0, 0) is NaN") && nan.contains("real value"), "{nan}");
        for (volume, value) in [
            (source(Dtype::F32, 1.0, &[1.0f32, 0.5]), "0.5"),
            (source(Dtype::I16, 1.0, &[1i16, -3]), "-3"),
            (source(Dtype::U16, 0.25, &[4u16, 1]), "0.25"),
            (source(Dtype::F64, 1.0, &[1.0, 4_294_967_296.0]), "4294967296"),
            (source(Dtype::F32, 1.0, &[1.0, f32::NAN]), "NaN"),
            (source(Dtype::F32, 1.0, &[1.0, f32::INFINITY]), "inf"),
        ] {
            let text = said(volume, true);
            assert!(text.contains(&format!("voxel (1, 0, 0) holds {value},")), "{text}");
        }
    }
}
