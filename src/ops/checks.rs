//! What the self-checks of all operations share: contents that are the same every time, a comparison that says where, and the outcomes.

use crate::engine::{Gpu, GpuError};
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
