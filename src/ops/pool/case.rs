//! What the self-check runs.

use super::{PixelStep, apply, encode};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, compare};
use crate::ops::conv2d::{ActivationShape, Activations, ChannelSlot, Requant, upload};

/// One of each kind, with scales up and down.
pub(super) fn all() -> [PixelStep; 6] {
    let [half, most] = [0.5, 1.7].map(|factor| Requant::of(factor / 256.0));
    [
        PixelStep::Greatest,
        PixelStep::Mean(Requant::of(0.011)),
        PixelStep::Copy(most),
        PixelStep::Add { scales: [half, most], relu: true },
        PixelStep::Add { scales: [most, most], relu: false },
        PixelStep::Double,
    ]
}

/// Numbers over the whole range.
pub(super) fn noise(shape: ActivationShape, seed: u32) -> Activations {
    let value = |i: u32| ((i ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 16) as i16;
    Activations::new(shape, &(0..(shape.pixels() * shape.channels) as u32).map(value).collect::<Vec<_>>())
}

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for what in all() {
        for channels in [1, 6, 7] {
            checks.note(format!("{what:?}, {channels} channels"), case(checks.gpu, &what, channels));
        }
    }
}

fn case(gpu: &Gpu, what: &PixelStep, channels: usize) -> Difference {
    let shape = ActivationShape { images: 2, height: 9, width: 13, channels };
    let inputs: Vec<Activations> = (0..what.inputs() as u32).map(|i| noise(shape, i)).collect();
    let own = what.output(&shape);
    let whole = own.of(own.height, own.width, own.channels + 2);
    let mut want = Activations::zero(whole);
    apply(what, &inputs.iter().collect::<Vec<_>>(), &mut want, ChannelSlot(2));
    let buffers = inputs.iter().map(|input| upload(gpu, input)).collect::<Result<Vec<_>, _>>()?;
    let results = upload(gpu, &Activations::zero(whole))?;
    let mut encoder = gpu.encoder();
    encode(gpu, &mut encoder, what, (&buffers.iter().collect::<Vec<_>>(), shape), (&results, whole, ChannelSlot(2)))?;
    gpu.submit("pool", encoder)?;
    let found: Vec<i16> = bytemuck::pod_collect_to_vec(&gpu.download("pool", &results, 2 * whole.len() as u64)?);
    Ok(compare(&found, &want.values))
}
