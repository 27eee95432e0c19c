//! The whole job of a reduction over time: for each place of a 4-D image a figure of the values it takes in all volumes, or what changes from one volume to another.
//!
//! Voxels are taken in pieces of all volumes at once, as many as the memory holds. Each place is computed by itself, in f64 and in the order of the volumes, and rounded to
//! f32 once, so that neither pieces nor threads change a bit.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::{Input, Run};
use crate::io::Sink;
use crate::volume::{Block, Dtype, Header, Meaning, Padding, Rescale, Shape, Unit};
use crate::{Error, Hint, Result};

/// What is made of the values of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverTime {
    /// Their mean.
    Mean,
    /// Their standard deviation, over n - ddof.
    Std {
        /// 0 for that of the values, 1 for the estimate from a sample.
        ddof: u32,
    },
    /// Temporal signal-to-noise ratio: the mean over the standard deviation, whose `ddof` is the same.
    Tsnr {
        /// As of the standard deviation.
        ddof: u32,
    },
    /// Each volume minus the one before, or minus one of them.
    Difference {
        /// The volume, from 0, that is subtracted from all; none for the one before each.
        reference: Option<u64>,
    },
}

/// Places computed together: those of all volumes stay in a cache.
const TOGETHER: usize = 1 << 11;

/// A reduction decided on. Padding has no part in it.
#[derive(Debug, Clone)]
pub struct Reduction {
    how: OverTime,
    image: Header,
    header: Header,
}

impl Reduction {
    /// # Errors
    /// [`Error::Usage`] for an image of one volume, a reference that is none of its volumes, and a ddof that leaves nothing to divide by.
    pub fn new(image: &Header, how: OverTime) -> Result<Self> {
        let volumes = image.grid.shape.volumes();
        if volumes < 2 {
            return Err(Error::usage(
                format!("a reduction over time of {} voxels, which is one volume", image.grid.shape),
                "give a 4-D image, or the files of all its volumes",
            ));
        }
        let mut header = image.derived(Dtype::F32);
        let [x, y, z] = image.grid.shape.xyz();
        header.grid.volume_marks = Vec::new();
        let times = match how {
            OverTime::Difference { reference: Some(t) } if t >= volumes => {
                return Err(Error::usage(format!("volume {t} of {volumes}, counted from 0"), "give one that there is"));
            }
            OverTime::Difference { reference } => volumes - u64::from(reference.is_none()),
            OverTime::Std { ddof } | OverTime::Tsnr { ddof } if u64::from(ddof) >= volumes => {
                return Err(Error::usage(format!("ddof {ddof} of {volumes} volumes"), "give a smaller one"));
            }
            _ => 1,
        };
        header.grid.shape = Shape::new(&[x, y, z, times][..if times > 1 { 4 } else { 3 }]).expect("no more than the image has");
        if times == 1 {
            header.grid.time_step_s = None;
        }
        header.meaning.unit = if matches!(how, OverTime::Tsnr { .. }) { Unit::Unknown } else { image.meaning.unit };
        if how == OverTime::Mean {
            header.display = image.display.clone();
        }
        Ok(Self { how, image: image.clone(), header })
    }

    /// What is written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is read.
    pub fn image(&self) -> &Header {
        &self.image
    }

    /// What is made of each place.
    pub fn how(&self) -> OverTime {
        self.how
    }

