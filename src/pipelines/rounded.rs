//! A look at a label map before it is used: whether its real values are whole numbers, and which.

use std::sync::{Arc, Mutex, PoisonError};

use super::copy::gather;
use super::{Input, Run};
use crate::io::Source;
use crate::views::Labelled;
use crate::volume::{Block, Dtype, LabelScale, Rescale, Rescales};
use crate::{Error, Result};

/// What one look at all voxels of a label map says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LabelCensus {
    least: f64,
    most: f64,
    /// Voxels that are NaN: label 0.
    nan: u64,
    /// Voxels too far from a whole number.
    strange: u64,
    /// How far the farthest of them lies, its real value, and the tolerance there.
    worst: (f64, f64, f64),
}

const NOTHING: LabelCensus =
    LabelCensus { least: f64::INFINITY, most: f64::NEG_INFINITY, nan: 0, strange: 0, worst: (0.0, 0.0, 0.0) };

impl LabelCensus {
    fn see(&mut self, scale: &LabelScale, stored: f64) {
        let found = scale.label(stored);
        (self.least, self.most) = (self.least.min(found.label), self.most.max(found.label));
        self.nan += u64::from(stored.is_nan());
        if !found.fits {
            self.strange += 1;
            if found.distance > self.worst.0 {
                self.worst = (found.distance, scale.real(stored), scale.tolerance(stored));
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        (self.least, self.most) = (self.least.min(other.least), self.most.max(other.most));
        (self.nan, self.strange) = (self.nan + other.nan, self.strange + other.strange);
        if other.worst.0 > self.worst.0 {
            self.worst = other.worst;
        }
    }
}

/// Whether type and rescale alone make every voxel a whole number.
fn is_whole(source: &dyn Source) -> bool {
    let meaning = &source.header().meaning;
    meaning.rescale.distinct().0.iter().all(|rescale| LabelScale::new(meaning.dtype, *rescale).is_whole())
}

/// Looks at all voxels of `what`, if they may be anything but whole numbers.
///
/// # Errors
/// [`Error::Usage`] with the voxel that lies farthest from a whole number, if that is too far; what reading gives.
pub(super) fn check_labels(what: &str, source: &Arc<dyn Source>, run: &Run<'_>) -> Result<()> {
    if is_whole(source.as_ref()) { Ok(()) } else { look(what, source, run).map(|_| ()) }
}

/// The labels of `what` without a rescale, as the least of uint8, uint16 and int32 that holds them; what is uint8 or uint16 by itself stays as it is.
///
/// # Errors
/// As [`check_labels`].
pub(super) fn as_labels(what: &str, source: Arc<dyn Source>, run: &Run<'_>) -> Result<Arc<dyn Source>> {
    let meaning = &source.header().meaning;
    if matches!(meaning.dtype, Dtype::U8 | Dtype::U16) && meaning.rescale == Rescales::Uniform(Rescale::IDENTITY) {
        return Ok(source);
    }
    let census = look(what, &source, run)?;
    let within = |low: f64, high: f64| census.least >= low && census.most <= high;
    let dtype = if within(0.0, 255.0) {
        Dtype::U8
    } else if within(0.0, 65_535.0) {
        Dtype::U16
    } else {
        Dtype::I32
    };
    Ok(Arc::new(Labelled::new(source, dtype)))
}

fn look(what: &str, source: &Arc<dyn Source>, run: &Run<'_>) -> Result<LabelCensus> {
    let header = source.header();
    let (dtype, slice) = (header.meaning.dtype, header.grid.shape.slice_voxels());
    let total = Mutex::new(NOTHING);
    let see = |at: u64, block: Block<'_>| {
        let mut own = NOTHING;
        let mut scale: Option<(u64, LabelScale)> = None;
        for (voxel, one) in (at..).zip(block.bytes.chunks_exact(dtype.bytes())) {
            let here = match header.meaning.rescale {
                Rescales::Uniform(_) => 0,
                Rescales::PerSlice(_) => voxel / slice,
            };
            let scale = match scale {
                Some((slice, scale)) if slice == here => scale,
                _ => scale.insert((here, LabelScale::new(dtype, header.meaning.rescale.of_slice(here)))).1,
            };
            own.see(&scale, dtype.decode(one));
        }
        total.lock().unwrap_or_else(PoisonError::into_inner).merge(&own);
    };
    gather(&Input::of(source.clone()).observed(Some(&see)), &run.quiet())?;
    let census = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    if census.strange > 0 {
        let (distance, real, tolerance) = census.worst;
        let text = format!(
            "the {what} holds no labels: {} of {} voxels are no whole numbers, the farthest is {real:.4} and lies {distance:.4} from one (tolerance {tolerance:.4})",
            census.strange,
            header.grid.shape.voxels(),
        );
        return Err(Error::usage(text, "give labels as whole numbers; fractions become labels by a threshold"));
    }
    if census.nan > 0 {
        run.note(&format!("{} voxels of the {what} are NaN: taken as label 0", census.nan));
    }
    Ok(census)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipelines::{Device, Labels, Mask};
    use crate::volume::{Header, Shape, Volume};

    fn volume<T: bytemuck::Pod>(dtype: Dtype, rescale: Rescales, axes: &[u64], values: &[T]) -> Arc<dyn Source> {
        let header = Header::new(Shape::new(axes).unwrap(), dtype).with(|h| h.meaning.rescale = rescale);
        Arc::new(Volume::new(header, bytemuck::cast_slice(values).to_vec()).unwrap())
    }

    fn bytes(source: &dyn Source) -> Vec<u8> {
        let mut bytes = vec![0; source.header().bytes() as usize];
        source.read(0, &mut bytes).unwrap();
        bytes
    }

    fn uniform(slope: f64, intercept: f64) -> Rescales {
        Rescales::Uniform(Rescale { slope, intercept })
    }

    /// Labels 0, 1, 2, 4 as nibabel keeps them as int16, as floats that came from uint8, and by slices of their own rescales.
    fn twins() -> Vec<Arc<dyn Source>> {
        let slices =
            |all: &[(f64, f64)]| Rescales::PerSlice(all.iter().map(|&(slope, intercept)| Rescale { slope, intercept }).collect());
        vec![
            volume(Dtype::U8, uniform(1.0, 0.0), &[4], &[0u8, 1, 2, 4]),
            volume(Dtype::I16, uniform(6.103_608_757_257_462e-5, 2.000_030_517_578_125), &[4], &[-32768i16, -16384, 0, 32767]),
            volume(Dtype::U8, uniform(0.015_686_275_437_474_25, 0.0), &[4], &[0u8, 64, 127, 255]),
            volume(Dtype::U8, uniform(-0.015_686_275_437_474_25, 4.0), &[4], &[255u8, 191, 128, 0]),
            volume(Dtype::F32, uniform(1.0, 0.0), &[4], &[f32::NAN, 1.003_921_6, 1.992_157, 4.0]),
            volume(Dtype::F64, uniform(2.0, -4.0), &[4], &[2.0, 2.5, 3.0, 4.0]),
            volume(Dtype::I32, uniform(1.0, 0.0), &[4], &[0i32, 1, 2, 4]),
            volume(Dtype::U16, slices(&[(1.0, 0.0), (0.5, -1.0)]), &[2, 1, 2], &[0u16, 1, 6, 10]),
        ]
    }

    #[test]
    fn one_map_is_the_same_labels_however_it_is_stored() {
        let device = Device::cpu();
        let run = &Run::silent(&device);
        for (i, source) in twins().into_iter().enumerate() {
            let image = source.header().clone();
            let mask = |label| bytes(Mask::new(source.clone(), label, &image, run).unwrap().source());
            assert_eq!(mask(None), [0, 1, 1, 1], "{i}");
            assert_eq!(mask(Some(2.0)), [0, 0, 1, 0], "{i}");
            assert_eq!(mask(Some(0.0)), [1, 0, 0, 0], "{i}");
            assert_eq!(mask(Some(-32768.0)), [0; 4], "{i}");
            let labels = Labels::new(source, &image, run).unwrap();
            assert_eq!(bytes(labels.source()), [0, 1, 2, 4], "{i}");
            assert_eq!(labels.source().header().meaning.rescale, uniform(1.0, 0.0), "{i}");
        }
    }

    #[test]
    fn fractions_are_refused_as_labels_and_kept_as_a_mask() {
        let device = Device::cpu();
        let run = &Run::silent(&device);
        for source in [
            volume(Dtype::F32, uniform(1.0, 0.0), &[3], &[0.0f32, 0.37, 1.0]),
            volume(Dtype::U8, uniform(1.0 / 255.0, 0.0), &[3], &[0u8, 94, 255]),
        ] {
            let image = source.header().clone();
            let error = Mask::new(source.clone(), Some(1.0), &image, run).unwrap_err().to_string();
            assert!(error.contains("1 of 3 voxels") && error.contains("lies 0.3"), "{error}");
            assert!(matches!(Labels::new(source.clone(), &image, run), Err(Error::Usage { .. })));
            assert_eq!(bytes(Mask::new(source, None, &image, run).unwrap().source()), [0, 1, 1]);
        }
        let source = volume(Dtype::U8, uniform(1.0, 0.0), &[1], &[0u8]);
        let image = source.header().clone();
        assert!(matches!(Mask::new(source, Some(0.5), &image, run), Err(Error::Usage { .. })));
        let below = volume(Dtype::I16, uniform(1.0, 0.0), &[1], &[-1i16]);
        assert!(matches!(Labels::new(below, &image, run), Err(Error::Usage { .. })));
    }
}
