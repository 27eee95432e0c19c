//! CPU and GPU against a plain loop in f64.

use super::*;
use crate::analysis::mixture::{Cholesky, Gaussian, LN_2PI};
use crate::engine::{CHUNK_VOXELS, Gpu, GpuVolume, Options};
use crate::ops::testing::{Content, SIZES, gpu, noise};
use crate::volume::{Block, Dtype};

const TYPES: [Dtype; 5] = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16, Dtype::F32];

/// Voxels near a few classes, of any type: sums of noise, so that all densities occur; f32 with NaN, infinities and denormals.
fn voxels(dtype: Dtype, voxels: usize, seed: u64) -> Vec<u8> {
    let bell = |i: u64| (0..4).map(|t| (noise(seed * 7919 + 4 * i + t) % 1000) as f64 / 1000.0).sum::<f64>() - 2.0;
    let value = |i: u64| bell(i) * 12.0 + [40.0, 75.0, 100.0][(noise(seed + i) % 3) as usize];
    (0..voxels as u64)
        .flat_map(|i| {
            let x = value(i);
            let bytes = match dtype {
                Dtype::U8 | Dtype::I8 => u32::from(x as u8),
                Dtype::U16 => u32::from((x * 600.0) as u16),
                Dtype::I16 => u32::from((x * 300.0 - 20_000.0) as i16 as u16),
                _ => match i % 61 {
                    7 => f32::NAN.to_bits(),
                    19 => f32::INFINITY.to_bits(),
                    23 => 0xff80_0000,
                    29 => 0x7f80_0001,
                    31 => 1,
                    _ => ((x * 0.01) as f32).to_bits(),
                },
            };
            bytes.to_le_bytes().into_iter().take(dtype.bytes())
        })
        .collect()
}

fn frame(dtype: Dtype) -> Channel {
    match dtype {
        Dtype::U8 | Dtype::I8 => Channel::new(71.7, 27.0, true),
        Dtype::U16 => Channel::new(43_000.0, 16_000.0, true),
        Dtype::I16 => Channel::new(1500.0, 8000.0, true),
        _ => Channel::new(0.717, 0.27, false),
    }
}

/// Classes around -1, 0 and 1 in every channel, with covariances of all signs.
fn classes(channels: usize, number: usize) -> Vec<Gaussian> {
    (0..number)
        .map(|j| {
            let mean = (0..channels).map(|c| -1.1 + 2.2 * j as f64 / number as f64 + 0.1 * c as f64).collect();
            let spread = 0.15 + 0.05 * j as f64;
            let mut covariance = Vec::new();
            for a in 0..channels {
                for b in 0..=a {
                    let sign = if (a + b + j) % 2 == 0 { 1.0 } else { -1.0 };
                    covariance.push(if a == b { spread } else { sign * spread * 0.2 });
                }
            }
            Gaussian { weight: (1.0 + j as f64) / (number * (number + 1) / 2) as f64, mean, covariance }
        })
        .collect()
}

/// What is true: f64, from the stored values and the exact model.
struct Oracle {
    posteriors: Vec<Vec<f64>>,
    /// Squared distance from the nearest class.
    nearest: Vec<f64>,
    labels: Vec<u8>,
    sums: Sums,
}

