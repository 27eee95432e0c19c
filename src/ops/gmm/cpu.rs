//! The E-step on one thread of the CPU, in tiles that stay in its first cache, written so that compilers vectorise it.

use super::model::{Model, Sums};
use crate::analysis::mixture::MOST_CLASSES;
use crate::volume::{Block, Dtype};

/// Voxels in a tile.
const TILE: usize = 256;
/// Sums in f32 run over every so manieth voxel of a tile: 32 terms.
const LANES: usize = 8;
/// 2^-126 is the smallest number that f32 holds with all its digits.
const LEAST: f32 = -126.0;
/// Below any ln density that f32 holds.
const FAR: f32 = -3e38;

type Lane = [f32; TILE];

/// The sums of the M-step over the voxels of a block, given as one block for each channel.
///
/// # Panics
/// If the blocks or the mask have different lengths, or the model another number of channels.
pub fn statistics(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model) -> Sums {
    let mut sums = Sums::none(model.channels(), model.classes());
    let tile = Batch::of(channels, mask, model, Wanted::Sums(&mut sums));
    (sums.count, sums.not_finite) = (tile.count, tile.not_finite);
    sums
}

/// The most likely class of each voxel, from 1; 0 where the mask is 0 and for voxels that are not finite.
///
/// # Panics
/// As [`statistics`]; also if `out` has another length.
pub fn labels(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, out: &mut [u8]) {
    assert_eq!(out.len(), channels[0].len(), "an output of another length");
    Batch::of(channels, mask, model, Wanted::Labels(out));
}

/// The posteriors of all classes: those of class j from `j · voxels` on. 0 where the label is 0.
///
/// # Panics
/// As [`statistics`]; also if `out` does not hold voxels times classes.
pub fn posteriors(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, out: &mut [f32]) {
    assert_eq!(out.len(), channels[0].len() * model.classes(), "an output of another length");
    Batch::of(channels, mask, model, Wanted::Posteriors(out));
}

