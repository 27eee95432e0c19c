//! What an image says in each label: every value with how often it occurs, and the places weighed by it.

use std::collections::BTreeMap;

use super::RegionIntensity;
use crate::analysis::exact_sum::ExactSum;
use crate::analysis::regions::{BinWidth, IntensityFeatures};
use crate::analysis::statistics;
use crate::ops::histogram::Tally;
use crate::pipelines::ways::blocks::Blocks;
use crate::pipelines::{Input, Run};
use crate::volume::{Block, Counts, Rescale};
use crate::{Error, Hint, Result};

/// A label of a volume.
type Key = (u64, u16);

/// Looks at an image with labels; `bins` are those of the histogram, none for its values themselves.
pub fn measure(input: &Input<'_>, bins: Option<BinWidth>, run: &Run<'_>) -> Result<BTreeMap<Key, RegionIntensity>> {
    if input.is_exact() { whole_numbers(input, bins, run) } else { floats(input, bins, run) }
}

fn features(values: &[(f64, u64)], bins: Option<BinWidth>) -> Option<IntensityFeatures> {
    let plain = IntensityFeatures::of(values)?;
    Some(bins.map_or(plain, |bins| plain.binned(values, bins)))
}

/// Calls `work` for each run of voxels in a row that share a label other than 0 and a rescale: with their key, number of the rescale, place and bytes.
fn each_run(input: &Input<'_>, (at, mask, bytes): (u64, &[u8], &[u8]), mut work: impl FnMut(Key, usize, [u64; 3], &[u8])) {
    let header = input.header();
    let ([nx, ny, nz], size) = (header.grid.shape.xyz(), header.meaning.dtype.bytes());
    let voxels = (bytes.len() / size) as u64;
    let wide = mask.len() as u64 == 2 * voxels;
    let label = |i: usize| if wide { u16::from_le_bytes([mask[2 * i], mask[2 * i + 1]]) } else { u16::from(mask[i]) };
    input.groups().each(at, voxels, |range, group| {
        let mut start = range.start;
        while start < range.end {
            let place = at + start as u64;
            let row_end = range.end.min(start + (nx - place % nx) as usize);
            let own = label(start);
            let end = (start + 1..row_end).find(|i| label(*i) != own).unwrap_or(row_end);
            if own != 0 {
                let (x, y, z) = (place % nx, place / nx % ny, place / (nx * ny));
                work((z / nz, own), group, [x, y, z % nz], &bytes[start * size..end * size]);
            }
            start = end;
        }
    });
}

/// Of one label and rescale: sums of stored values times places, and of places.
#[derive(Clone, Copy, Default)]
struct PlaceSums {
    weighed: [i128; 3],
    places: [i128; 3],
}

impl PlaceSums {
    fn add(&mut self, other: &Self) {
        self.weighed.iter_mut().zip(other.weighed).for_each(|(all, own)| *all += own);
        self.places.iter_mut().zip(other.places).for_each(|(all, own)| *all += own);
    }

    /// The sum of real values times places.
    fn real(&self, rescale: Rescale, axis: usize) -> f64 {
        rescale.slope * self.weighed[axis] as f64 + rescale.intercept * self.places[axis] as f64
    }
}

