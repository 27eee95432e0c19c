//! A network in whole numbers that answers as one in floats does.

use hounsfield::Result;
use hounsfield::ops::conv2d::{ActivationShape, Activations};
use hounsfield::pipelines::{Device, Run, infer};

use super::layers::{Layers, Ranges, layers, quantised};
use crate::graph::{Network, Weights, fold};
use crate::learn::Batch;

/// A network in whole numbers, on the CPU or a GPU, with the same bits.
#[derive(Debug)]
pub struct Exact {
    layers: Layers,
    device: Device,
}

/// Bytes for activations; results do not depend on it.
const MEMORY_BYTES: u64 = 256 << 20;

impl Exact {
    /// Of a trained network whose activations lie in these ranges, for images of `side` columns and rows where it takes their mean.
    ///
    /// # Errors
    /// What [`layers`] gives.
    pub fn new(network: &Network, weights: &Weights, (ranges, side): (&Ranges, usize), device: Device) -> Result<Self> {
        let (network, weights) = fold(network, weights)?;
        Ok(Self { layers: layers(&network, &weights, ranges, side)?, device })
    }

    /// The results for a batch as they lie: n x classes x height x width.
    ///
    /// # Errors
    /// What [`infer`] gives.
    pub fn run(&self, batch: &Batch) -> Result<Vec<f32>> {
        let [images, channels, height, width] = batch.shape;
        let mut values = Vec::with_capacity(batch.values.len());
        for image in batch.values.chunks_exact((channels * height * width).max(1)) {
            for pixel in 0..height * width {
                values.extend((0..channels).map(|c| quantised(image[c * height * width + pixel], self.layers.input_unit)));
            }
        }
        let input = Activations::new(ActivationShape { images, height, width, channels }, &values);
        let run = Run::silent(&self.device).with_memory(MEMORY_BYTES);
        let found = infer(&self.layers.network, &input, &run)?;
        let (classes, unit) = (self.layers.network.outputs(), self.layers.result_unit);
        let each = found.len() / images.max(1);
        let mut results = Vec::with_capacity(found.len());
        for image in found.chunks_exact(each.max(1)) {
            for class in 0..classes {
                results.extend(image.iter().skip(class).step_by(classes).map(|sum| (f64::from(*sum) * unit) as f32));
            }
        }
        Ok(results)
    }
}