    /// Writes the result; gives how many of its voxels are not finite: where the image is not, where all is padding, and quotients by a deviation of 0.
    ///
    /// # Errors
    /// [`Error::Usage`] if a place of all volumes does not fit the memory; what reading and writing give; [`Error::Interrupted`].
    pub fn write(&self, input: &Input<'_>, sink: &dyn Sink, run: &Run<'_>) -> Result<u64> {
        let source = input.source();
        let (places, times) = (self.places(), self.image.grid.shape.volumes());
        let size = self.image.meaning.dtype.bytes();
        let results = self.header.grid.shape.volumes();
        // Half is for what is read and written, half for what reading takes.
        let each = times * size as u64 + results * 4;
        let most = (run.memory_bytes / 2 / each).min(places);
        if most == 0 {
            let what = format!("a place of {times} volumes takes {each} bytes, and may take half of the memory");
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        let unit = source.unit();
        let step = if most < places && most > unit { most / unit * unit } else { most };
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        let undefined = AtomicU64::new(0);
        for start in (0..places).step_by(step as usize) {
            let count = step.min(places - start);
            bytes.resize(times as usize * count as usize * size, 0);
            let row = count as usize * size;
            let read = |(t, into): (usize, &mut [u8])| -> Result<()> {
                run.stop()?;
                source.read(t as u64 * places + start, into)?;
                run.advance(into.len() as u64);
                Ok(())
            };
            if source.sequential() {
                bytes.chunks_mut(row).enumerate().try_for_each(read)?;
            } else {
                bytes.par_chunks_mut(row).enumerate().try_for_each(read)?;
            }
            out.resize(results as usize * count as usize, 0.0f32);
            let pieces: Vec<Range<usize>> = self.pieces(start, count as usize);
            let done: Vec<Vec<f32>> = pieces.par_iter().map(|piece| self.piece(&bytes, (start, count as usize), piece)).collect();
            for (piece, done) in pieces.iter().zip(&done) {
                for (t, row) in done.chunks(piece.len()).enumerate() {
                    out[t * count as usize..][piece.clone()].copy_from_slice(row);
                }
            }
            undefined.fetch_add(out.par_iter().filter(|value| !value.is_finite()).count() as u64, Ordering::Relaxed);
            for (t, row) in out.chunks(count as usize).enumerate() {
                run.stop()?;
                let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                sink.write(t as u64 * places + start, &bytes)?;
            }
        }
        Ok(undefined.into_inner())
    }

    /// Voxels of a volume.
    fn places(&self) -> u64 {
        self.image.grid.shape.xyz().iter().product()
    }

    /// Of so many places from `start` on, those that are computed together: within a slice, which has one rescale.
    fn pieces(&self, start: u64, count: usize) -> Vec<Range<usize>> {
        let slice = self.image.grid.shape.slice_voxels();
        let mut all = Vec::new();
        let mut at = 0;
        while at < count {
            let left = (slice - (start + at as u64) % slice).min(TOGETHER as u64) as usize;
            let end = (at + left).min(count);
            all.push(at..end);
            at = end;
        }
        all
    }

    /// The results of some of the `count` places that `bytes` hold of each volume, from place `start` on.
    fn piece(&self, bytes: &[u8], (start, count): (u64, usize), piece: &Range<usize>) -> Vec<f32> {
        let Meaning { dtype, rescale, padding, .. } = &self.image.meaning;
        let shape = &self.image.grid.shape;
        let slices = shape.axis(2);
        let slice = (start + piece.start as u64) / shape.slice_voxels();
        let row = |t: usize, to: &mut Vec<f64>| {
            let rescale = rescale.of_slice(t as u64 * slices + slice);
            let stored = &bytes[(t * count + piece.start) * dtype.bytes()..][..piece.len() * dtype.bytes()];
            values(Block { dtype: *dtype, bytes: stored }, *padding, rescale, to);
        };
        let times = bytes.len() / (count * dtype.bytes());
        match self.how {
            OverTime::Mean => mean(times, piece.len(), row).0.iter().map(|value| *value as f32).collect(),
            OverTime::Std { ddof } => {
                let (means, counts) = mean(times, piece.len(), row);
                deviation(times, (&means, &counts), ddof, row).iter().map(|value| *value as f32).collect()
            }
            OverTime::Tsnr { ddof } => {
                let (means, counts) = mean(times, piece.len(), row);
                let deviations = deviation(times, (&means, &counts), ddof, row);
                means.iter().zip(&deviations).map(|(mean, deviation)| (mean / deviation) as f32).collect()
            }
            OverTime::Difference { reference } => {
                let (mut now, mut other, mut out) = (Vec::new(), Vec::new(), Vec::new());
                row(reference.unwrap_or(0) as usize, &mut other);
                for t in usize::from(reference.is_none())..times {
                    row(t, &mut now);
                    out.extend(now.iter().zip(&other).map(|(now, other)| difference(*now, *other)));
                    if reference.is_none() {
                        std::mem::swap(&mut now, &mut other);
                    }
                }
                out
            }
        }
    }
}

/// What stands for padding among real values: an infinity or a NaN could be a value.
const PADDING: u64 = 0x7ff8_dead_dead_dead;

fn is_padding(value: f64) -> bool {
    value.to_bits() == PADDING
}

/// The real values of a row.
fn values(stored: Block<'_>, padding: Option<Padding>, rescale: Rescale, to: &mut Vec<f64>) {
    to.clear();
    to.extend(stored.bytes.chunks_exact(stored.dtype.bytes()).map(|bytes| {
        let value = stored.dtype.decode(bytes);
        if padding.is_some_and(|p| (p.low..=p.high).contains(&value)) { f64::from_bits(PADDING) } else { rescale.real(value) }
    }));
}

/// The mean of each place, NaN where there is nothing but padding, and of how many values.
fn mean(times: usize, places: usize, row: impl Fn(usize, &mut Vec<f64>)) -> (Vec<f64>, Vec<u32>) {
    let (mut sums, mut counts, mut now) = (vec![0.0; places], vec![0u32; places], Vec::new());
    for t in 0..times {
        row(t, &mut now);
        for ((sum, count), value) in sums.iter_mut().zip(&mut counts).zip(&now) {
            if !is_padding(*value) {
                *sum += *value;
                *count += 1;
            }
        }
    }
    sums.iter_mut().zip(&counts).for_each(|(sum, count)| *sum /= f64::from(*count));
    (sums, counts)
}

/// The standard deviation of each place around its mean; NaN where there are no more values than `ddof`.
fn deviation(times: usize, (means, counts): (&[f64], &[u32]), ddof: u32, row: impl Fn(usize, &mut Vec<f64>)) -> Vec<f64> {
    let (mut squares, mut now) = (vec![0.0; means.len()], Vec::new());
    for t in 0..times {
        row(t, &mut now);
        for ((square, mean), value) in squares.iter_mut().zip(means).zip(&now) {
            if !is_padding(*value) {
                *square += (value - mean) * (value - mean);
            }
        }
    }
    let over = |count: u32| if count > ddof { f64::from(count - ddof) } else { f64::NAN };
    squares.iter().zip(counts).map(|(square, count)| (square / over(*count)).sqrt()).collect()
}

fn difference(now: f64, other: f64) -> f32 {
    if is_padding(now) || is_padding(other) { f32::NAN } else { (now - other) as f32 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipelines::{Device, into_memory};
    use crate::volume::{Rescales, Volume};

    fn reduced(volume: &Volume, how: OverTime, memory: u64) -> (Vec<f32>, u64) {
        let input = Input::of(Arc::new(volume.clone()));
        let reduction = Reduction::new(volume.header(), how).unwrap();
        let mut undefined = 0;
        let out = into_memory(reduction.header(), |sink| {
            undefined = reduction.write(&input, sink, &Run::silent(&Device::cpu()).with_memory(memory))?;
            Ok(())
        });
        let out = out.unwrap();
        (out.bytes().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(), undefined)
    }

    /// Two places over four volumes: 1 2 3 6, mean 3, squares 4 + 1 + 0 + 9 = 14; and 5 5 5 5.
    fn by_hand(change: impl FnOnce(&mut Header)) -> Volume {
        let header = Header::new(Shape::new(&[2, 1, 1, 4]).unwrap(), Dtype::I16).with(change);
        Volume::new(header, [1i16, 5, 2, 5, 3, 5, 6, 5].iter().flat_map(|v| v.to_le_bytes()).collect()).unwrap()
    }

    #[test]
    fn figures_by_hand() {
        let volume = by_hand(|_| ());
        let of = |how| reduced(&volume, how, 1 << 20);
        assert_eq!(of(OverTime::Mean), (vec![3.0, 5.0], 0));
        assert_eq!(of(OverTime::Std { ddof: 0 }), (vec![3.5f64.sqrt() as f32, 0.0], 0));
        assert_eq!(of(OverTime::Std { ddof: 1 }), (vec![(14.0f64 / 3.0).sqrt() as f32, 0.0], 0));
        // No deviation: as numpy divides.
        assert_eq!(of(OverTime::Tsnr { ddof: 0 }), (vec![(3.0 / 3.5f64.sqrt()) as f32, f32::INFINITY], 1));
        assert_eq!(of(OverTime::Difference { reference: None }), (vec![1.0, 0.0, 1.0, 0.0, 3.0, 0.0], 0));
        let minus_first = vec![0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 5.0, 0.0];
        assert_eq!(of(OverTime::Difference { reference: Some(0) }), (minus_first, 0));
    }

    #[test]
    fn rescale_and_padding_are_heeded() {
        // 2 is padding: 1 3 6 are left, mean 10 / 3; all in tenths, less 1; the other place has no padding.
        let volume = by_hand(|header| {
            header.meaning.padding = Some(Padding { low: 2.0, high: 2.0 });
            header.meaning.rescale = Rescales::Uniform(Rescale { slope: 0.1, intercept: -1.0 });
        });
        let (means, undefined) = reduced(&volume, OverTime::Mean, 1 << 20);
        assert!((means[0] - (1.0 / 3.0 - 1.0)).abs() < 1e-6 && means[1] == -0.5 && undefined == 0, "{means:?}");
        let (differences, undefined) = reduced(&volume, OverTime::Difference { reference: None }, 1 << 20);
        assert!(differences[0].is_nan() && differences[2].is_nan() && undefined == 2, "{differences:?}");
        // Each slice of each volume has its own.
        let slopes = (1..=4).map(|slope| Rescale { slope: f64::from(slope), intercept: 0.0 }).collect();
        let volume = by_hand(|header| header.meaning.rescale = Rescales::PerSlice(slopes));
        assert_eq!(reduced(&volume, OverTime::Mean, 1 << 20).0, [(1 + 4 + 9 + 24) as f32 / 4.0, 12.5]);
    }

    #[test]
    fn memory_does_not_change_a_bit() {
        let shape = [67, 31, 3, 5];
        let header = Header::new(Shape::new(&shape).unwrap(), Dtype::F32);
        let values = (0..shape.iter().product::<u64>()).map(|i| crate::ops::testing::noise(i) as f32 / 1e12);
        let volume = Volume::new(header, values.flat_map(f32::to_le_bytes).collect()).unwrap();
        for how in [OverTime::Mean, OverTime::Tsnr { ddof: 1 }, OverTime::Difference { reference: Some(2) }] {
            let all = reduced(&volume, how, 1 << 30);
            assert!(all.0.iter().any(|value| *value != all.0[0]));
            for memory in [400, 10_000, 300_000] {
                assert_eq!(reduced(&volume, how, memory), all, "{how:?} in {memory} bytes");
            }
        }
    }

    #[test]
    fn what_cannot_be_reduced_says_why() {
        let one = Header::new(Shape::new(&[2, 2, 2]).unwrap(), Dtype::U8);
        let two = Header::new(Shape::new(&[2, 2, 2, 2]).unwrap(), Dtype::U8);
        for (header, how, what) in [
            (&one, OverTime::Mean, "one volume"),
            (&two, OverTime::Difference { reference: Some(2) }, "volume 2 of 2"),
            (&two, OverTime::Std { ddof: 2 }, "ddof 2"),
        ] {
            let error = Reduction::new(header, how).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
