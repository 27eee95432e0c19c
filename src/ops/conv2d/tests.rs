use super::case::{layer, noise};
use super::*;
use crate::ops::testing::assert_same;

/// The formula of the module, in 64 bits.
fn expected(input: &Activations, layer: &Convolution) -> Vec<i64> {
    let (shape, summed) = (input.shape, layer.summed(&input.shape));
    let mut out = Vec::new();
    for at in 0..summed.pixels() {
        let (image, y, x) = (at / (summed.height * summed.width), at / summed.width % summed.height, at % summed.width);
        for o in 0..layer.outputs {
            let mut sum = i64::from(layer.bias[o]);
            for ky in 0..layer.side[0] {
                for kx in 0..layer.side[1] {
                    let place = [(y * layer.stride + ky, shape.height), (x * layer.stride + kx, shape.width)];
                    let inside = place.iter().all(|(p, n)| (layer.pad..n + layer.pad).contains(p));
                    for i in (0..shape.channels).filter(|_| inside) {
                        let pixel = (image * shape.height + place[0].0 - layer.pad) * shape.width + place[1].0 - layer.pad;
                        let weight = layer.weights[((o * layer.side[0] + ky) * layer.side[1] + kx) * layer.inputs + i];
                        sum += i64::from(weight) * i64::from(input.values[2 * shape.words() * pixel + i]);
                    }
                }
            }
            out.push(sum);
        }
    }
    out
}

const KERNELS: [([usize; 2], usize, usize); 6] =
    [([3, 3], 1, 1), ([3, 3], 2, 1), ([1, 1], 1, 0), ([1, 1], 2, 0), ([7, 5], 2, 3), ([2, 3], 1, 0)];

#[test]
fn sums_are_the_formula() {
    for channels in [[1, 1], [3, 5], [2, 8], [7, 17]] {
        for kernel in KERNELS {
            for (images, height, width) in [(1, 7, 5), (2, 9, 31), (3, 12, 8)] {
                let shape = ActivationShape { images, height, width, channels: channels[0] };
                let values: Vec<i16> = (0..shape.pixels() * channels[0]).map(|i| noise(i, 1 << 13) as i16).collect();
                let (input, layer) = (Activations::new(shape, &values), layer(channels, kernel));
                let want = expected(&input, &layer);
                let what = format!("{channels:?} {kernel:?} {images} {height} {width}");
                assert_same(&what, &sums(&input, &layer), &want.iter().map(|sum| *sum as i32).collect::<Vec<_>>());
                let own = layer.output(&shape);
                let mut out = Activations::zero(own.of(own.height, own.width, own.channels + 3));
                convolve(&input, &layer, &mut out, ChannelSlot(2));
                for (pixel, sums) in want.chunks(layer.outputs).enumerate() {
                    for (o, sum) in sums.iter().enumerate() {
                        let scaled = layer.requants[o].apply(*sum as i32).clamp(0, 8191);
                        assert_eq!(i32::from(out.values[pixel * 2 * out.shape.words() + 2 + o]), scaled, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn four_channels_become_four_pixels() {
    let shape = ActivationShape { images: 2, height: 3, width: 5, channels: 4 };
    let values: Vec<i16> = (0..shape.pixels() * 4).map(|i| noise(i, 4000) as i16).collect();
    let (input, plain) = (Activations::new(shape, &values), layer([4, 24], ([1, 1], 1, 0)));
    let turned = plain.clone().shuffled();
    let (mut flat, mut out) = (Activations::zero(plain.output(&shape)), Activations::zero(turned.output(&shape)));
    assert_eq!(out.shape, ActivationShape { images: 2, height: 6, width: 10, channels: 6 });
    convolve(&input, &plain, &mut flat, ChannelSlot(0));
    convolve(&input, &turned, &mut out, ChannelSlot(0));
    for at in 0..out.shape.pixels() {
        let (image, y, x) = (at / 60, at / 10 % 6, at % 10);
        let from = (image * 3 + y / 2) * 5 + x / 2;
        for c in 0..6 {
            let channel = (2 * (y % 2) + x % 2) * 6 + c;
            assert_eq!(out.values[6 * at + c], flat.values[24 * from + channel], "{image} {y} {x} {c}");
        }
    }
}

#[test]
fn scales_are_within_a_millionth_and_rounded_once() {
    for factor in [0.0, 1e-12, 3e-9, 1e-4, 0.0123, 0.25, 0.499] {
        let requant = Requant::of(factor);
        for sum in [0, 1, -1, 65_535, -65_536, 1 << 20, -(1 << 25) + 7, i32::MAX, i32::MIN] {
            let exact = f64::from(sum) * factor;
            let error = (f64::from(requant.apply(sum)) - exact).abs();
            assert!(error <= 1.0 + exact.abs() * 4e-5 + f64::from(sum).abs() * 2e-14, "{factor} {sum}: {error}");
        }
    }
    let half = Requant { multiplier: 16_384, shift: 13 };
    // 2⁻¹⁵ · 49,152 = 1.5: halves are rounded up.
    assert_eq!([49_152, 49_151, -49_152, -49_153].map(|sum| half.apply(sum)), [2, 1, -1, -2]);
}

#[test]
fn sums_that_do_not_fit_are_refused() {
    let new = |weight: i8, bias: i32| Convolution::new([1000, 1], ([3, 3], 1, 1), (vec![weight; 9000], vec![bias], 1 << 13));
    assert!(new(29, 0).is_ok() && new(30, 0).unwrap_err().contains("32 bits") && new(29, 1 << 30).is_err());
    assert!(Convolution::new([2, 1], ([3, 3], 1, 1), (vec![1; 17], vec![0], 9)).unwrap_err().contains("17 weights"));
}
