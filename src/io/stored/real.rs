//! Real values into formats that have no rescale: what a stored value means is written instead of the value.

use crate::io::output::{Staged, Target};
use crate::io::{Loss, Output, Sink};
use crate::volume::{Dtype, Header, Rescale, Rescales};
use crate::{Error, Result};

use super::output::PlainOutput;

/// Begins a plain file of real values behind the header that `text` makes: the stored ones where they are the real ones. The header does not
/// say `losses`; a rescale among them is none, since it is applied.
///
/// # Errors
/// As [`PlainOutput::begin`].
pub(in crate::io) fn begin(
    target: &Target,
    header: &Header,
    losses: Vec<Loss>,
    text: impl Fn(&Header) -> Vec<u8>,
) -> Result<Box<dyn Output>> {
    begin_real(header, losses, |header, losses| PlainOutput::begin(target, header, &text(header), losses))
}

/// The same for a file that is not plain: `plain` begins it for the header and the losses that it is given.
///
/// # Errors
/// Those of `plain`.
pub(in crate::io) fn begin_real(
    header: &Header,
    mut losses: Vec<Loss>,
    plain: impl FnOnce(&Header, Vec<Loss>) -> Result<Box<dyn Output>>,
) -> Result<Box<dyn Output>> {
    let (rescales, of_slice) = header.meaning.rescale.distinct();
    if rescales.iter().all(|r| *r == Rescale::IDENTITY) {
        return plain(header, losses);
    }
    let real = header.clone().with(|h| {
        h.meaning.dtype = real_type(header);
        (h.meaning.rescale, h.meaning.padding) = (Rescales::Uniform(Rescale::IDENTITY), None);
    });
    losses.retain(|loss| !matches!(loss, Loss::Rescale(_)));
    losses.push(Loss::Stored(real.meaning.dtype));
    let inner = plain(&real, losses)?;
    let slice = header.grid.shape.slice_voxels();
    Ok(Box::new(RealOutput { inner, from: header.meaning.dtype, to: real.meaning.dtype, rescales, of_slice, slice }))
}

/// The narrowest of int16, uint16 and int32 if real values are whole numbers that fit it, whatever is stored; else a float that is as exact as
/// the stored values: float32 holds 16-bit integers and itself.
pub fn real_type(header: &Header) -> Dtype {
    let (stored, (rescales, _)) = (header.meaning.dtype, header.meaning.rescale.distinct());
    let whole = rescales.iter().all(|r| r.slope.fract() == 0.0 && r.intercept.fract() == 0.0);
    if let (true, Some([low, high])) = (whole, range(stored, header.origin.bits_stored)) {
        // Padding may lie beyond the bits that carry data.
        let (low, high) = header.meaning.padding.map_or((low, high), |p| (low.min(p.low), high.max(p.high)));
        let ends = || rescales.iter().flat_map(|r| [r.real(low), r.real(high)]);
        let fits = |dtype: &Dtype| range(*dtype, None).is_some_and(|[low, high]| ends().all(|v| v >= low && v <= high));
        if let Some(dtype) = [Dtype::I16, Dtype::U16, Dtype::I32].into_iter().find(fits) {
            return dtype;
        }
    }
    if stored.is_small_integer() || stored == Dtype::F32 { Dtype::F32 } else { Dtype::F64 }
}

/// The ends of an integer type of up to 32 bits, of which so many carry data.
fn range(dtype: Dtype, bits: Option<u16>) -> Option<[f64; 2]> {
    let whole = 8 * dtype.bytes() as u16;
    let bits = i32::from(bits.filter(|b| (1..=whole).contains(b)).unwrap_or(whole));
    match dtype {
        Dtype::U8 | Dtype::U16 | Dtype::U32 => Some([0.0, 2f64.powi(bits) - 1.0]),
        Dtype::I8 | Dtype::I16 | Dtype::I32 => Some([-2f64.powi(bits - 1), 2f64.powi(bits - 1) - 1.0]),
        _ => None,
    }
}

/// Real values on their way to a file.
struct RealOutput {
    inner: Box<dyn Output>,
    from: Dtype,
    to: Dtype,
    rescales: Vec<Rescale>,
    of_slice: Vec<usize>,
    /// Voxels of a slice.
    slice: u64,
}

impl Sink for RealOutput {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut out = Vec::with_capacity(bytes.len() / self.from.bytes() * self.to.bytes());
        for (voxel, value) in (at..).zip(bytes.chunks_exact(self.from.bytes())) {
            let group = match self.of_slice.as_slice() {
                [one] => *one,
                all => all.get((voxel / self.slice) as usize).copied().unwrap_or(0),
            };
            let stored = self.from.decode(value);
            let real = self.rescales[group].real(stored);
            self.push(&mut out, real).ok_or_else(|| {
                let what = format!("the stored value {stored} means {real}, which is no {}", self.to);
                Error::usage(what, "write .nii or .nii.gz, which keep the rescale")
            })?;
        }
        self.inner.write(at, &out)
    }
}