/// What is wanted of a block.
enum Wanted<'a> {
    /// Added to these.
    Sums(&'a mut Sums),
    /// One a voxel.
    Labels(&'a mut [u8]),
    /// One a voxel for each class, class after class.
    Posteriors(&'a mut [f32]),
}

struct Batch {
    value: [Lane; super::MOST_CHANNELS],
    /// 1 for voxels that take part, else 0.
    counted: Lane,
    /// log₂ of the densities, then the densities as parts of the largest, then responsibilities.
    density: [Lane; MOST_CLASSES],
    /// log₂ of the largest density.
    most: Lane,
    /// The sum of all densities as parts of the largest; 1 for voxels that do not take part.
    total: Lane,
    /// What makes parts of the largest density responsibilities; 0 for voxels that do not take part.
    scale: Lane,
    count: u64,
    not_finite: u64,
}

impl Batch {
    fn new() -> Box<Self> {
        let zero = [0.0; TILE];
        Box::new(Self {
            value: [zero; super::MOST_CHANNELS],
            counted: zero,
            density: [zero; MOST_CLASSES],
            most: zero,
            total: zero,
            scale: zero,
            count: 0,
            not_finite: 0,
        })
    }

    /// Does the task with the widest vectors that the CPU has: the same operations in the same order, so the same bits.
    fn of(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, task: Wanted<'_>) -> Box<Self> {
        let mut tile = Self::new();
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as just asked.
            unsafe { tile.each_avx2(channels, mask, model, task) };
            return tile;
        }
        tile.each(channels, mask, model, task);
        tile
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn each_avx2(&mut self, channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, task: Wanted<'_>) {
        self.each(channels, mask, model, task);
    }

    /// Loads tile after tile and does the task.
    #[inline(always)]
    fn each(&mut self, channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, mut task: Wanted<'_>) {
        assert_eq!(channels.len(), model.channels(), "a model of another number of channels");
        let voxels = channels[0].len();
        assert!(channels.iter().all(|c| c.len() == voxels), "channels of different lengths");
        assert!(mask.is_none_or(|m| m.len() == voxels), "a mask of another length");
        for at in (0..voxels).step_by(TILE) {
            let here = TILE.min(voxels - at);
            self.counted[..here].fill(1.0);
            self.counted[here..].fill(0.0);
            if let Some(mask) = mask {
                self.counted.iter_mut().zip(&mask[at..at + here]).for_each(|(c, m)| *c = if *m == 0 { 0.0 } else { 1.0 });
            }
            let inside = total(|i| self.counted[i]) as u64;
            for (c, block) in channels.iter().enumerate() {
                let size = block.dtype.bytes();
                self.load(c, block.dtype, &block.bytes[at * size..(at + here) * size], model);
            }
            let counted = total(|i| self.counted[i]) as u64;
            self.count += counted;
            self.not_finite += inside - counted;
            self.densities(model);
            match &mut task {
                Wanted::Labels(out) => self.label(model, &mut out[at..at + here]),
                Wanted::Sums(sums) => {
                    self.respond(model);
                    for class in &mut self.density[..model.classes()] {
                        class.iter_mut().zip(&self.scale).for_each(|(d, s)| *d *= s);
                    }
                    self.add_to(model, sums);
                }
                Wanted::Posteriors(out) => {
                    self.respond(model);
                    for (class, out) in self.density.iter().zip(out.chunks_exact_mut(voxels)) {
                        let shares = class.iter().zip(&self.scale);
                        out[at..at + here].iter_mut().zip(shares).for_each(|(o, (d, s))| *o = d * s);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn load(&mut self, channel: usize, dtype: Dtype, bytes: &[u8], model: &Model) {
        let own = &mut self.value[channel];
        match dtype {
            Dtype::U8 => own.iter_mut().zip(bytes).for_each(|(x, b)| *x = f32::from(*b)),
            Dtype::I8 => own.iter_mut().zip(bytes).for_each(|(x, b)| *x = f32::from(*b as i8)),
            Dtype::U16 => own.iter_mut().zip(bytes.as_chunks().0).for_each(|(x, b)| *x = f32::from(u16::from_le_bytes(*b))),
            Dtype::I16 => own.iter_mut().zip(bytes.as_chunks().0).for_each(|(x, b)| *x = f32::from(i16::from_le_bytes(*b))),
            Dtype::F32 => {
                for ((x, counted), b) in own.iter_mut().zip(&mut self.counted).zip(bytes.as_chunks().0) {
                    let stored = f32::from_le_bytes(*b);
                    *x = if stored.is_finite() { stored } else { 0.0 };
                    *counted = if stored.is_finite() { *counted } else { 0.0 };
                }
            }
            other => panic!("kernels take uint8, int8, uint16, int16 and float32, not {other}"),
        }
        let frame = model.channel(channel);
        own.iter_mut().for_each(|x| *x = (*x - frame.centre) * frame.scale);
    }

    #[inline(always)]
    fn add_to(&self, model: &Model, sums: &mut Sums) {
        sums.log_likelihood += self.log2_likelihood() * std::f64::consts::LN_2;
        for (j, moments) in sums.classes.iter_mut().enumerate() {
            let (_, mean, _) = model.class(j);
            let share = &self.density[j];
            if let [mean] = mean {
                let [voxels, first, second] = moments_of_one(share, &self.value[0], *mean);
                moments.voxels += voxels;
                moments.first[0] += first;
                moments.second[0] += second;
                continue;
            }
            moments.voxels += total(|i| share[i]);
            for a in 0..mean.len() {
                let mut weighted = [0.0; TILE];
                for i in 0..TILE {
                    weighted[i] = share[i] * (self.value[a][i] - mean[a]);
                }
                moments.first[a] += total(|i| weighted[i]);
                let row = &mut moments.second[a * (a + 1) / 2..];
                for (second, (value, mean)) in row.iter_mut().zip(self.value[..=a].iter().zip(mean)) {
                    *second += total(|i| weighted[i] * (value[i] - mean));
                }
            }
        }
    }

    #[inline(always)]
    fn label(&mut self, model: &Model, out: &mut [u8]) {
        let mut best = self.density[0];
        let mut found = [1u32; TILE];
        for (class, number) in self.density[1..model.classes()].iter().zip(2..) {
            for i in 0..TILE {
                let better = class[i] > best[i];
                best[i] = if better { class[i] } else { best[i] };
                found[i] = if better { number } else { found[i] };
            }
        }
        for (i, found) in found.iter_mut().enumerate() {
            *found = if self.counted[i] > 0.0 { *found } else { 0 };
        }
        out.iter_mut().zip(&found).for_each(|(label, found)| *label = *found as u8);
    }

    /// log₂ of each class's weighted density.
    #[inline(always)]
    fn densities(&mut self, model: &Model) {
        use std::f32::consts::LOG2_E;
        for j in 0..model.classes() {
            let (offset, mean, rows) = model.class(j);
            let offset = offset * LOG2_E;
            let density = &mut self.density[j];
            if let ([mean], [row]) = (mean, rows) {
                let row = row * (0.5 * LOG2_E).sqrt();
                for (d, x) in density.iter_mut().zip(&self.value[0]) {
                    let distance = row * (x - mean);
                    *d = offset - distance * distance;
                }
                continue;
            }
            let mut squares = [0.0; TILE];
            for a in 0..mean.len() {
                let row = &rows[a * (a + 1) / 2..];
                let mut distance = [0.0; TILE];
                for (b, value) in self.value[..=a].iter().enumerate() {
                    distance.iter_mut().zip(value).for_each(|(d, x)| *d += row[b] * (x - mean[b]));
                }
                squares.iter_mut().zip(&distance).for_each(|(s, d)| *s += d * d);
            }
            density.iter_mut().zip(&squares).for_each(|(d, s)| *d = offset - 0.5 * LOG2_E * s);
        }
    }

    /// Densities as parts of the largest, their totals and scales. In passes over the tile, each a simple loop.
    #[inline(always)]
    fn respond(&mut self, model: &Model) {
        let Self { density, most, total, scale, counted, .. } = self;
        let density = &mut density[..model.classes()];
        most.fill(FAR);
        for class in density.iter() {
            most.iter_mut().zip(class).for_each(|(m, d)| *m = if *d > *m { *d } else { *m });
        }
        total.fill(0.0);
        for class in density {
            for i in 0..TILE {
                class[i] = exp2(class[i] - most[i]);
                total[i] += class[i];
            }
        }
        for i in 0..TILE {
            scale[i] = counted[i] / total[i];
            total[i] = (total[i] - 1.0) * counted[i] + 1.0;
            most[i] *= counted[i];
        }
    }

    /// The sum of log₂ of the mixture's density. Totals lie between 1 and 8, so that 32 of them can be multiplied before a
    /// logarithm is taken: that is one in 32 voxels, in f64.
    #[inline(always)]
    fn log2_likelihood(&self) -> f64 {
        let mut products = [1.0f32; LANES];
        for totals in self.total.as_chunks::<LANES>().0 {
            products.iter_mut().zip(totals).for_each(|(p, t)| *p *= t);
        }
        total(|i| self.most[i]) + products.iter().map(|p| libm::log2(f64::from(*p))).sum::<f64>()
    }
}

/// The sums of a class of one channel, in one pass.
#[inline(always)]
fn moments_of_one(share: &Lane, value: &Lane, mean: f32) -> [f64; 3] {
    let [mut voxels, mut first, mut second] = [[0.0f32; LANES]; 3];
    let plus = |sum: &mut [f32; LANES], term: [f32; LANES]| sum.iter_mut().zip(term).for_each(|(s, t)| *s += t);
    for (share, value) in share.as_chunks::<LANES>().0.iter().zip(value.as_chunks::<LANES>().0) {
        let distance: [f32; LANES] = std::array::from_fn(|l| value[l] - mean);
        let weighted: [f32; LANES] = std::array::from_fn(|l| share[l] * distance[l]);
        plus(&mut voxels, *share);
        plus(&mut first, weighted);
        plus(&mut second, std::array::from_fn(|l| weighted[l] * distance[l]));
    }
    [voxels, first, second].map(|lanes| lanes.iter().map(|l| f64::from(*l)).sum())
}

/// The sum over a tile: few terms in f32, then f64, always in one order.
#[inline(always)]
fn total(term: impl Fn(usize) -> f32) -> f64 {
    let mut lanes = [0.0f32; LANES];
    for at in (0..TILE).step_by(LANES) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += term(at + l);
        }
    }
    lanes.iter().map(|l| f64::from(*l)).sum()
}

/// 1.5 · 2²³: a small number added to it is rounded to a whole one, which the low bits of the sum then hold.
const ROUNDER: f32 = 12_582_912.0;

/// 2^x for x ≤ 0 to within 2 · 10⁻⁷ of itself; what is below 2^-126, or no number, becomes that. x = n + f with |f| ≤ 1/2; the polynomial of least
/// largest relative error (2 · 10⁻⁹) for 2^f, and n added to the exponent. No branches, so that it vectorises.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    let x = if x > LEAST { x } else { LEAST };
    let shifted = x + ROUNDER;
    let f = x - (shifted - ROUNDER);
    let p = 1.534_581_2e-4;
    let p = p * f + 1.339_993_1e-3;
    let p = p * f + 9.618_489e-3;
    let p = p * f + 5.550_328_6e-2;
    let p = p * f + 0.240_226_46;
    let p = p * f + std::f32::consts::LN_2;
    let p = p * f + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp2_is_as_good_as_it_says() {
        for i in 0..400_000 {
            let x = -126.0 * i as f32 / 400_000.0;
            let want = f64::from(x).exp2();
            assert!((f64::from(exp2(x)) - want).abs() <= 2e-7 * want, "{x}: {} {want}", exp2(x));
        }
        assert_eq!((exp2(0.0), exp2(-1.0), exp2(-126.0)), (1.0, 0.5, f32::MIN_POSITIVE));
        assert_eq!([-1e30, f32::NEG_INFINITY, f32::NAN].map(exp2), [f32::MIN_POSITIVE; 3]);
    }
}
