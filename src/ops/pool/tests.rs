use super::case::{all, noise};
use super::*;
use crate::ops::conv2d::{ActivationShape, Activations, ChannelSlot};

#[test]
fn each_is_its_definition() {
    for what in all() {
        for (height, width, channels) in [(1, 1, 1), (2, 3, 2), (7, 6, 5)] {
            let shape = ActivationShape { images: 2, height, width, channels };
            let inputs = [noise(shape, 3), noise(shape, 4)];
            let used: Vec<&Activations> = inputs.iter().take(what.inputs()).collect();
            let own = what.output(&shape);
            let mut out = Activations::zero(own.of(own.height, own.width, own.channels + 4));
            apply(&what, &used, &mut out, ChannelSlot(4));
            let of = |i: usize, image: usize, y: usize, x: usize, c: usize| {
                i64::from(inputs[i].values[((image * height + y) * width + x) * 2 * shape.words() + c])
            };
            for at in 0..own.pixels() {
                let (image, y, x) = (at / (own.height * own.width), at / own.width % own.height, at % own.width);
                for c in 0..channels {
                    let found = f64::from(out.values[at * 2 * out.shape.words() + 4 + c]);
                    let (want, bound) = match what {
                        PixelStep::Greatest => {
                            let near = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| of(0, image, 2 * y + dy, 2 * x + dx, c));
                            (near.into_iter().max().unwrap() as f64, 0.0)
                        }
                        PixelStep::Mean(_) => {
                            let all = (0..height * width).map(|i| of(0, image, i / width, i % width, c)).sum::<i64>();
                            (0.011 * all as f64, 1.0)
                        }
                        PixelStep::Copy(_) => (1.7 * of(0, image, y, x, c) as f64, 1.6),
                        PixelStep::Add { relu, scales } => {
                            let first = if scales[0] == scales[1] { 1.7 } else { 0.5 };
                            let sum = first * of(0, image, y, x, c) as f64 + 1.7 * of(1, image, y, x, c) as f64;
                            (if relu { sum.max(0.0) } else { sum }, 3.2)
                        }
                        PixelStep::Double => (of(0, image, y / 2, x / 2, c) as f64, 0.0),
                    };
                    let want = want.clamp(-32768.0, 32767.0);
                    assert!((found - want).abs() <= bound, "{what:?} {shape:?}: {found} for {want}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "from channel 3")]
fn results_begin_at_whole_words() {
    let shape = ActivationShape { images: 1, height: 2, width: 2, channels: 2 };
    apply(&PixelStep::Double, &[&noise(shape, 1)], &mut Activations::zero(shape.of(4, 4, 8)), ChannelSlot(3));
}
