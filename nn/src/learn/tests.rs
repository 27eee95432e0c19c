//! The same weights, batches and steps as in PyTorch, whose numbers `tests/oracles/check_learn_torch.py` prints.

use super::{Batch, CrossEntropy, DiceCrossEntropy, Inference, Learner, Objective, Settings};
use crate::graph::{Network, ParameterRole, Place, Weights, resnet, unet};

const RESNET_BEFORE: [f64; 8] = [0.0348996, -0.0657235, 0.0365213, -0.0756557, 0.0266159, -0.0581491, 0.0313770, -0.0920952];
const RESNET_LOSSES: [f64; 12] = [
    0.7370092, 0.6752911, 0.6602129, 0.6431783, 0.6073869, 0.5993586, 0.5687441, 0.5258953, 0.4889498, 0.4770735, 0.4362378,
    0.3763196,
];
const RESNET_AFTER: [f64; 8] = [0.2463410, -0.2683582, 0.1282236, -0.1705812, 0.2268928, -0.3138574, 0.1184286, -0.1828233];
const UNET_BEFORE: [f64; 8] = [-0.5506685, -0.1466728, 0.1278296, -0.0855910, -0.0495755, 0.0584945, -0.1016322, -0.0592760];
const UNET_LOSSES: [f64; 12] = [
    0.9720613, 0.9429700, 0.9454489, 0.9558946, 0.9281535, 0.9228219, 0.8914447, 0.9235212, 0.8587310, 0.8732376, 0.8654308,
    0.8585140,
];
const UNET_AFTER: [f64; 8] = [-0.3040937, -0.0981287, 0.1870312, 0.1116094, -0.1956029, -0.0371979, 0.0789500, -0.0097983];

const RATE: f64 = 1e-3;
const SETTINGS: Settings = Settings { decay: 0.01, kept: 0.9, parts: 1 };

/// A number from -0.5 to 0.5, exact in both languages.
fn noise(i: u64) -> f64 {
    (i.wrapping_mul(2_654_435_761) % (1 << 32)) as f64 / (1_u64 << 32) as f64 - 0.5
}

/// Weights of variance 2 / inputs from the formula, counted over all numbers that are trained; all else as it begins.
fn fill(network: &Network) -> Weights {
    let mut all = Weights::initial(network, 0).unwrap();
    for parameter in network.parameters().unwrap() {
        if let (ParameterRole::Weight, Place::Trained(range)) = (parameter.role, parameter.place) {
            let spread = (24.0 / parameter.inputs as f64).sqrt();
            range.for_each(|i| all.trained[i] = (noise(i as u64) * spread) as f32);
        }
    }
    all
}

/// Odd images are brighter in their upper half.
fn images(step: u64, shape: [usize; 4]) -> Batch {
    let pixels = shape[2] * shape[3];
    let value = |i: usize| {
        let (image, row) = (i / (shape[1] * pixels), i % pixels / shape[3]);
        let more = if image % 2 == 1 && row < shape[2] / 2 { 0.25 } else { 0.0 };
        (noise(step * 1_000_003 + i as u64) * 2.0 + more) as f32
    };
    Batch { values: (0..shape.iter().product()).map(value).collect(), shape }
}

/// A box in each image; in odd ones a smaller one.
fn boxes() -> Vec<u8> {
    let of = |image: usize, y: usize, x: usize| match image {
        0 => (8..24).contains(&y) && (8..24).contains(&x),
        _ => (4..12).contains(&y) && (12..28).contains(&x),
    };
    (0..2 * 32 * 32).map(|i| u8::from(of(i / 1024, i / 32 % 32, i % 32))).collect()
}

#[track_caller]
fn near(what: &str, own: &[f64], wanted: &[f64], tolerance: f64) {
    let far = own.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(own.len() == wanted.len() && far < tolerance, "{what}: {far:e} away\n{own:?}\n{wanted:?}");
}

fn agrees(network: Network, shape: [usize; 4], objective: &dyn Objective, [before, losses, after]: [&[f64]; 3]) {
    let mut learner = Learner::new(network.clone(), SETTINGS, 0).unwrap();
    learner.weights = fill(&network);
    let answers = |weights: &Weights| {
        let all = Inference::new(&network, weights).unwrap().run(&images(0, shape)).unwrap();
        all[..8].iter().map(|value| f64::from(*value)).collect::<Vec<_>>()
    };
    near("logits before", &answers(&learner.weights), before, 1e-5);
    let step = |step| f64::from(learner.step(&images(step, shape), objective, RATE).unwrap());
    let own: Vec<f64> = (0..losses.len() as u64).map(step).collect();
    // AdamW divides by small numbers: what is rounded otherwise in one step is far larger ten steps later.
    near("first losses", &own[..6], &losses[..6], 1e-5);
    near("losses", &own, losses, 3e-3);
    near("logits after", &answers(&learner.weights), after, 2e-2);
}

#[test]
fn a_resnet_learns_as_in_pytorch() {
    let classes: Vec<usize> = (0..16).map(|i| i % 2).collect();
    let objective = CrossEntropy::new(&classes, &[1.0; 2], 0.0);
    agrees(resnet(1, 28, 2, 8), [16, 1, 28, 28], &objective, [&RESNET_BEFORE, &RESNET_LOSSES, &RESNET_AFTER]);
}

#[test]
fn a_u_net_learns_as_in_pytorch() {
    let objective = DiceCrossEntropy { labels: boxes(), classes: 2, pixels: 1024, images: 2 };
    agrees(unet(3, 2, [4, 3]), [2, 3, 32, 32], &objective, [&UNET_BEFORE, &UNET_LOSSES, &UNET_AFTER]);
}