fn oracle(blocks: &[Block<'_>], mask: Option<&[u8]>, channels: &[Channel], classes: &[Gaussian]) -> Oracle {
    let d = channels.len();
    let factors: Vec<Cholesky> = classes.iter().map(|c| Cholesky::new(&c.covariance, d).unwrap()).collect();
    let n = blocks[0].len();
    let mut all = Oracle { posteriors: vec![], nearest: vec![], labels: vec![], sums: Sums::none(d, classes.len()) };
    for i in 0..n {
        let stored: Vec<f64> =
            blocks.iter().map(|b| b.dtype.decode(&b.bytes[i * b.dtype.bytes()..][..b.dtype.bytes()])).collect();
        let inside = mask.is_none_or(|m| m[i] != 0);
        let finite = stored.iter().all(|v| v.is_finite());
        if !inside || !finite {
            all.sums.not_finite += u64::from(inside);
            all.posteriors.push(vec![0.0; classes.len()]);
            all.labels.push(0);
            all.nearest.push(0.0);
            continue;
        }
        let x: Vec<f64> = stored.iter().zip(channels).map(|(v, c)| (v - f64::from(c.centre)) * f64::from(c.scale)).collect();
        let mut nearest = f64::INFINITY;
        let log: Vec<f64> = classes
            .iter()
            .zip(&factors)
            .map(|(c, f)| {
                let square: f64 = (0..d)
                    .map(|a| (0..=a).map(|b| f.inverse[a * (a + 1) / 2 + b] * (x[b] - c.mean[b])).sum::<f64>().powi(2))
                    .sum();
                nearest = nearest.min(square);
                c.weight.ln() - 0.5 * (f.log_determinant + d as f64 * LN_2PI + square)
            })
            .collect();
        let most = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = log.iter().map(|l| (l - most).exp()).sum();
        let shares: Vec<f64> = log.iter().map(|l| (l - most).exp() / total).collect();
        all.labels.push(1 + log.iter().position(|l| *l == most).unwrap() as u8);
        all.sums.count += 1;
        all.sums.log_likelihood += most + total.ln();
        for ((m, c), r) in all.sums.classes.iter_mut().zip(classes).zip(&shares) {
            m.voxels += r;
            for a in 0..d {
                m.first[a] += r * (x[a] - c.mean[a]);
                for b in 0..=a {
                    m.second[a * (a + 1) / 2 + b] += r * (x[a] - c.mean[a]) * (x[b] - c.mean[b]);
                }
            }
        }
        all.posteriors.push(shares);
        all.nearest.push(nearest);
    }
    all
}

/// Six standard deviations.
const NEAR: f64 = 36.0;

impl Oracle {
    fn tolerance(&self, voxel: usize) -> f64 {
        TOLERANCE * (self.nearest[voxel] / NEAR).max(1.0)
    }

    #[track_caller]
    fn check_posterior(&self, what: &str, class: usize, got: &[f32]) {
        assert_eq!(got.len(), self.posteriors.len(), "{what}: another length");
        for (i, (got, want)) in got.iter().zip(&self.posteriors).enumerate() {
            let difference = (f64::from(*got) - want[class]).abs();
            assert!(difference <= self.tolerance(i), "{what}: class {class}, voxel {i}: {got} instead of {}", want[class]);
        }
    }

    #[track_caller]
    fn check_labels(&self, what: &str, got: &[u8]) {
        assert_eq!(got.len(), self.labels.len(), "{what}: another length");
        for (i, (got, want)) in got.iter().zip(&self.labels).enumerate() {
            let share = |label: u8| if label == 0 { 0.0 } else { self.posteriors[i][usize::from(label) - 1] };
            let tie = *want > 0 && *got > 0 && (share(*want) - share(*got)).abs() <= 2.0 * self.tolerance(i);
            assert!(got == want || tie, "{what}: voxel {i} has label {got} instead of {want}");
        }
    }

    #[track_caller]
    fn check_sums(&self, what: &str, got: &Sums) {
        let want = &self.sums;
        assert_eq!((got.count, got.not_finite), (want.count, want.not_finite), "{what}: counts");
        let n = (want.count as f64).max(1.0);
        let close = |name: &str, got: f64, want: f64, size: f64| {
            assert!((got - want).abs() <= 4.0 * TOLERANCE * size, "{what}: {name} is {got} instead of {want}");
        };
        close("log-likelihood", got.log_likelihood, want.log_likelihood, n.max(want.log_likelihood.abs()));
        for (g, w) in got.classes.iter().zip(&want.classes) {
            close("voxels", g.voxels, w.voxels, n);
            let size = n.max(w.second.iter().fold(0.0, |m: f64, s| m.max(s.abs())));
            g.first.iter().zip(&w.first).for_each(|(g, w)| close("first", *g, *w, size));
            g.second.iter().zip(&w.second).for_each(|(g, w)| close("second", *g, *w, size));
        }
    }
}

/// One case on the CPU and, if there is one, the GPU.
fn check(what: &str, types: &[Dtype], number: usize, n: usize, masked: bool, on: Option<&Gpu>) {
    let bytes: Vec<Vec<u8>> = types.iter().enumerate().map(|(c, t)| voxels(*t, n, c as u64 + 1)).collect();
    let blocks: Vec<Block<'_>> = types.iter().zip(&bytes).map(|(t, b)| Block { dtype: *t, bytes: b }).collect();
    let mask: Option<Vec<u8>> = masked.then(|| (0..n).map(|i| (noise(i as u64) % 3) as u8 * 90).collect());
    let mask = mask.as_deref();
    let channels: Vec<Channel> = types.iter().map(|t| frame(*t)).collect();
    let classes = classes(types.len(), number);
    let want = oracle(&blocks, mask, &channels, &classes);
    let model = Model::new(&channels, &classes).unwrap();

    let what = format!("{what}: {types:?}, {number} classes, {n} voxels, masked {masked}");
    want.check_sums(&format!("cpu {what}"), &statistics(&blocks, mask, &model));
    let mut found = vec![0xff; n];
    labels(&blocks, mask, &model, &mut found);
    want.check_labels(&format!("cpu {what}"), &found);
    let mut shares = vec![f32::NAN; n * number];
    posteriors(&blocks, mask, &model, &mut shares);
    for (class, share) in shares.chunks_exact(n).enumerate() {
        want.check_posterior(&format!("cpu {what}"), class, share);
    }

    let Some(gpu) = on else { return };
    let on_device: Vec<GpuVolume> = blocks.iter().map(|b| GpuVolume::upload(gpu, *b).unwrap()).collect();
    let mask = mask.map(|m| GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: m }).unwrap());
    let what = format!("gpu {what}");
    want.check_sums(&what, &run(gpu, &on_device, mask.as_ref(), &model).unwrap());
    want.check_labels(&what, &run_labels(gpu, &on_device, mask.as_ref(), &model).unwrap().download(gpu).unwrap());
    let class = number - 1;
    let share = run_posterior(gpu, &on_device, mask.as_ref(), &model, class).unwrap().download(gpu).unwrap();
    want.check_posterior(&what, class, &bytemuck::pod_collect_to_vec::<u8, f32>(&share));
}

