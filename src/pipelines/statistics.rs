//! Statistics of true floats and of wide integers: exact minimum, maximum, median and percentiles by radix counting over keys
//! that sort as the values do; mean and variance from exact sums. The same bits at any block size and number of threads.
//!
//! Bounded by reading: two passes over 32-bit values, four over 64-bit ones. There is no kernel for it; WGSL has neither f64 nor u64.

use super::counted::one_rescale;
use super::ways::blocks::Blocks;
use super::{Input, Run};
use crate::Result;
use crate::analysis::exact_sum::ExactSum;
use crate::analysis::statistics::{PERCENTILES, Statistics, interpolated};
use crate::volume::{Dtype, Rescale};

/// Statistics of voxels without a histogram, in real units, with what was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatStatistics {
    /// Of the finite values; none if there are none. The entropy is not defined for these.
    pub statistics: Option<Statistics>,
    /// NaN voxels.
    pub nan: u64,
    /// Infinite voxels.
    pub infinite: u64,
}

const DIGIT_BITS: u32 = 16;
const DIGITS: usize = 1 << DIGIT_BITS;

/// Statistics of the finite voxels, of those that a mask selects and whose real value lies in `range`. Who looks on sees the first pass.
///
/// # Errors
/// What reading gives, or [`crate::Error::Interrupted`].
pub fn float_statistics(input: &Input<'_>, range: Option<(f64, f64)>, run: &Run<'_>) -> Result<FloatStatistics> {
    let header = input.header();
    let rescale = one_rescale(header)?;
    let reader = ValueReader { dtype: header.meaning.dtype, rescale, range };
    let levels = key_bits(header.meaning.dtype) / DIGIT_BITS;
    // One pass for each digit.
    let run = &run.one_of(u64::from(levels));

    let first = Blocks::of(input, run)
        .each(First::default, |state: &mut First, part| {
            reader.each(part.bytes(), part.mask, |value| state.add(reader.dtype, value));
            Ok(())
        })?
        .into_iter()
        .reduce(First::merged)
        .unwrap_or_default();
    let none = FloatStatistics { statistics: None, nan: first.nan, infinite: first.infinite };
    if first.count == 0 {
        return Ok(none);
    }
    let count = first.count;
    let stored_mean = first.sum.value() / count as f64;

    // All ranks that the percentiles need, each with the digits of its key found so far.
    let mut percents: Vec<f64> = PERCENTILES.iter().map(|p| f64::from(*p)).collect();
    percents.push(50.0);
    let mut ranks: Vec<Rank> = Vec::new();
    for p in &percents {
        // A negative slope turns the order round; both neighbours of either place are found.
        for p in [*p, 100.0 - *p] {
            let place = ((count - 1) as f64 * p / 100.0).floor() as u64;
            ranks.extend([place, (place + 1).min(count - 1)].map(|rank| Rank { rank, left: rank, prefix: 0 }));
        }
    }
    ranks.sort_by_key(|r| r.rank);
    ranks.dedup_by_key(|r| r.rank);
    for rank in &mut ranks {
        rank.descend(&first.top);
    }
    let mut squares = ExactSum::default();
    for level in 1..levels {
        let mut prefixes: Vec<u64> = ranks.iter().map(|r| r.prefix).collect();
        prefixes.dedup();
        let shift = key_bits(header.meaning.dtype) - DIGIT_BITS * (level + 1);
        // Most values are ruled out by their first digit; at the first level it says which prefix they have, too.
        let mut places = vec![u16::MAX; DIGITS];
        for (i, prefix) in prefixes.iter().enumerate() {
            places[(prefix >> (DIGIT_BITS * (level - 1))) as usize] = i as u16;
        }
        let place_of = |prefix: u64| match places[(prefix >> (DIGIT_BITS * (level - 1))) as usize] {
            u16::MAX => None,
            place if level == 1 => Some(usize::from(place)),
            _ => prefixes.binary_search(&prefix).ok(),
        };
        let passes = Blocks::of(&input.clone().observed(None), run).each(
            || (vec![0u64; prefixes.len() * DIGITS], ExactSum::default()),
            |(digits, squares), part| {
                reader.each(part.bytes(), part.mask, |value| {
                    if !value.number.is_finite() {
                        return;
                    }
                    let key = value.key >> shift;
                    if let Some(i) = place_of(key >> DIGIT_BITS) {
                        digits[i * DIGITS + (key as usize & (DIGITS - 1))] += 1;
                    }
                    if level == 1 {
                        let distance = value.number - stored_mean;
                        squares.add(distance * distance);
                    }
                });
                Ok(())
            },
        )?;
        let mut digits = vec![0u64; prefixes.len() * DIGITS];
        for (part, part_squares) in passes {
            digits.iter_mut().zip(part).for_each(|(sum, n)| *sum += n);
            squares.merge(&part_squares);
        }
        for rank in &mut ranks {
            let i = prefixes.partition_point(|p| *p < rank.prefix);
            rank.descend(&digits[i * DIGITS..(i + 1) * DIGITS]);
        }
    }

    let at_rank = |rank: u64| {
        let found = ranks.partition_point(|r| r.rank < rank);
        value_of(header.meaning.dtype, ranks[found.min(ranks.len() - 1)].prefix)
    };
    // In ascending order of real values.
    let real_at = |rank: u64| rescale.real(if rescale.slope < 0.0 { at_rank(count - 1 - rank) } else { at_rank(rank) });
    let percentile = |p: f64| interpolated(count, p, real_at);
    let variance = squares.value() / count as f64 * rescale.slope * rescale.slope;
    let ends = [rescale.real(first.min), rescale.real(first.max)];
    let statistics = Some(Statistics {
        count,
        min: ends[0].min(ends[1]),
        max: ends[0].max(ends[1]),
        mean: rescale.real(stored_mean),
        median: percentile(50.0),
        variance,
        std: variance.sqrt(),
        percentiles: PERCENTILES.map(|p| percentile(f64::from(p))),
        entropy_bits: None,
    });
    Ok(FloatStatistics { statistics, ..none })
}

