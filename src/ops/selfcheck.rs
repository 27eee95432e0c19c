//! Does this adapter compute what the CPU computes? Small known cases of every kernel, in well under a second.

use std::sync::Arc;

use super::{equalize, histogram, lut, mask, scan};
use crate::engine::{Gpu, GpuError, GpuVolume};
use crate::volume::{Block, Dtype, Table};

/// What became of one case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The kernel.
    pub kernel: &'static str,
    /// The case.
    pub case: String,
    /// None if the result was the CPU's, bit for bit; else what differed or failed.
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

fn scan_case(gpu: &Gpu, count: u32) -> Result<Result<(), String>, GpuError> {
    let counts: Vec<u32> = (0..count).map(|i| i.wrapping_mul(2_654_435_761) >> 16).collect();
    let want: Vec<u32> = scan::cpu(&counts.iter().map(|c| u64::from(*c)).collect::<Vec<_>>()).iter().map(|c| *c as u32).collect();
    Ok(compare(&scan::run(gpu, &counts)?, &want))
}
