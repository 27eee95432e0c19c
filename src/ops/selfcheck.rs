//! Does this adapter compute what the CPU computes? Small known cases of every kernel, in well under a second.

use std::sync::Arc;

use super::{equalize, gmm, histogram, lut, mask, pointwise, scan};
use crate::analysis::mixture::{self, Gaussian};
use crate::analysis::pieces::Pieces;
use crate::engine::{Gpu, GpuError, GpuVolume};
use crate::volume::{Block, Dtype, Table};

/// What became of one case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The kernel.
    pub kernel: &'static str,
    /// The case.
    pub case: String,
    /// None if the result was the CPU's, bit for bit or within the kernel's bound; else what differed or failed.
    pub failure: Option<String>,
}

/// Runs all cases. A failing GPU is an outcome, not an error.
pub fn run(gpu: &Gpu) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut check = |kernel, case: String, result: Result<Result<(), String>, GpuError>| {
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(difference)) => Some(difference),
            Err(e) => Some(e.to_string()),
        };
        outcomes.push(Outcome { kernel, case, failure });
    };
    for dtype in [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16] {
        for content in [Content::Noise, Content::MostlyAir] {
            // A prime number of voxels: the last unit is not full.
            let bytes = content.bytes(dtype, 10_007);
            let block = Block { dtype, bytes: &bytes };
            check("histogram", format!("{dtype} {content:?}"), histogram_case(gpu, block, false));
            check("histogram", format!("{dtype} {content:?} masked"), histogram_case(gpu, block, true));
            for to in [Dtype::U8, Dtype::U16, Dtype::I16, Dtype::F32] {
                check("lut", format!("{dtype} {content:?} to {to}"), lut_case(gpu, block, to));
            }
            check("equalize", format!("{dtype} {content:?}"), equalize_case(gpu, block));
            check("mask", format!("{dtype} {content:?}"), mask_case(gpu, block));
        }
    }
    let floats = Content::Noise.bytes(Dtype::F32, 10_007);
    check("histogram", "float32 with NaN and infinities".into(), float_case(gpu, &floats));
    check("lut", "float32 through edges".into(), float_lut_case(gpu, &floats));
    check("mask", "float32 with NaN and infinities".into(), mask_case(gpu, Block { dtype: Dtype::F32, bytes: &floats }));
    check("mask", "and, or, xor, not".into(), combine_case(gpu));
    check("pointwise", "float32 through straight pieces".into(), pointwise_case(gpu, &floats));
    for channels in [&[Dtype::U8][..], &[Dtype::F32], &[Dtype::I16, Dtype::F32]] {
        check("gmm", format!("{channels:?}"), gmm_case(gpu, channels));
    }
    check("gmm", "against the exact histogram".into(), gmm_exact_case(gpu));
    for count in [1, 1000, 65_536] {
        check("scan", format!("{count} counts"), scan_case(gpu, count));
    }
    outcomes
}

#[derive(Debug, Clone, Copy)]
enum Content {
    Noise,
    MostlyAir,
}