struct ValueReader {
    dtype: Dtype,
    rescale: Rescale,
    range: Option<(f64, f64)>,
}

#[derive(Clone, Copy)]
struct StoredValue {
    number: f64,
    key: u64,
}

impl ValueReader {
    /// The types that are common get a loop of their own.
    fn each(&self, bytes: &[u8], mask: Option<&[u8]>, take: impl FnMut(StoredValue)) {
        match self.dtype {
            Dtype::F32 => {
                let value = |b: &[u8; 4]| StoredValue {
                    number: f64::from(f32::from_le_bytes(*b)),
                    key: float_key(u64::from(u32::from_le_bytes(*b)), 32),
                };
                self.selected(bytes.as_chunks().0.iter().map(value), mask, take);
            }
            Dtype::F64 => {
                let value =
                    |b: &[u8; 8]| StoredValue { number: f64::from_le_bytes(*b), key: float_key(u64::from_le_bytes(*b), 64) };
                self.selected(bytes.as_chunks().0.iter().map(value), mask, take);
            }
            dtype => {
                let value = |one| StoredValue { number: dtype.decode(one), key: key_of(dtype, one) };
                self.selected(bytes.chunks_exact(dtype.bytes()).map(value), mask, take);
            }
        }
    }

    #[inline]
    fn selected(&self, values: impl Iterator<Item = StoredValue>, mask: Option<&[u8]>, mut take: impl FnMut(StoredValue)) {
        for (i, value) in values.enumerate() {
            if mask.is_some_and(|m| m[i] == 0) {
                continue;
            }
            if self.range.is_some_and(|(low, high)| !(low..=high).contains(&self.rescale.real(value.number))) {
                continue;
            }
            take(value);
        }
    }
}