impl RealOutput {
    /// None for a number that the type has not: the file was said to store fewer bits than it does.
    fn push(&self, out: &mut Vec<u8>, real: f64) -> Option<()> {
        if let Some([low, high]) = range(self.to, None)
            && !(low..=high).contains(&real)
        {
            return None;
        }
        match self.to {
            Dtype::I16 => out.extend((real as i16).to_le_bytes()),
            Dtype::U16 => out.extend((real as u16).to_le_bytes()),
            Dtype::I32 => out.extend((real as i32).to_le_bytes()),
            Dtype::F32 => out.extend((real as f32).to_le_bytes()),
            _ => out.extend(real.to_le_bytes()),
        }
        Some(())
    }
}

impl Output for RealOutput {
    fn finish(self: Box<Self>) -> Result<Staged> {
        self.inner.finish()
    }

    fn losses(&self) -> &[Loss] {
        self.inner.losses()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::output::publish;
    use crate::volume::Shape;

    fn header(dtype: Dtype, rescales: &[(f64, f64)], bits: Option<u16>) -> Header {
        let all: Vec<Rescale> = rescales.iter().map(|&(slope, intercept)| Rescale { slope, intercept }).collect();
        Header::new(Shape::new(&[2, 1, all.len() as u64]).unwrap(), dtype).with(|h| {
            h.origin.bits_stored = bits;
            h.meaning.rescale = if let [one] = all[..] { Rescales::Uniform(one) } else { Rescales::PerSlice(all) };
        })
    }

    #[test]
    fn whole_numbers_stay_whole_and_no_wider_than_they_must() {
        let of = |dtype, rescale, bits| {
            let header = header(dtype, &[rescale], bits);
            real_type(&header)
        };
        let hounsfield = (1.0, -1024.0);
        assert_eq!(of(Dtype::U16, hounsfield, Some(12)), Dtype::I16);
        assert_eq!(of(Dtype::I16, hounsfield, Some(12)), Dtype::I16);
        assert_eq!(of(Dtype::U16, hounsfield, None), Dtype::I32);
        assert_eq!(of(Dtype::I16, hounsfield, Some(16)), Dtype::I32);
        assert_eq!(of(Dtype::I16, hounsfield, Some(99)), Dtype::I32);
        assert_eq!(of(Dtype::U8, (200.0, 0.0), None), Dtype::U16);
        assert_eq!(of(Dtype::I32, (2.0, 0.0), None), Dtype::F64);
        assert_eq!(of(Dtype::U16, (0.5, 0.0), None), Dtype::F32);
        assert_eq!(of(Dtype::U32, (0.5, 0.0), None), Dtype::F64);
        assert_eq!((of(Dtype::F32, (2.0, 0.0), None), of(Dtype::F64, (2.0, 0.0), None)), (Dtype::F32, Dtype::F64));
        assert_eq!(of(Dtype::I64, (2.0, 0.0), None), Dtype::F64);
    }

    fn written(header: &Header, stored: &[u8]) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let output = begin(&Target::new(&path, false, &[])?, header, Vec::new(), |h| h.meaning.dtype.name().into())?;
        // In two parts, the later first.
        let half = stored.len() / 2;
        output.write((half / header.meaning.dtype.bytes()) as u64, &stored[half..])?;
        output.write(0, &stored[..half])?;
        publish(vec![output.finish()?])?;
        Ok(std::fs::read(&path).unwrap())
    }

    #[test]
    fn every_slice_has_its_own_rescale() {
        let header = header(Dtype::U8, &[(2.0, -10.0), (3.0, 5.0)], None);
        let want: Vec<u8> = [-10i16, 0, 605, 770].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(written(&header, &[0, 5, 200, 255]).unwrap(), [b"int16".to_vec(), want].concat());
    }

    #[test]
    fn stored_values_stay_where_they_are_real() {
        let same = header(Dtype::U8, &[(1.0, 0.0)], None);
        assert_eq!(written(&same, &[7, 8]).unwrap(), b"uint8\x07\x08");
        let folder = tempfile::tempdir().unwrap();
        let target = Target::new(&folder.path().join("a"), false, &[]).unwrap();
        let losses =
            |header: &Header| begin(&target, header, Loss::of_bare_values(header), |_| Vec::new()).unwrap().losses().to_vec();
        assert_eq!(losses(&same), []);
        let fewer_bits = header(Dtype::U16, &[(1.0, -1024.0)], Some(12));
        assert_eq!(losses(&fewer_bits), [Loss::Stored(Dtype::I16)]);
        let error = written(&fewer_bits, &[0, 0, 0xff, 0xff]).unwrap_err().to_string();
        assert!(error.starts_with("the stored value 65535 means 64511, which is no int16"), "{error}");
    }
}
