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
    let pixel = |input: &Activations, image: usize, y: usize, x: usize, channel: usize| {
        input.values[((image * shape.height + y) * shape.width + x) * each + channel]
    };
    let value = |image: usize, y: usize, x: usize, channel: usize| match *what {
        PixelStep::Greatest => {
            let near = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| pixel(inputs[0], image, 2 * y + dy, 2 * x + dx, channel));
            near.into_iter().fold(i16::MIN, i16::max)
        }
        PixelStep::Mean(scale) => {
            let all = (0..shape.height).flat_map(|y| (0..shape.width).map(move |x| (y, x)));
            kept(scale.apply(all.map(|(y, x)| i32::from(pixel(inputs[0], image, y, x, channel))).sum()))
        }
        PixelStep::Copy(scale) => kept(rescaled(pixel(inputs[0], image, y, x, channel), scale)),
        PixelStep::Add { scales, relu } => {
            let parts = [0, 1].map(|i| rescaled(pixel(inputs[i], image, y, x, channel), scales[i]));
            let sum = kept(parts[0] + parts[1]);
            if relu { sum.max(0) } else { sum }
        }
        PixelStep::Double => pixel(inputs[0], image, y / 2, x / 2, channel),
    };
    out.values.par_chunks_exact_mut(own.width * stride).enumerate().for_each(|(row, out)| {
        let (image, y) = (row / own.height, row % own.height);
        for (x, out) in out.chunks_exact_mut(stride).enumerate() {
            let out = out[slot.0..][..own.channels].iter_mut().enumerate();
            out.for_each(|(channel, out)| *out = value(image, y, x, channel));
        }
    });
}
