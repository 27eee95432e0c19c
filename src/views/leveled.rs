//! Real values as levels, and levels as real values: how sums of neighbours are made of true floats.

use std::sync::Arc;

use crate::Result;
use crate::io::{Sink, Source};
use crate::ops::whole::{MOST_LEVEL, NO_NUMBER};
use crate::volume::{Dtype, Header, Rescale, Rescales};

/// A function of real values.
pub type RealFunction = dyn Fn(f64) -> f64 + Send + Sync;

/// Real values of a source, or what a function makes of them, as [levels](crate::ops::whole): whole numbers of steps, as float32, whose rescale gives the values
/// back to half a step. What is not finite has no level, and is NaN.
pub struct Leveled {
    inner: Arc<dyn Source>,
    header: Header,
    /// Of stored values of `inner`.
    own: Rescale,
    function: Option<Arc<RealFunction>>,
    levels: Rescale,
}

impl Leveled {
    /// Values in these steps, as [`Leveled::spanning`] gives them. `inner` has one rescale.
    pub fn new(inner: Arc<dyn Source>, function: Option<Arc<RealFunction>>, levels: Rescale) -> Self {
        let mut header = inner.header().clone();
        let own = header.meaning.rescale.of_slice(0);
        header.origin.file_dtype.get_or_insert(header.meaning.dtype);
        header.meaning.dtype = Dtype::F32;
        header.meaning.rescale = Rescales::Uniform(levels);
        header.meaning.padding = None;
        Self { inner, header, own, function, levels }
    }

    /// Levels for values from one to another, around 0, in 24 bits: whole numbers among which there are so few that each has its own are levels themselves. Results may span so
    /// many times as much, for which levels have a 25th bit, and steps grow where that is not enough.
    pub fn spanning((least, greatest): (f64, f64), whole: bool, results: f64) -> Rescale {
        let most = f64::from(MOST_LEVEL).min((2.0 * f64::from(MOST_LEVEL) / results).floor());
        let slope = match greatest - least {
            // One value, or none.
            span if !span.is_finite() || span <= 0.0 => 1.0,
            span if whole && span <= most => 1.0,
            span => span / most,
        };
        let half = ((greatest - least) / slope / 2.0).ceil();
        Rescale { slope, intercept: if half.is_finite() { least + slope * half } else { 0.0 } }
    }

    fn level(&self, stored: f64) -> f32 {
        let real = self.own.real(stored);
        let value = self.function.as_ref().map_or(real, |function| function(real));
        let level = self.levels.stored(value);
        if !level.is_finite() {
            return NO_NUMBER;
        }
        // Adding +0 leaves no -0.
        (level.round_ties_even().clamp(-f64::from(MOST_LEVEL), f64::from(MOST_LEVEL)) + 0.0) as f32
    }
}

impl Source for Leveled {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let dtype = self.inner.header().meaning.dtype;
        let mut stored = vec![0; into.len() / 4 * dtype.bytes()];
        self.inner.read(at, &mut stored)?;
        for (to, voxel) in into.chunks_exact_mut(4).zip(stored.chunks_exact(dtype.bytes())) {
            to.copy_from_slice(&self.level(dtype.decode(voxel)).to_le_bytes());
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

/// A sink in front of another, which takes levels and hands on real values, rounded once to float32.
pub struct Unleveled<'a> {
    /// The other.
    pub inner: &'a dyn Sink,
    /// Of the levels.
    pub levels: Rescale,
}

impl Sink for Unleveled<'_> {
    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let real = |voxel: &[u8; 4]| match f32::from_le_bytes(*voxel) {
            level if level.is_nan() => NO_NUMBER,
            level => self.levels.real(f64::from(level)) as f32,
        };
        let values: Vec<u8> = bytes.as_chunks().0.iter().flat_map(|voxel| real(voxel).to_le_bytes()).collect();
        self.inner.write(at, &values)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::volume::{Shape, Volume};

    fn volume(values: &[f64], rescale: Rescale) -> Volume {
        let mut header = Header::new(Shape::new(&[values.len() as u64]).unwrap(), Dtype::F64);
        header.meaning.rescale = Rescales::Uniform(rescale);
        Volume::new(header, values.iter().flat_map(|v| v.to_le_bytes()).collect()).unwrap()
    }

    fn levels(view: &Leveled) -> Vec<f32> {
        let mut bytes = vec![0; view.header().bytes() as usize];
        view.read(0, &mut bytes).unwrap();
        bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }

    #[test]
    fn values_become_steps_and_come_back() {
        let own = Rescale { slope: 2.0, intercept: -1.0 };
        // Real: -1, 0, 0.5, 1, and 13 beyond the range.
        let stored = [0.0, 0.5, 0.75, 1.0, 7.0, f64::NAN, f64::INFINITY];
        let levels_of = Leveled::spanning((-1.0, 1.0), false, 1.0);
        let view = Leveled::new(Arc::new(volume(&stored, own)), None, levels_of);
        let got = levels(&view);
        assert_eq!([got[0], got[3], got[4]], [-8_388_608.0, 8_388_607.0, 16_777_215.0]);
        assert!(got[5].is_nan() && got[6].is_nan());
        struct Kept(Mutex<Vec<u8>>);
        impl Sink for Kept {
            fn write(&self, _: u64, bytes: &[u8]) -> Result<()> {
                *self.0.lock().unwrap() = bytes.to_vec();
                Ok(())
            }
        }
        let kept = Kept(Mutex::default());
        let bytes: Vec<u8> = got.iter().flat_map(|v| v.to_le_bytes()).collect();
        Unleveled { inner: &kept, levels: levels_of }.write(0, &bytes).unwrap();
        let back: Vec<f32> = kept.0.lock().unwrap().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        for (got, want) in back.iter().zip([-1.0, 0.0, 0.5, 1.0]) {
            assert!((got - want).abs() <= 1.0 / 16_777_215.0, "{got} {want}");
        }
        assert_eq!(back[5].to_bits(), f32::NAN.to_bits());
    }

    #[test]
    fn whole_numbers_are_their_own_levels_where_they_fit() {
        let of = Leveled::spanning;
        assert_eq!(of((-70_000.0, 9e6), true, 1.0), Rescale { slope: 1.0, intercept: 4_465_000.0 });
        assert_eq!(of((0.0, 16_777_215.0 * 2.0), true, 1.0).slope, 2.0);
        assert_eq!(of((0.25, 0.25), false, 1.0), Rescale { slope: 1.0, intercept: 0.25 });
        assert_eq!(of((f64::INFINITY, f64::NEG_INFINITY), false, 1.0), Rescale { slope: 1.0, intercept: 0.0 });
        // Three times the range fits 25 bits.
        let Rescale { slope, intercept } = of((0.0, 1.0), false, 3.0);
        assert!((-1.0 - intercept) / slope >= -f64::from(MOST_LEVEL) && (2.0 - intercept) / slope <= f64::from(MOST_LEVEL));
        assert!(slope < 1.0 / 11_000_000.0);
        let function: Arc<RealFunction> = Arc::new(|v| 10.0 * v);
        let own = Rescale::IDENTITY;
        let view =
            Leveled::new(Arc::new(volume(&[1.0, 2.0, 3.0], own)), Some(function), Leveled::spanning((10.0, 30.0), true, 1.0));
        assert_eq!(levels(&view), [-10.0, 0.0, 10.0]);
    }
}
