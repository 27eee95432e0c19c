//! What the self-check runs.

use super::{Searched, run, squared};
use crate::engine::Gpu;
use crate::ops::bits::LabelType;
use crate::ops::checks::{Checks, Difference, Sample, compare};
use crate::volume::Dtype;

pub(crate) fn cases(checks: &mut Checks<'_>) {
    checks.note("squares of one word", case::<u32>(checks.gpu, [7, 7, 25]));
    checks.note("squares of two words", case::<u64>(checks.gpu, [976_563, 900_001, 5_000_003]));
}

/// Background of which rows and slices are free.
fn case<T: Searched>(gpu: &Gpu, weights: [u64; 3]) -> Difference {
    let shape = [67, 21, 9];
    let noise = Sample::Noise.bytes(Dtype::U16, shape.iter().product());
    let mask: Vec<u8> = noise.as_chunks::<2>().0.iter().map(|n| u8::from(u16::from_le_bytes(*n) > 50)).collect();
    let mut words = vec![0; shape[0].div_ceil(64) * shape[1] * shape[2]];
    for (row, words) in mask.chunks_exact(shape[0]).zip(words.chunks_exact_mut(shape[0].div_ceil(64))) {
        u8::pack(row, words);
    }
    let (mut want, mut got) = (vec![T::NONE; mask.len()], vec![T::NONE; mask.len()]);
    squared(&mask, shape, weights, &mut want);
    run(gpu, &words, shape.map(|n| n as u32), weights, &mut got)?;
    Ok(compare(&got, &want))
}
