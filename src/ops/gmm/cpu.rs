//! The E-step on one thread of the CPU, in tiles that stay in its first cache, written so that compilers vectorise it.

use super::model::{Model, Sums};
use crate::analysis::mixture::MOST_CLASSES;
use crate::volume::{Block, Dtype};

/// Voxels in a tile.
const TILE: usize = 256;
/// Sums in f32 run over every so manieth voxel of a tile: 32 terms.
const LANES: usize = 8;
/// e^-87 is the smallest that f32 holds with all its digits.
const LEAST: f32 = -87.0;

type Lane = [f32; TILE];

/// The sums of the M-step over the voxels of a block, given as one block for each channel.
///
/// # Panics
/// If the blocks or the mask have different lengths, or the model another number of channels.
pub fn statistics(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model) -> Sums {
    let mut sums = Sums::none(model.channels(), model.classes());
    let mut tile = Tile::new();
    tile.each(channels, mask, model, |tile, _| {
        tile.respond(model);
        sums.log_likelihood += total(|i| tile.likelihood[i] * tile.counted[i]);
        for (j, moments) in sums.classes.iter_mut().enumerate() {
            let (_, mean, _) = model.class(j);
            let share = &mut tile.density[j];
            share.iter_mut().zip(&tile.counted).for_each(|(s, c)| *s *= c);
            moments.voxels += total(|i| share[i]);
            for a in 0..mean.len() {
                let distance = |i: usize| tile.value[a][i] - mean[a];
                moments.first[a] += total(|i| share[i] * distance(i));
                for (b, middle) in mean.iter().enumerate().take(a + 1) {
                    let second = &mut moments.second[a * (a + 1) / 2 + b];
                    *second += total(|i| share[i] * distance(i) * (tile.value[b][i] - middle));
                }
            }
        }
    });
    (sums.count, sums.not_finite) = (tile.count, tile.not_finite);
    sums
}

/// The most likely class of each voxel, from 1; 0 where the mask is 0 and for voxels that are not finite.
///
/// # Panics
/// As [`statistics`]; also if `out` has another length.
pub fn labels(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, out: &mut [u8]) {
    assert_eq!(out.len(), channels[0].len(), "an output of another length");
    Tile::new().each(channels, mask, model, |tile, at| {
        tile.densities(model);
        let mut best = tile.density[0];
        let mut found = [1.0f32; TILE];
        for j in 1..model.classes() {
            for i in 0..TILE {
                let better = tile.density[j][i] > best[i];
                best[i] = if better { tile.density[j][i] } else { best[i] };
                found[i] = if better { (j + 1) as f32 } else { found[i] };
            }
        }
        for (i, label) in out[at..].iter_mut().take(TILE).enumerate() {
            *label = (found[i] * tile.counted[i]) as u8;
        }
    });
}

/// The posteriors of all classes: those of class j from `j · voxels` on. 0 where the label is 0.
///
/// # Panics
/// As [`statistics`]; also if `out` does not hold voxels times classes.
pub fn posteriors(channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, out: &mut [f32]) {
    let voxels = channels[0].len();
    assert_eq!(out.len(), voxels * model.classes(), "an output of another length");
    Tile::new().each(channels, mask, model, |tile, at| {
        tile.respond(model);
        let here = TILE.min(voxels - at);
        for j in 0..model.classes() {
            for (i, posterior) in out[j * voxels + at..][..here].iter_mut().enumerate() {
                *posterior = tile.density[j][i] * tile.counted[i];
            }
        }
    });
}

struct Tile {
    value: [Lane; super::MOST_CHANNELS],
    /// 1 for voxels that take part, else 0.
    counted: Lane,
    /// ln densities, then responsibilities.
    density: [Lane; MOST_CLASSES],
    likelihood: Lane,
    count: u64,
    not_finite: u64,
}

impl Tile {
    fn new() -> Box<Self> {
        let zero = [0.0; TILE];
        Box::new(Self {
            value: [zero; super::MOST_CHANNELS],
            counted: zero,
            density: [zero; MOST_CLASSES],
            likelihood: zero,
            count: 0,
            not_finite: 0,
        })
    }