#[test]
fn two_voxels_by_hand() {
    // Two equal classes of variance 1 at -1 and 1: at 0 both halves; at 1 the ratio is e².
    let channels = [Channel { centre: 100.0, scale: 0.125 }];
    let class = |mean| Gaussian { weight: 0.5, mean: vec![mean], covariance: vec![1.0] };
    let model = Model::new(&channels, &[class(-1.0), class(1.0)]).unwrap();
    let block = Block { dtype: Dtype::U8, bytes: &[100, 108] };
    let mut shares = [0.0; 4];
    posteriors(&[block], None, &model, &mut shares);
    let high = 1.0 / (1.0 + (-2f32).exp());
    for (got, want) in shares.iter().zip([0.5, 1.0 - high, 0.5, high]) {
        assert!((got - want).abs() < 2e-7, "{shares:?}");
    }
    let mut found = [9; 2];
    labels(&[block], None, &model, &mut found);
    assert_eq!(found, [1, 2], "the lower class wins a tie");
    let sums = statistics(&[block], Some(&[1, 0]), &model);
    assert_eq!((sums.count, sums.classes[0].voxels, sums.classes[0].first[0], sums.classes[1].second[0]), (1, 0.5, 0.5, 0.5));
}

#[test]
fn all_types_and_awkward_sizes_agree_with_f64() {
    let on = gpu();
    for dtype in TYPES {
        for &n in SIZES.iter().filter(|n| matches!(n, 1 | 16 | 257 | 4097)) {
            check("sizes", &[dtype], 3, n, n % 2 == 1, on);
        }
    }
    check("large", &[Dtype::I16], 3, 65_537, true, on);
}

