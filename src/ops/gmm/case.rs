//! What the self-check runs.

use super::{Channel, Model, TOLERANCE, labels, posteriors, run, run_labels, statistics};
use crate::analysis::mixture::{self, Gaussian};
use crate::engine::{Gpu, GpuVolume};
use crate::ops::checks::{Checks, Difference, Sample, VOXELS};
use crate::ops::histogram;
use crate::volume::{Block, Dtype};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    let gpu = checks.gpu;
    for channels in [&[Dtype::U8][..], &[Dtype::F32], &[Dtype::I16, Dtype::F32]] {
        checks.note(format!("{channels:?}"), case(gpu, channels));
    }
    checks.note("against the exact histogram", gmm_exact_case(gpu));
}

/// Noise; floats within four of 0, where the bound of the operation holds, with NaN and infinities among them.
fn near_classes(dtype: Dtype, voxels: usize) -> Vec<u8> {
    if dtype != Dtype::F32 {
        return Sample::Noise.bytes(dtype, voxels);
    }
    let noise = Sample::Noise.bytes(Dtype::U16, voxels);
    let value = |(i, b): (usize, &[u8])| match i % 61 {
        7 => f32::NAN,
        19 => f32::NEG_INFINITY,
        _ => f32::from(i16::from_le_bytes([b[0], b[1]])) / 8192.0,
    };
    noise.chunks_exact(2).enumerate().flat_map(|pair| value(pair).to_le_bytes()).collect()
}

/// Three classes in as many channels as types: counts, sums of responsibilities, and labels but for ties.
fn case(gpu: &Gpu, types: &[Dtype]) -> Difference {
    let bytes: Vec<Vec<u8>> = types.iter().map(|t| near_classes(*t, VOXELS)).collect();
    let blocks: Vec<Block<'_>> = types.iter().zip(&bytes).map(|(t, b)| Block { dtype: *t, bytes: b }).collect();
    let frame = |t: &Dtype| match t {
        Dtype::U8 => Channel::new(127.0, 64.0, true),
        Dtype::I16 => Channel::new(0.0, 16_384.0, true),
        _ => Channel::new(0.0, 1.0, false),
    };
    let channels: Vec<Channel> = types.iter().map(frame).collect();
    let (d, number) = (types.len(), 3);
    let class = |j: usize| {
        let identity = (0..d).flat_map(|a| (0..=a).map(move |b| f64::from(u8::from(a == b)))).collect();
        Gaussian { weight: 1.0 / number as f64, mean: vec![j as f64 - 1.0; d], covariance: identity }
    };
    let classes: Vec<Gaussian> = (0..number).map(class).collect();
    let Ok(model) = Model::new(&channels, &classes) else { unreachable!("these classes are positive definite") };
    let volumes = blocks.iter().map(|b| GpuVolume::upload(gpu, *b)).collect::<Result<Vec<_>, _>>()?;
    let (got, want) = (run(gpu, &volumes, None, &model)?, statistics(&blocks, None, &model));
    let close = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * VOXELS as f64;
    if (got.count, got.not_finite) != (want.count, want.not_finite) {
        return Ok(Err(format!("{} voxels counted instead of {}", got.count, want.count)));
    }
    for (g, w) in got.classes.iter().zip(&want.classes) {
        if !close(g.voxels, w.voxels) {
            return Ok(Err(format!("{} voxels in a class instead of {}", g.voxels, w.voxels)));
        }
    }
    let found = run_labels(gpu, &volumes, None, &model)?.download(gpu)?;
    let (mut want_labels, mut shares) = (vec![0; found.len()], vec![0.0; number * found.len()]);
    labels(&blocks, None, &model, &mut want_labels);
    posteriors(&blocks, None, &model, &mut shares);
    let share = |label: u8, i: usize| if label == 0 { -1.0 } else { shares[(usize::from(label) - 1) * found.len() + i] };
    let apart = |i: &usize| f64::from((share(found[*i], *i) - share(want_labels[*i], *i)).abs()) > 2.0 * TOLERANCE;
    match (0..found.len()).find(|i| found[*i] != want_labels[*i] && apart(i)) {
        Some(at) => Ok(Err(format!("label {} instead of {} at {at}", found[at], want_labels[at]))),
        None => Ok(Ok(())),
    }
}

/// The mixture that fits a histogram best is the one to which an iteration over the voxels leads back; labels agree but for ties.
fn gmm_exact_case(gpu: &Gpu) -> Difference {
    let bytes: Vec<u8> =
        Sample::Noise.bytes(Dtype::U16, 20_014).chunks_exact(4).map(|b| b[0] / 4 + b[1] / 4 + b[2] / 8).collect();
    let block = Block { dtype: Dtype::U8, bytes: &bytes };
    let counts = histogram::cpu(block, None);
    let values: Vec<(f64, u64)> = counts.occupied().map(|(v, n)| (f64::from(v), n)).collect();
    let mixture = match mixture::fit(&values, 1.0, &mixture::FitSettings::classes(2)) {
        Ok(mixture) => mixture,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let frame = Channel { centre: 0.0, scale: 1.0 };
    let classes: Vec<Gaussian> = mixture.components.iter().map(Gaussian::from).collect();
    let Ok(model) = Model::new(&[frame], &classes) else { unreachable!("variances are positive") };
    let volume = [GpuVolume::upload(gpu, block)?];
    let sums = run(gpu, &volume, None, &model)?;
    for ((moments, old), j) in sums.classes.iter().zip(&classes).zip(1..) {
        let Ok(new) = moments.maximise(old, sums.count as f64, &[1.0 / 12.0], (j, 2, 1)) else {
            return Ok(Err(format!("class {j} is empty")));
        };
        let still = |a: f64, b: f64| (a - b).abs() < 1e-4 * old.std(0);
        let weight = (new.weight - old.weight).abs() < 1e-4;
        if !(still(new.mean[0], old.mean[0]) && still(new.std(0), old.std(0)) && weight) {
            return Ok(Err(format!("class {j} moved from {old:?} to {new:?}")));
        }
    }
    let classifier = mixture::Classifier::new(&mixture);
    let found = run_labels(gpu, &volume, None, &model)?.download(gpu)?;
    for (value, label) in bytes.iter().zip(found) {
        let real = f64::from(*value);
        let shares = classifier.posteriors(real);
        if label != classifier.label(real) && (shares[0] - shares[1]).abs() > 2.0 * TOLERANCE {
            return Ok(Err(format!("label {label} instead of {} for {value}", classifier.label(real))));
        }
    }
    Ok(Ok(()))
}