/// What the first pass finds.
struct First {
    count: u64,
    nan: u64,
    infinite: u64,
    min: f64,
    max: f64,
    sum: ExactSum,
    top: Vec<u64>,
}

impl Default for First {
    fn default() -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { count: 0, nan: 0, infinite: 0, min, max, sum: ExactSum::default(), top: vec![0; DIGITS] }
    }
}

impl First {
    fn add(&mut self, dtype: Dtype, value: StoredValue) {
        if !value.number.is_finite() {
            self.nan += u64::from(value.number.is_nan());
            self.infinite += u64::from(value.number.is_infinite());
        } else {
            self.count += 1;
            self.min = if value.number < self.min { value.number } else { self.min };
            self.max = if value.number > self.max { value.number } else { self.max };
            self.sum.add(value.number);
            self.top[(value.key >> (key_bits(dtype) - DIGIT_BITS)) as usize] += 1;
        }
    }

    fn merged(mut self, other: Self) -> Self {
        self.count += other.count;
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum.merge(&other.sum);
        self.top.iter_mut().zip(other.top).for_each(|(a, b)| *a += b);
        self
    }
}

/// A rank on its way to its value.
struct Rank {
    rank: u64,
    /// The rank among the values that share `prefix`.
    left: u64,
    /// The leading digits of the key.
    prefix: u64,
}

impl Rank {
    /// Takes the next digit from how many values of this prefix have each digit.
    fn descend(&mut self, digits: &[u64]) {
        for (digit, n) in digits.iter().enumerate() {
            if self.left < *n {
                self.prefix = self.prefix << DIGIT_BITS | digit as u64;
                return;
            }
            self.left -= n;
        }
    }
}

fn key_bits(dtype: Dtype) -> u32 {
    (8 * dtype.bytes() as u32).max(2 * DIGIT_BITS)
}

/// A key that sorts as the value does; -0 and +0 are one. Types below 32 bits are widened.
fn key_of(dtype: Dtype, bytes: &[u8]) -> u64 {
    match dtype {
        Dtype::F64 => float_key(u64::from_le_bytes(bytes.try_into().unwrap_or_default()), 64),
        Dtype::F32 => float_key(u64::from(u32::from_le_bytes(bytes.try_into().unwrap_or_default())), 32),
        Dtype::U64 => u64::from_le_bytes(bytes.try_into().unwrap_or_default()),
        Dtype::I64 => u64::from_le_bytes(bytes.try_into().unwrap_or_default()) ^ 1 << 63,
        Dtype::U32 | Dtype::U16 | Dtype::U8 => dtype.decode(bytes) as u64,
        Dtype::I32 | Dtype::I16 | Dtype::I8 => u64::from(dtype.decode(bytes) as i32 as u32 ^ 1 << 31),
    }
}

fn value_of(dtype: Dtype, key: u64) -> f64 {
    match dtype {
        Dtype::F64 => f64::from_bits(float_bits(key, 64)),
        Dtype::F32 => f64::from(f32::from_bits(float_bits(key, 32) as u32)),
        Dtype::U64 => key as f64,
        Dtype::I64 => (key ^ 1 << 63) as i64 as f64,
        Dtype::U32 | Dtype::U16 | Dtype::U8 => key as f64,
        Dtype::I32 | Dtype::I16 | Dtype::I8 => f64::from((key as u32 ^ 1 << 31) as i32),
    }
}

fn float_key(bits: u64, width: u32) -> u64 {
    let sign = 1u64 << (width - 1);
    let all = u64::MAX >> (64 - width);
    if bits & !sign == 0 {
        sign
    } else if bits & sign != 0 {
        !bits & all
    } else {
        bits | sign
    }
}