#[test]
fn all_numbers_of_channels_and_classes_agree_with_f64() {
    let on = gpu();
    for number in [1, 2, 5, 8] {
        check("classes", &[Dtype::U8], number, 1031, false, on);
    }
    check("two", &[Dtype::U8, Dtype::I16], 3, 5003, true, on);
    check("three", &[Dtype::F32, Dtype::U16, Dtype::I8], 4, 5003, false, on);
    check("four", &[Dtype::I16, Dtype::F32, Dtype::F32, Dtype::U8], 8, 5003, true, on);
}

#[test]
fn noise_extremes_and_nothing_stay_finite() {
    let channels = [Channel::new(0.0, 1.0, false)];
    let gaussians = classes(1, 3);
    let model = Model::new(&channels, &gaussians).unwrap();
    // Random bits: values up to 1e38, whose squares f32 cannot hold, are as far as f32 goes: the widest class, and no NaN.
    let bytes = Content::Noise.bytes(Dtype::F32, 10_007);
    let block = Block { dtype: Dtype::F32, bytes: &bytes };
    let mut shares = vec![f32::NAN; 3 * 10_007];
    posteriors(&[block], None, &model, &mut shares);
    assert!(shares.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", shares.iter().find(|p| !(0.0..=1.0).contains(*p)));
    let nan = vec![0xff; 400];
    let sums = statistics(&[Block { dtype: Dtype::F32, bytes: &nan }], None, &model);
    assert_eq!((sums.count, sums.not_finite, sums.log_likelihood), (0, 100, 0.0));
    let none = statistics(&[Block { dtype: Dtype::U8, bytes: &[] }], None, &model);
    assert_eq!(none, Sums::none(1, 3));
}

#[test]
fn few_groups_and_chunk_edges_lose_no_voxel() {
    let Some(shared) = gpu() else { return };
    let capped = Gpu::from_device(shared.device().clone(), shared.queue().clone())
        .with_options(Options { max_groups: 1, ..Options::default() });
    check("one group", &[Dtype::U16], 2, 20_011, false, Some(&capped));
    let n = CHUNK_VOXELS as usize + 1;
    let bytes: Vec<u8> = (0..n).map(|i| (i % 251) as u8).collect();
    let block = Block { dtype: Dtype::U8, bytes: &bytes };
    let model = Model::new(&[frame(Dtype::U8)], &classes(1, 2)).unwrap();
    let volume = [GpuVolume::upload(shared, block).unwrap()];
    let (got, want) = (run(shared, &volume, None, &model).unwrap(), statistics(&[block], None, &model));
    assert_eq!(got.count, want.count);
    for (g, w) in got.classes.iter().zip(&want.classes) {
        assert!((g.voxels - w.voxels).abs() <= 4.0 * TOLERANCE * n as f64, "{} {}", g.voxels, w.voxels);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let channel = frame(Dtype::U8);
    assert!(Model::new(&[], &classes(1, 2)).is_err() && Model::new(&[channel; 5], &classes(5, 2)).is_err());
    assert!(Model::new(&[channel], &[]).is_err() && Model::new(&[channel], &classes(2, 2)).is_err());
    let Some(gpu) = gpu() else { return };
    let model = Model::new(&[channel], &classes(1, 2)).unwrap();
    let upload = |bytes: &[u8]| GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes }).unwrap();
    let two = [upload(&[1, 2, 3]), upload(&[1, 2, 3])];
    assert!(run(gpu, &two, None, &model).is_err(), "more channels than the model has");
    assert!(run(gpu, &two[..1], Some(&upload(&[1; 40])), &model).is_err(), "a mask of another length");
    assert!(run_posterior(gpu, &two[..1], None, &model, 2).is_err(), "a class that there is not");
}

#[test]
fn the_self_check_of_this_kernel_passes() {
    let Some(gpu) = gpu() else { return };
    let own: Vec<_> = crate::ops::selfcheck::run(gpu).into_iter().filter(|o| o.kernel == "gmm").collect();
    assert_eq!(own.len(), 4);
    for outcome in own {
        assert!(outcome.failure.is_none(), "{}: {:?}", outcome.case, outcome.failure);
    }
}
