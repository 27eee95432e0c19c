use super::*;
use crate::ops::conv2d::{ActivationShape, Activations, ChannelSlot, Convolution, Requant, convolve, sums};
use crate::ops::pool::{PixelStep, apply};
use crate::ops::testing::{Draws, gpu};
use crate::pipelines::tests::Events;
use crate::pipelines::{Device, Run};

fn layer(noise: &mut Draws, [inputs, outputs]: [usize; 2], side: usize, stride: usize) -> Convolution {
    let weights = (0..inputs * outputs * side * side).map(|_| (noise.below(255) as i16 - 127) as i8).collect();
    let bias = (0..outputs).map(|_| noise.below(1 << 17) as i32 - (1 << 16)).collect();
    let made = Convolution::new([inputs, outputs], ([side; 2], stride, side / 2), (weights, bias, 1 << 13)).unwrap();
    made.scaled(vec![Requant::of(0.003); outputs], (0, 8191))
}

fn step(layer: Convolution, from: usize, to: usize, slot: usize) -> NetworkStep {
    NetworkStep { layer: NetworkLayer::Convolution(layer), from: vec![from], to, slot: ChannelSlot(slot) }
}

fn between(what: PixelStep, from: &[usize], to: usize, slot: usize) -> NetworkStep {
    NetworkStep { layer: NetworkLayer::Pool(what), from: from.to_vec(), to, slot: ChannelSlot(slot) }
}

/// Two levels with a way across and a transposed convolution: 3 channels to 2 logits of each pixel.
fn unet() -> Network {
    let mut noise = Draws::new(4);
    let scale = Requant::of(0.9 / 256.0);
    let mut conv = |channels, side| layer(&mut noise, channels, side, 1);
    let steps = vec![
        step(conv([3, 6], 3), 0, 1, 0),
        between(PixelStep::Greatest, &[1], 2, 0),
        step(conv([6, 8], 3), 2, 3, 0),
        between(PixelStep::Copy(scale), &[1], 4, 0),
        step(conv([8, 16], 1).shuffled(), 3, 4, 6),
        step(conv([10, 7], 3), 4, 5, 0),
    ];
    let last = conv([7, 2], 1);
    Network::new(vec![3, 6, 6, 8, 10, 7], steps, (last, 5)).unwrap()
}

/// A residual block with a stride, then a mean: 1 channel to 3 logits.
fn resnet() -> Network {
    let mut noise = Draws::new(5);
    let scales = [Requant::of(0.7 / 256.0), Requant::of(1.2 / 256.0)];
    let steps = vec![
        step(layer(&mut noise, [1, 5], 3, 1), 0, 1, 0),
        step(layer(&mut noise, [5, 6], 3, 2), 1, 2, 0),
        step(layer(&mut noise, [5, 6], 1, 2), 1, 3, 0),
        between(PixelStep::Add { scales, relu: true }, &[2, 3], 4, 0),
        between(PixelStep::Mean(Requant::of(0.02)), &[4], 5, 0),
    ];
    Network::new(vec![1, 5, 6, 6, 6, 6], steps, (layer(&mut noise, [6, 3], 1, 1), 5)).unwrap()
}

fn images(channels: usize, [images, height, width]: [usize; 3]) -> Activations {
    let (shape, mut noise) = (ActivationShape { images, height, width, channels }, Draws::new(77));
    let values: Vec<i16> = (0..shape.pixels() * channels).map(|_| noise.below(16_000) as i16 - 8000).collect();
    Activations::new(shape, &values)
}

#[test]
fn neither_memory_nor_device_changes_a_logit() {
    for (network, input) in [(unet(), images(3, [2, 46, 22])), (resnet(), images(1, [5, 18, 14]))] {
        let cpu = Device::cpu();
        let want = infer(&network, &input, &Run::silent(&cpu)).unwrap();
        let each = if network.reach().is_some() { 46 * 22 * 2 * 2 } else { 5 * 3 };
        assert_eq!(want.len(), each);
        assert!(want.iter().any(|logit| *logit != want[0]));
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for memory in [1, 40_000, 100_000] {
                let run = Run::silent(&cpu).with_memory(memory);
                assert!(pool.install(|| infer(&network, &input, &run).unwrap()) == want, "{threads} threads, {memory} bytes");
            }
        }
        if let Some(gpu) = gpu() {
            let device = Device::gpu(gpu.reopen().unwrap());
            let events = Events::default();
            for memory in [1 << 28, 60_000] {
                assert!(infer(&network, &input, &Run::new(&device, memory, &events)).unwrap() == want, "{memory} bytes");
            }
            assert_eq!(events.all(), [""; 0], "the device did it all");
        }
    }
}

#[test]
fn steps_are_taken_in_their_order() {
    let (network, input) = (resnet(), images(1, [2, 8, 6]));
    let shapes = network.shapes(input.shape).unwrap();
    let mut all: Vec<Activations> = shapes.iter().map(|shape| Activations::zero(*shape)).collect();
    all[0] = input.clone();
    for step in &network.steps {
        let mut out = all[step.to].clone();
        let from: Vec<&Activations> = step.from.iter().map(|number| &all[*number]).collect();
        match &step.layer {
            NetworkLayer::Convolution(layer) => convolve(from[0], layer, &mut out, step.slot),
            NetworkLayer::Pool(what) => apply(what, &from, &mut out, step.slot),
        }
        all[step.to] = out;
    }
    assert_eq!(shapes[5], ActivationShape { images: 2, height: 1, width: 1, channels: 6 });
    let cpu = Device::cpu();
    assert_eq!(infer(&network, &input, &Run::silent(&cpu)).unwrap(), sums(&all[5], &network.last));
    // A pixel of the U-Net sees 1 + 2 (1 + 1) + 1 pixels more on either side, and one of the greatest.
    assert_eq!((unet().reach(), unet().align(), network.reach(), network.align()), (Some(5), 2, None, 2));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut noise = Draws::new(6);
    let mut conv = |channels| layer(&mut noise, channels, 3, 1);
    let refused = |channels: Vec<usize>, steps: Vec<NetworkStep>, last: (Convolution, usize)| {
        Network::new(channels, steps, last).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let last = (conv([4, 2]), 1);
    assert!(refused(vec![3, 4], vec![step(conv([2, 4]), 0, 1, 0)], last.clone()).contains("step 0 does not fit"));
    assert!(refused(vec![3, 4, 4], vec![step(conv([4, 4]), 2, 1, 0)], last.clone()).contains("step 0 reads"));
    assert!(refused(vec![3, 4], vec![step(conv([3, 2]), 0, 1, 0)], last.clone()).contains("last convolution"));
    assert!(refused(vec![3, 4], vec![step(conv([3, 6]), 0, 1, 0)], last.clone()).contains("place"));
    assert!(refused(vec![3, 4], vec![between(PixelStep::Greatest, &[0, 0], 1, 0)], last.clone()).contains("step 0 reads"));
    assert!(refused(Vec::new(), Vec::new(), last).contains("nothing"));
    let cpu = Device::cpu();
    let said = |input: &Activations| infer(&unet(), input, &Run::silent(&cpu)).unwrap_err().to_string();
    assert!(said(&images(3, [1, 7, 8])).contains("multiples of 2") && said(&images(2, [1, 8, 8])).contains("3 channels"));
}
