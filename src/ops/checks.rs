//! What the self-checks of all operations share: contents that are the same every time, a comparison that says where, and the outcomes.

use std::ops::Range;

use super::whole::MOST_LEVEL;
use crate::engine::{Brick, Chunk, Gpu, GpuError, UNIT_VOXELS};
use crate::volume::Dtype;

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

/// What a case found: a failure of the device, or what differs from the CPU's result, or nothing.
pub(crate) type Difference = Result<Result<(), String>, GpuError>;

/// The cases of one kernel on one device.
pub(crate) struct Checks<'a> {
    pub gpu: &'a Gpu,
    kernel: &'static str,
    outcomes: Vec<Outcome>,
}

impl<'a> Checks<'a> {
    pub fn new(gpu: &'a Gpu, kernel: &'static str) -> Self {
        Self { gpu, kernel, outcomes: Vec::new() }
    }

    /// Notes a case. A failing GPU is an outcome, not an error.
    pub fn note(&mut self, case: impl Into<String>, result: Difference) {
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(difference)) => Some(difference),
            Err(e) => Some(e.to_string()),
        };
        self.outcomes.push(Outcome { kernel: self.kernel, case: case.into(), failure });
    }

    pub fn outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }
}

/// Voxels in a case: a prime number, so that the last unit is not full.
pub(crate) const VOXELS: usize = 10_007;

/// Every 8- and 16-bit type with every content, and its name.
pub(crate) fn small_integers() -> impl Iterator<Item = (String, Dtype, Vec<u8>)> {
    let types = [Dtype::U8, Dtype::I8, Dtype::U16, Dtype::I16];
    let pairs = types.into_iter().flat_map(|dtype| [Sample::Noise, Sample::MostlyAir].map(|sample| (dtype, sample)));
    pairs.map(|(dtype, sample)| (format!("{dtype} {sample:?}"), dtype, sample.bytes(dtype, VOXELS)))
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample {
    Noise,
    MostlyAir,
}

impl Sample {
    /// The same bytes every time. f32 noise is random bits: all exponents, NaN, infinities and denormals.
    pub fn bytes(self, dtype: Dtype, voxels: usize) -> Vec<u8> {
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

/// [Levels](crate::ops::whole) of all sizes and of both signs, few of them NaN, as bytes of float32.
pub(crate) fn levels(voxels: usize) -> Vec<u8> {
    let noise = Sample::Noise.bytes(Dtype::U32, voxels);
    let level = |bits: u32| match bits % 1021 {
        0 => f32::NAN,
        1 => 0.0,
        2 | 3 => (MOST_LEVEL as f32) * if bits & 0x8000_0000 == 0 { 1.0 } else { -1.0 },
        _ => ((bits as i32) >> 7 >> (bits % 24)) as f32,
    };
    noise.as_chunks().0.iter().flat_map(|bytes| level(u32::from_le_bytes(*bytes)).to_le_bytes()).collect()
}

/// Voxels of which a kernel that looks at neighbours computes a box, and the types of both.
pub(crate) struct OnBricks {
    pub kernel: &'static str,
    pub types: (Dtype, Dtype),
    pub tile: Vec<u8>,
    pub shape: [usize; 3],
    pub inner: [Range<usize>; 3],
}

impl OnBricks {
    /// A box inside, so that halos are seen on one side and borders on the other: of noise, or of levels with NaN among them.
    pub fn inside(kernel: &'static str, from: Dtype, to: Dtype) -> Self {
        let shape = [37, 11, 7];
        let voxels = shape.iter().product();
        let tile = if from == Dtype::F32 { levels(voxels) } else { Sample::Noise.bytes(from, voxels) };
        Self { kernel, types: (from, to), tile, shape, inner: [2..37, 0..10, 1..7] }
    }

    /// The results of a kernel.
    pub fn on_device(
        &self,
        gpu: &Gpu,
        record: impl FnOnce(&mut wgpu::CommandEncoder, (&Brick, [u32; 3]), &Brick) -> Result<(), GpuError>,
    ) -> Result<Vec<u8>, GpuError> {
        let (from, to) = self.types;
        let bits = |dtype: Dtype| 8 * dtype.bytes() as u32;
        let buffer = gpu.storage_with(self.kernel, &self.tile, UNIT_VOXELS as usize * from.bytes())?;
        let brick = Brick::empty(gpu, self.shape.map(|n| n as u32), bits(from))?;
        let results = Brick::empty(gpu, self.inner.each_ref().map(|r| r.len() as u32), bits(to))?;
        let bytes = u64::from(results.voxels()) * to.bytes() as u64;
        let packed = gpu.storage(self.kernel, bytes.next_multiple_of(UNIT_VOXELS * to.bytes() as u64))?;
        let mut encoder = gpu.encoder();
        brick.encode_from(gpu, &mut encoder, from, &Chunk { buffer, voxels: brick.voxels() })?;
        record(&mut encoder, (&brick, self.inner.each_ref().map(|r| r.start as u32)), &results)?;
        results.encode_into(gpu, &mut encoder, to, &packed)?;
        gpu.submit(self.kernel, encoder)?;
        gpu.download(self.kernel, &packed, bytes)
    }

    /// What a kernel makes of it, beside what its twin on the CPU does.
    pub fn compare(
        &self,
        gpu: &Gpu,
        record: impl FnOnce(&mut wgpu::CommandEncoder, (&Brick, [u32; 3]), &Brick) -> Result<(), GpuError>,
        cpu: impl FnOnce(&[u8], [usize; 3], &[Range<usize>; 3], &mut [u8]),
    ) -> Difference {
        let got = self.on_device(gpu, record)?;
        let mut want = vec![0; got.len()];
        cpu(&self.tile, self.shape, &self.inner, &mut want);
        Ok(compare(&got, &want))
    }
}

/// The first difference and how many there are.
pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(gpu: &[T], cpu: &[T]) -> Result<(), String> {
    if gpu.len() != cpu.len() {
        return Err(format!("{} results instead of {}", gpu.len(), cpu.len()));
    }
    let mut wrong = gpu.iter().zip(cpu).enumerate().filter(|(_, (g, c))| g != c);
    match wrong.next() {
        None => Ok(()),
        Some((at, (g, c))) => Err(format!("{} differ, first at {at}: {g:?} instead of {c:?}", 1 + wrong.count())),
    }
}
