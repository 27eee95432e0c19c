//! On all threads, row by row.

use rayon::prelude::*;

use super::PixelStep;
use crate::ops::conv2d::{Activations, ChannelSlot, Requant};

/// A number in another scale.
#[inline(always)]
fn rescaled(value: i16, scale: Requant) -> i32 {
    scale.apply(i32::from(value) << 8)
}

#[inline(always)]
fn kept(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// Writes what `what` makes of one or two inputs into some channels of `out`.
///
/// # Panics
/// For another number of inputs, inputs of different shapes, or where the result does not fit.
pub fn apply(what: &PixelStep, inputs: &[&Activations], out: &mut Activations, slot: ChannelSlot) {
    assert_eq!(inputs.len(), what.inputs(), "inputs of {what:?}");
    let shape = inputs[0].shape;
    assert!(inputs.iter().all(|input| input.shape == shape), "inputs of different shapes");
    let own = what.output(&shape);
    slot.check(&own, &out.shape);
    if own.is_empty() {
        return;
    }
    let (each, stride) = (2 * shape.words(), 2 * out.shape.words());
    let pixel = |input: usize, image: usize, y: usize, x: usize| {
        &inputs[input].values[((image * shape.height + y) * shape.width + x) * each..][..own.channels]
    };
    out.values.par_chunks_exact_mut(own.width * stride).enumerate().for_each(|(row, out)| {
        let (image, y) = (row / own.height, row % own.height);
        for (x, out) in out.chunks_exact_mut(stride).enumerate() {
            let out = &mut out[slot.0..][..own.channels];
            match *what {
                PixelStep::Greatest => {
                    out.copy_from_slice(pixel(0, image, 2 * y, 2 * x));
                    for (dy, dx) in [(0, 1), (1, 0), (1, 1)] {
                        let more = pixel(0, image, 2 * y + dy, 2 * x + dx);
                        out.iter_mut().zip(more).for_each(|(out, more)| *out = (*out).max(*more));
                    }
                }
                PixelStep::Mean(scale) => {
                    let mut sums = vec![0; own.channels];
                    for (y, x) in (0..shape.height).flat_map(|y| (0..shape.width).map(move |x| (y, x))) {
                        sums.iter_mut().zip(pixel(0, image, y, x)).for_each(|(sum, more)| *sum += i32::from(*more));
                    }
                    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = kept(scale.apply(sum)));
                }
                PixelStep::Copy(scale) => {
                    let from = pixel(0, image, y, x);
                    out.iter_mut().zip(from).for_each(|(out, value)| *out = kept(rescaled(*value, scale)));
                }
                PixelStep::Add { scales: [a, b], relu } => {
                    let low = if relu { 0 } else { i16::MIN };
                    let from = pixel(0, image, y, x).iter().zip(pixel(1, image, y, x));
                    out.iter_mut().zip(from).for_each(|(out, (first, second))| {
                        *out = kept(rescaled(*first, a) + rescaled(*second, b)).max(low);
                    });
                }
                PixelStep::Double => out.copy_from_slice(pixel(0, image, y / 2, x / 2)),
            }
        }
    });
}