fn whole_numbers(input: &Input<'_>, bins: Option<BinWidth>, run: &Run<'_>) -> Result<BTreeMap<Key, RegionIntensity>> {
    let dtype = input.header().meaning.dtype;
    type Sums = BTreeMap<(Key, usize), (Tally, PlaceSums)>;
    let states = Blocks::of(input, run).each(Sums::new, |sums, part| {
        let mask = part.mask.unwrap_or_default();
        each_run(input, (part.at, mask, part.bytes()), |key, group, [x, y, z], bytes| {
            let (tally, own) = sums.entry((key, group)).or_insert_with(|| (Tally::exact(dtype), PlaceSums::default()));
            tally.add(Block { dtype, bytes }, None);
            let (mut sum, mut along) = (0i64, 0i64);
            for (i, stored) in bytes.chunks_exact(dtype.bytes()).enumerate() {
                let stored = dtype.decode(stored) as i64;
                sum += stored;
                along += stored * i as i64;
            }
            let [x, y, z, sum] = [x as i128, y as i128, z as i128, i128::from(sum)];
            let n = (bytes.len() / dtype.bytes()) as i128;
            let weighed = [sum * x + i128::from(along), sum * y, sum * z];
            own.add(&PlaceSums { weighed, places: [n * x + n * (n - 1) / 2, n * y, n * z] });
        });
        Ok(())
    })?;
    let mut merged: BTreeMap<(Key, usize), (Counts, PlaceSums)> = BTreeMap::new();
    for (key, (tally, own)) in states.into_iter().flatten() {
        let counts = tally.finish();
        match merged.get_mut(&key) {
            Some((all, sums)) => {
                all.merge(&counts);
                sums.add(&own);
            }
            None => {
                merged.insert(key, (counts, own));
            }
        }
    }
    let rescales = &input.groups().rescales;
    let mut by_label: BTreeMap<Key, Vec<(Rescale, Counts, PlaceSums)>> = BTreeMap::new();
    for ((key, group), (counts, sums)) in merged {
        by_label.entry(key).or_default().push((rescales[group], counts, sums));
    }
    let of = |(key, groups): (Key, Vec<(Rescale, Counts, PlaceSums)>)| {
        let pairs: Vec<(Rescale, &Counts)> = groups.iter().map(|(rescale, counts, _)| (*rescale, counts)).collect();
        let features = features(&statistics::distribution(&pairs), bins)?;
        let total: f64 = pairs.iter().map(|(rescale, counts)| real_sum(*rescale, counts)).sum();
        let along = |axis: usize| groups.iter().map(|(rescale, _, sums)| sums.real(*rescale, axis)).sum::<f64>() / total;
        let centre = (total > 0.0).then(|| [0, 1, 2].map(along));
        Some((key, RegionIntensity { features, centre, not_finite: 0 }))
    };
    Ok(by_label.into_iter().filter_map(of).collect())
}

fn real_sum(rescale: Rescale, counts: &Counts) -> f64 {
    let sum: i128 = counts.occupied().map(|(value, n)| i128::from(value) * i128::from(n)).sum();
    rescale.slope * sum as f64 + rescale.intercept * counts.total() as f64
}

/// Of one label: real values, and sums of them times places.
#[derive(Default)]
struct FloatSums {
    values: Vec<f64>,
    weighed: [ExactSum; 3],
    not_finite: u64,
}

fn floats(input: &Input<'_>, bins: Option<BinWidth>, run: &Run<'_>) -> Result<BTreeMap<Key, RegionIntensity>> {
    let dtype = input.header().meaning.dtype;
    let rescales = &input.groups().rescales;
    let most = run.memory_bytes / 4 / rayon::current_num_threads() as u64 / size_of::<f64>() as u64;
    type Sums = (u64, BTreeMap<Key, FloatSums>);
    let states = Blocks::of(input, run).each(Sums::default, |(held, sums), part| {
        let mask = part.mask.unwrap_or_default();
        each_run(input, (part.at, mask, part.bytes()), |key, group, [x, y, z], bytes| {
            let own = sums.entry(key).or_default();
            for (i, stored) in bytes.chunks_exact(dtype.bytes()).enumerate() {
                let real = rescales[group].real(dtype.decode(stored));
                if !real.is_finite() {
                    own.not_finite += 1;
                    continue;
                }
                own.values.push(real);
                let place = [x + i as u64, y, z];
                own.weighed.iter_mut().zip(place).for_each(|(sum, at)| sum.add(real * at as f64));
            }
            *held += (bytes.len() / dtype.bytes()) as u64;
        });
        if *held > most {
            let what = "regions of real numbers whose values are held all at once";
            return Err(Error::usage(what, Hint::MoreMemory));
        }
        Ok(())
    })?;
    let mut merged: BTreeMap<Key, FloatSums> = BTreeMap::new();
    for (key, mut own) in states.into_iter().flat_map(|(_, sums)| sums) {
        let all = merged.entry(key).or_default();
        all.values.append(&mut own.values);
        all.not_finite += own.not_finite;
        all.weighed.iter_mut().zip(&own.weighed).for_each(|(all, own)| all.merge(own));
    }
    let of = |(key, mut own): (Key, FloatSums)| {
        own.values.sort_unstable_by(f64::total_cmp);
        let counted: Vec<(f64, u64)> = own.values.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
        let features = features(&counted, bins)?;
        let mut total = ExactSum::default();
        own.values.iter().for_each(|value| total.add(*value));
        let total = total.value();
        let centre = (total > 0.0).then(|| own.weighed.each_ref().map(|sum| sum.value() / total));
        Some((key, RegionIntensity { features, centre, not_finite: own.not_finite }))
    };
    Ok(merged.into_iter().filter_map(of).collect())
}
