//! What the self-check runs.

use super::{ActivationShape, Activations, ChannelSlot, Convolution, GpuConvolution, Requant, convolve, sums, upload};
use crate::engine::Gpu;
use crate::ops::checks::{Checks, Difference, compare};

pub(crate) fn cases(checks: &mut Checks<'_>) {
    for (channels, side, stride, pad) in
        [([3, 5], [3, 3], 1, 1), ([8, 17], [3, 3], 2, 1), ([5, 9], [1, 1], 1, 0), ([1, 6], [7, 5], 2, 3)]
    {
        checks.note(
            format!("{side:?}, {channels:?} channels, stride {stride}"),
            case(checks.gpu, channels, (side, stride, pad), false),
        );
    }
    checks.note("transposed", case(checks.gpu, [6, 16], ([1, 1], 1, 0), true));
}

/// Numbers that are the same every time.
pub(super) fn noise(i: usize, most: i64) -> i64 {
    let mixed = (i as u32 ^ 0x9e37).wrapping_mul(2_654_435_761);
    i64::from((mixed ^ mixed >> 15).wrapping_mul(2_246_822_519) >> 7) % (2 * most + 1) - most
}

/// Weights, biases and scales of noise.
pub(super) fn layer([inputs, outputs]: [usize; 2], (side, stride, pad): ([usize; 2], usize, usize)) -> Convolution {
    let weights = (0..inputs * outputs * side[0] * side[1]).map(|i| noise(i, 127) as i8).collect();
    let bias = (0..outputs).map(|i| noise(i + 5, 1 << 20) as i32).collect();
    let requants = (0..outputs).map(|i| Requant::of(1e-4 * (1 + i) as f64)).collect();
    let made = Convolution::new([inputs, outputs], (side, stride, pad), (weights, bias, 1 << 13));
    made.unwrap_or_else(|what| unreachable!("{what}")).scaled(requants, (0, 8191))
}

fn case(gpu: &Gpu, channels: [usize; 2], kernel: ([usize; 2], usize, usize), shuffle: bool) -> Difference {
    let shape = ActivationShape { images: 2, height: 11, width: 13, channels: channels[0] };
    let values: Vec<i16> = (0..shape.pixels() * channels[0]).map(|i| noise(i + 99, 1 << 13) as i16).collect();
    let (input, plain) = (Activations::new(shape, &values), layer(channels, kernel));
    let own = if shuffle { plain.clone().shuffled() } else { plain.clone() };
    let result = own.output(&shape);
    let whole = result.of(result.height, result.width, result.channels + 4);
    let (buffer, device) = (upload(gpu, &input)?, GpuConvolution::upload(gpu, &own)?);
    let results = upload(gpu, &Activations::zero(whole))?;
    let mut want = Activations::zero(whole);
    convolve(&input, &own, &mut want, ChannelSlot(4));
    let mut encoder = gpu.encoder();
    device.encode(gpu, &mut encoder, (&buffer, shape), (&results, whole, ChannelSlot(4)))?;
    gpu.submit("conv2d", encoder)?;
    let found: Vec<i16> = bytemuck::pod_collect_to_vec(&gpu.download("conv2d", &results, 2 * whole.len() as u64)?);
    let want_sums = sums(&input, &plain);
    let summed = gpu.storage("conv2d", 4 * want_sums.len() as u64)?;
    let mut encoder = gpu.encoder();
    GpuConvolution::upload(gpu, &plain)?.encode_sums(gpu, &mut encoder, (&buffer, shape), &summed)?;
    gpu.submit("conv2d", encoder)?;
    let found_sums: Vec<i32> = bytemuck::pod_collect_to_vec(&gpu.download("conv2d", &summed, 4 * want_sums.len() as u64)?);
    Ok(compare(&found, &want.values).and(compare(&found_sums, &want_sums)))
}