fn float_bits(key: u64, width: u32) -> u64 {
    let sign = 1u64 << (width - 1);
    let all = u64::MAX >> (64 - width);
    if key & sign != 0 { key & !sign } else { !key & all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::noise;
    use std::sync::Arc;

    use crate::pipelines::Device;
    use crate::volume::{Header, Rescales, Shape, Volume};

    fn volume(dtype: Dtype, bytes: Vec<u8>, rescale: Rescale) -> Volume {
        let mut header = Header::new(Shape::new(&[(bytes.len() / dtype.bytes()) as u64]).unwrap(), dtype);
        header.meaning.rescale = Rescales::Uniform(rescale);
        Volume::new(header, bytes).unwrap()
    }

    fn of(v: &Volume, range: Option<(f64, f64)>) -> FloatStatistics {
        float_statistics(&Input::of(Arc::new(v.clone())), range, &Run::silent(&Device::cpu())).unwrap()
    }

    /// The oracle: sort everything.
    fn check(values: &[f64], rescale: Rescale, got: &Statistics) {
        let mut real: Vec<f64> = values.iter().map(|v| rescale.real(*v)).collect();
        real.sort_by(f64::total_cmp);
        let n = real.len();
        let mean = real.iter().sum::<f64>() / n as f64;
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1e-300);
        assert_eq!((got.count, got.min, got.max), (n as u64, real[0], real[n - 1]));
        assert!(close(got.mean, mean), "{} {mean}", got.mean);
        assert_eq!(got.median, interpolated(n as u64, 50.0, |r| real[r as usize]));
        for (p, value) in PERCENTILES.iter().zip(got.percentiles) {
            assert_eq!(value, interpolated(n as u64, f64::from(*p), |r| real[r as usize]), "percentile {p}");
        }
        assert!(close(got.variance, real.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64));
    }

    #[test]
    fn percentiles_of_floats_are_those_of_the_sorted_values() {
        for rescale in [Rescale::IDENTITY, Rescale { slope: -0.5, intercept: 3.0 }] {
            let f32s: Vec<f32> = (0..5003).map(|i| (noise(i) as i32) as f32 * 1e-3).collect();
            let v = volume(Dtype::F32, bytemuck::cast_slice(&f32s).to_vec(), rescale);
            check(&f32s.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), rescale, &of(&v, None).statistics.unwrap());
            let f64s: Vec<f64> = (0..4999).map(|i| (noise(i) as i64) as f64 * 1e-7).collect();
            let v = volume(Dtype::F64, bytemuck::cast_slice(&f64s).to_vec(), rescale);
            check(&f64s, rescale, &of(&v, None).statistics.unwrap());
            let i32s: Vec<i32> = (0..777).map(|i| noise(i) as i32).collect();
            let v = volume(Dtype::I32, bytemuck::cast_slice(&i32s).to_vec(), rescale);
            check(&i32s.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), rescale, &of(&v, None).statistics.unwrap());
        }
    }

    #[test]
    fn nan_and_infinities_are_counted_apart_and_zeros_are_one() {
        let values = [f32::NAN, 1.5, f32::INFINITY, -0.0, 0.0, f32::NEG_INFINITY, -2.5];
        let s = of(&volume(Dtype::F32, bytemuck::cast_slice(&values).to_vec(), Rescale::IDENTITY), None);
        assert_eq!((s.nan, s.infinite), (1, 2));
        let s = s.statistics.unwrap();
        assert_eq!((s.count, s.min, s.max, s.median, s.mean), (4, -2.5, 1.5, 0.0, -0.25));
        let nan = of(&volume(Dtype::F32, bytemuck::cast_slice(&[f32::NAN; 5]).to_vec(), Rescale::IDENTITY), None);
        assert_eq!((nan.statistics, nan.nan), (None, 5));
    }

    #[test]
    fn a_range_selects_real_values() {
        let values: Vec<f32> = (0..100).map(|i| i as f32 + 0.5).collect();
        let v = volume(Dtype::F32, bytemuck::cast_slice(&values).to_vec(), Rescale { slope: 2.0, intercept: 0.0 });
        let s = of(&v, Some((10.0, 21.0))).statistics.unwrap();
        assert_eq!((s.count, s.min, s.max), (6, 11.0, 21.0));
    }
}