impl Content {
    /// The same bytes every time. f32 noise is random bits: all exponents, NaN, infinities and denormals.
    fn bytes(self, dtype: Dtype, voxels: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut bytes = Vec::with_capacity(voxels * dtype.bytes());
        for _ in 0..voxels {
            let noise = next();
            let air = matches!(self, Self::MostlyAir) && noise % 20 != 0;
            let value = if air { 0xfc18 } else { (noise >> 32) as u32 };
            bytes.extend_from_slice(&value.to_le_bytes()[..dtype.bytes()]);
        }
        bytes
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(gpu: &[T], cpu: &[T]) -> Result<(), String> {
    if gpu.len() != cpu.len() {
        return Err(format!("{} results instead of {}", gpu.len(), cpu.len()));
    }
    let mut wrong = gpu.iter().zip(cpu).enumerate().filter(|(_, (g, c))| g != c);
    match wrong.next() {
        None => Ok(()),
        Some((at, (g, c))) => Err(format!("{} differ, first at {at}: {g:?} instead of {c:?}", 1 + wrong.count())),
    }
}

fn histogram_case(gpu: &Gpu, block: Block<'_>, masked: bool) -> Result<Result<(), String>, GpuError> {
    let mask: Option<Vec<u8>> = masked.then(|| (0..block.len()).map(|i| u8::from(i % 3 == 0) * 200).collect());
    let volume = GpuVolume::upload(gpu, block)?;
    let device_mask = match &mask {
        Some(m) => Some(GpuVolume::upload(gpu, Block { dtype: Dtype::U8, bytes: m })?),
        None => None,
    };
    let bins = histogram::Bins::Exact(histogram::Window::from_sample(block));
    let got = histogram::run(gpu, &volume, device_mask.as_ref(), &bins)?;
    Ok(compare(&got.bins, &histogram::cpu(block, mask.as_deref()).bins))
}

fn float_edges() -> histogram::Edges {
    histogram::Edges::uniform(-1e30, 1e30, 1000).unwrap_or_else(|_| unreachable!("these edges ascend"))
}

fn float_case(gpu: &Gpu, bytes: &[u8]) -> Result<Result<(), String>, GpuError> {
    let block = Block { dtype: Dtype::F32, bytes };
    let edges = float_edges();
    let bins = histogram::Bins::upload(gpu, &edges)?;
    let got = histogram::run(gpu, &GpuVolume::upload(gpu, block)?, None, &bins)?;
    let mut tally = histogram::Tally::binned(Arc::new(edges));
    tally.add(block, None);
    let want = tally.finish();
    Ok(compare(&got.bins, &want.bins)
        .and_then(|()| compare(&[got.nan, got.below, got.above], &[want.nan, want.below, want.above])))
}

fn float_lut_case(gpu: &Gpu, bytes: &[u8]) -> Result<Result<(), String>, GpuError> {
    let block = Block { dtype: Dtype::F32, bytes };
    let edges = float_edges();
    let table = Table::from_bins(edges.bins(), Dtype::U16, |i| i as f64 + 7.0);
    let device_table = lut::GpuTable::upload_floats(gpu, &edges, &table, 3)?;
    let got = lut::run(gpu, &GpuVolume::upload(gpu, block)?, &device_table)?.download(gpu)?;
    let mut want = vec![0; 2 * block.len()];
    lut::cpu_floats(block, &edges, &table, 3, &mut want);
    Ok(compare(&got, &want))
}

/// A ramp, a steeper one, a step and a fall: within 2⁻²⁰ of the largest result.
fn pointwise_case(gpu: &Gpu, bytes: &[u8]) -> Result<Result<(), String>, GpuError> {
    let pieces = Pieces {
        from: vec![-1e20, -1.5, 0.0, 7.0, 1e9],
        start: vec![0.0, 0.25, 40.0, 90.0, -10.0],
        slope: vec![0.0, 20.0, 7.0, -1e-7, 0.0],
        bound: 90.0 / f64::from(1 << 20),
    };
    let curve = pointwise::Curve::new(&pieces);
    let block = Block { dtype: Dtype::F32, bytes };
    let got = pointwise::run(gpu, &GpuVolume::upload(gpu, block)?, &pointwise::GpuCurve::upload(gpu, &curve)?)?.download(gpu)?;
    let mut want = vec![0; bytes.len()];
    pointwise::cpu(block, &curve, &mut want);
    let numbers = |bytes: &[u8]| bytes.chunks_exact(4).map(|b| Dtype::F32.decode(b)).collect::<Vec<_>>();
    let (got, want) = (numbers(&got), numbers(&want));
    let close = |g: f64, w: f64| if w.is_nan() { g.is_nan() } else { (g - w).abs() <= pieces.bound };
    if got.len() == want.len() && got.iter().zip(&want).all(|(g, w)| close(*g, *w)) {
        return Ok(Ok(()));
    }
    Ok(compare(&got, &want))
}

fn lut_case(gpu: &Gpu, block: Block<'_>, to: Dtype) -> Result<Result<(), String>, GpuError> {
    let table = Table::from_fn(block.dtype, to, |v| f64::from(v) * 1.37 - 11.0);
    let got = lut::run(gpu, &GpuVolume::upload(gpu, block)?, &lut::GpuTable::upload(gpu, &table)?)?.download(gpu)?;
    let mut want = vec![0; block.len() * to.bytes()];
    lut::cpu(block, &table, &mut want);
    Ok(compare(&got, &want))
}

fn equalize_case(gpu: &Gpu, block: Block<'_>) -> Result<Result<(), String>, GpuError> {
    let settings = equalize::Settings::of(block.dtype);
    let counts = histogram::cpu(block, None);
    let cumulative: Vec<u32> = scan::cpu(&counts.bins).iter().map(|c| *c as u32).collect();
    let cumulative = gpu.storage_with("equalize", bytemuck::cast_slice(&cumulative), 4)?;
    let entries = gpu.storage("equalize", cumulative.size())?;
    let mut encoder = gpu.encoder();
    equalize::encode(gpu, &mut encoder, &settings, &cumulative, &entries)?;
    gpu.submit("equalize", encoder)?;
    let bytes = gpu.download("equalize", &entries, entries.size())?;
    let got: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(compare(&got, equalize::cpu(&counts, &settings).entries()))
}

/// The block under a mask of bytes and under the same mask packed.
fn mask_case(gpu: &Gpu, block: Block<'_>) -> Result<Result<(), String>, GpuError> {
    let bits: Vec<u8> = (0..block.len().div_ceil(8)).map(|i| ((i * 37) >> 2) as u8).collect();
    let bytes: Vec<u8> = (0..block.len()).map(|i| bits[i / 8] & 1 << (i % 8)).collect();
    let background = 0xfedc_ba98_u32 >> (32 - 8 * block.dtype.bytes());
    let volume = GpuVolume::upload(gpu, block)?;
    let mut want = vec![0; block.bytes.len()];
    mask::cpu(block, mask::Keep::Bytes(&bytes), u64::from(background), &mut want);
    let mut same = Ok(());
    for keep in [mask::Keep::Bytes(&bytes), mask::Keep::Bits(&bits)] {
        let device_mask = mask::GpuMask::upload(gpu, keep, block.len() as u64)?;
        let got = mask::run(gpu, &volume, &device_mask, background)?.download(gpu)?;
        same = same.and_then(|()| compare(&got, &want));
    }
    Ok(same)
}

fn combine_case(gpu: &Gpu) -> Result<Result<(), String>, GpuError> {
    let [a, b] = [3, 5].map(|n| (0..1009).map(|i| u8::from(i % n == 0) * 200).collect::<Vec<u8>>());
    let upload = |bytes: &[u8]| mask::GpuMask::upload(gpu, mask::Keep::Bytes(bytes), bytes.len() as u64);
    let (device_a, device_b) = (upload(&a)?, upload(&b)?);
    let mut same = Ok(());
    for rule in [mask::Rule::AND, mask::Rule::OR, mask::Rule::XOR, mask::Rule::NOT] {
        let mut want = a.clone();
        mask::combine(rule, &mut want, &b);
        let got = mask::run_combine(gpu, rule, &device_a, &device_b)?.download(gpu)?;
        same = same.and_then(|()| compare(&got, &want));
    }
    Ok(same)
}

/// Noise; floats within four of 0, where the bound of the operation holds, with NaN and infinities among them.
fn near_classes(dtype: Dtype, voxels: usize) -> Vec<u8> {
    if dtype != Dtype::F32 {
        return Content::Noise.bytes(dtype, voxels);
    }
    let noise = Content::Noise.bytes(Dtype::U16, voxels);
    let value = |(i, b): (usize, &[u8])| match i % 61 {
        7 => f32::NAN,
        19 => f32::NEG_INFINITY,
        _ => f32::from(i16::from_le_bytes([b[0], b[1]])) / 8192.0,
    };
    noise.chunks_exact(2).enumerate().flat_map(|pair| value(pair).to_le_bytes()).collect()
}

/// Three classes in as many channels as types: counts, sums of responsibilities, and labels but for ties.
fn gmm_case(gpu: &Gpu, types: &[Dtype]) -> Result<Result<(), String>, GpuError> {
    let bytes: Vec<Vec<u8>> = types.iter().map(|t| near_classes(*t, 10_007)).collect();
    let blocks: Vec<Block<'_>> = types.iter().zip(&bytes).map(|(t, b)| Block { dtype: *t, bytes: b }).collect();
    let frame = |t: &Dtype| match t {
        Dtype::U8 => gmm::Channel::new(127.0, 64.0, true),
        Dtype::I16 => gmm::Channel::new(0.0, 16_384.0, true),
        _ => gmm::Channel::new(0.0, 1.0, false),
    };
    let channels: Vec<gmm::Channel> = types.iter().map(frame).collect();
    let (d, number) = (types.len(), 3);
    let class = |j: usize| {
        let identity = (0..d).flat_map(|a| (0..=a).map(move |b| f64::from(u8::from(a == b)))).collect();
        Gaussian { weight: 1.0 / number as f64, mean: vec![j as f64 - 1.0; d], covariance: identity }
    };
    let classes: Vec<Gaussian> = (0..number).map(class).collect();
    let Ok(model) = gmm::Model::new(&channels, &classes) else { unreachable!("these classes are positive definite") };
    let volumes = blocks.iter().map(|b| GpuVolume::upload(gpu, *b)).collect::<Result<Vec<_>, _>>()?;
    let (got, want) = (gmm::run(gpu, &volumes, None, &model)?, gmm::statistics(&blocks, None, &model));
    let close = |a: f64, b: f64| (a - b).abs() <= gmm::TOLERANCE * 10_007.0;
    if (got.count, got.not_finite) != (want.count, want.not_finite) {
        return Ok(Err(format!("{} voxels counted instead of {}", got.count, want.count)));
    }
    for (g, w) in got.classes.iter().zip(&want.classes) {
        if !close(g.voxels, w.voxels) {
            return Ok(Err(format!("{} voxels in a class instead of {}", g.voxels, w.voxels)));
        }
    }
    let found = gmm::run_labels(gpu, &volumes, None, &model)?.download(gpu)?;
    let (mut labels, mut shares) = (vec![0; found.len()], vec![0.0; number * found.len()]);
    gmm::labels(&blocks, None, &model, &mut labels);
    gmm::posteriors(&blocks, None, &model, &mut shares);
    let share = |label: u8, i: usize| if label == 0 { -1.0 } else { shares[(usize::from(label) - 1) * found.len() + i] };
    let apart = |i: &usize| f64::from((share(found[*i], *i) - share(labels[*i], *i)).abs()) > 2.0 * gmm::TOLERANCE;
    match (0..found.len()).find(|i| found[*i] != labels[*i] && apart(i)) {
        Some(at) => Ok(Err(format!("label {} instead of {} at {at}", found[at], labels[at]))),
        None => Ok(Ok(())),
    }
}

/// The mixture that fits a histogram best is the one to which an iteration over the voxels leads back; labels agree but for ties.
fn gmm_exact_case(gpu: &Gpu) -> Result<Result<(), String>, GpuError> {
    let bytes: Vec<u8> =
        Content::Noise.bytes(Dtype::U16, 20_014).chunks_exact(4).map(|b| b[0] / 4 + b[1] / 4 + b[2] / 8).collect();
    let block = Block { dtype: Dtype::U8, bytes: &bytes };
    let counts = histogram::cpu(block, None);
    let values: Vec<(f64, u64)> = counts.occupied().map(|(v, n)| (f64::from(v), n)).collect();
    let mixture = match mixture::fit(&values, 1.0, &mixture::Settings::classes(2)) {
        Ok(mixture) => mixture,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let frame = gmm::Channel { centre: 0.0, scale: 1.0 };
    let classes: Vec<Gaussian> = mixture.components.iter().map(Gaussian::from).collect();
    let Ok(model) = gmm::Model::new(&[frame], &classes) else { unreachable!("variances are positive") };
    let volume = [GpuVolume::upload(gpu, block)?];
    let sums = gmm::run(gpu, &volume, None, &model)?;
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
    let found = gmm::run_labels(gpu, &volume, None, &model)?.download(gpu)?;
    for (value, label) in bytes.iter().zip(found) {
        let real = f64::from(*value);
        let shares = classifier.posteriors(real);
        if label != classifier.label(real) && (shares[0] - shares[1]).abs() > 2.0 * gmm::TOLERANCE {
            return Ok(Err(format!("label {label} instead of {} for {value}", classifier.label(real))));
        }
    }
    Ok(Ok(()))
}

fn scan_case(gpu: &Gpu, count: u32) -> Result<Result<(), String>, GpuError> {
    let counts: Vec<u32> = (0..count).map(|i| i.wrapping_mul(2_654_435_761) >> 16).collect();
    let want: Vec<u32> = scan::cpu(&counts.iter().map(|c| u64::from(*c)).collect::<Vec<_>>()).iter().map(|c| *c as u32).collect();
    Ok(compare(&scan::run(gpu, &counts)?, &want))
}