    /// Loads tile after tile and hands each to `work` with its first voxel.
    fn each(&mut self, channels: &[Block<'_>], mask: Option<&[u8]>, model: &Model, mut work: impl FnMut(&mut Self, usize)) {
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
            let inside = self.counted.iter().sum::<f32>() as u64;
            for (c, block) in channels.iter().enumerate() {
                let size = block.dtype.bytes();
                self.load(c, block.dtype, &block.bytes[at * size..(at + here) * size], model);
            }
            let counted = self.counted.iter().sum::<f32>() as u64;
            self.count += counted;
            self.not_finite += inside - counted;
            work(self, at);
        }
    }

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

    /// ln of each class's weighted density.
    fn densities(&mut self, model: &Model) {
        for j in 0..model.classes() {
            let (offset, mean, rows) = model.class(j);
            let density = &mut self.density[j];
            if let ([mean], [row], [value, ..]) = (mean, rows, &self.value) {
                for (d, x) in density.iter_mut().zip(value) {
                    let distance = row * (x - mean);
                    *d = offset - 0.5 * (distance * distance);
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
            density.iter_mut().zip(&squares).for_each(|(d, s)| *d = offset - 0.5 * s);
        }
    }

    /// Responsibilities, and ln of the mixture's density.
    fn respond(&mut self, model: &Model) {
        self.densities(model);
        let classes = &mut self.density[..model.classes()];
        let mut most = classes[0];
        for class in &classes[1..] {
            most.iter_mut().zip(class).for_each(|(m, d)| *m = if *d > *m { *d } else { *m });
        }
        let mut total = [0.0; TILE];
        for class in classes.iter_mut() {
            for i in 0..TILE {
                class[i] = exp(class[i] - most[i]);
                total[i] += class[i];
            }
        }
        for i in 0..TILE {
            self.likelihood[i] = most[i] + ln(total[i]);
            total[i] = 1.0 / total[i];
        }
        for class in classes {
            class.iter_mut().zip(&total).for_each(|(c, t)| *c *= t);
        }
    }
}

/// The sum over a tile: few terms in f32, then f64, always in one order.
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

/// e^x for x ≤ 0 to within 2 · 10⁻⁷ of itself; what is below e^-87 becomes that. x = n ln 2 + f with |f| ≤ ln 2 / 2, the Taylor polynomial of
/// degree 7 for e^f, and n added to the exponent. No branches, so that it vectorises.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = if x > LEAST { x } else { LEAST };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    // ln 2 in two parts, the first with so few digits that its product with n is exact.
    let f = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.0 / 5040.0;
    let p = p * f + 1.0 / 720.0;
    let p = p * f + 1.0 / 120.0;
    let p = p * f + 1.0 / 24.0;
    let p = p * f + 1.0 / 6.0;
    let p = p * f + 0.5;
    let p = p * f + 1.0;
    let p = p * f + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// ln x for 1 ≤ x ≤ 8 to within 3 · 10⁻⁷: x = 2ⁿ (1 + t) / (1 - t) with |t| ≤ 0.172, and ln ((1 + t) / (1 - t)) = 2 artanh t by its series.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // The exponent counted from √½, so that 1 ± t lies around 1.
    let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
    let n = (bits as i32 >> 23) as f32;
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let t = (m - 1.0) / (m + 1.0);
    let s = t * t;
    let series = 1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0))));
    n * std::f32::consts::LN_2 + 2.0 * t * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_are_as_good_as_they_say() {
        for i in 0..200_000 {
            let x = -87.0 * i as f32 / 200_000.0;
            let want = f64::from(x).exp();
            assert!((f64::from(exp(x)) - want).abs() <= 2e-7 * want, "exp {x}: {} {want}", exp(x));
            let x = 1.0 + 7.0 * i as f32 / 200_000.0;
            assert!((f64::from(ln(x)) - f64::from(x).ln()).abs() <= 3e-7, "ln {x}");
        }
        assert_eq!((exp(0.0), ln(1.0)), (1.0, 0.0));
        assert!(exp(-1e30) > 0.0 && exp(-1e30) < 2e-38 && exp(f32::NEG_INFINITY) < 2e-38);
    }
}
