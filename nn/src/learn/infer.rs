//! A trained network that answers: folded, without gradients; in floats, or in whole numbers.

use std::sync::Arc;

use burn_tensor::{Device, Tensor, TensorData};
use hounsfield::{Error, Result};

use super::Batch;
use super::convolution::numbers;
use super::forward::infer;
use crate::graph::{Network, Place, Weights, fold};
use crate::quantise::{Exact, Ranges};

/// A network that answers.
#[derive(Debug, Clone)]
pub enum Inference {
    /// In floats.
    Floats(Folded),
    /// In whole numbers.
    Exact(Arc<Exact>),
}

/// A folded network with its arrays on the device.
#[derive(Debug, Clone)]
pub struct Folded {
    network: Network,
    arrays: Vec<Tensor<1>>,
    device: Device,
}

impl Inference {
    /// Of a trained network, in floats.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn new(network: &Network, weights: &Weights) -> Result<Self> {
        Ok(Self::Floats(Folded::new(network, weights)?))
    }

    /// The results for a batch, as they lie: n x classes x height x width.
    ///
    /// # Errors
    /// [`Error::Usage`] if the device gives nothing back.
    pub fn run(&self, batch: &Batch) -> Result<Vec<f32>> {
        match self {
            Self::Floats(folded) => folded.run(batch, |_, _| ()),
            Self::Exact(exact) => exact.run(batch),
        }
    }
}

impl Folded {
    /// Of a trained network.
    ///
    /// # Errors
    /// As [`Network::channel_counts`].
    pub fn new(network: &Network, weights: &Weights) -> Result<Self> {
        let (network, weights) = fold(network, weights)?;
        let device = Device::flex();
        let tensor = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
        let arrays = network
            .parameters()?
            .iter()
            .filter_map(|parameter| match &parameter.place {
                Place::Trained(place) => Some(tensor(&weights.trained[place.clone()])),
                Place::Running(_) => None,
            })
            .collect();
        Ok(Self { network, arrays, device })
    }

    /// Widens ranges, which begin at 0, to what a batch makes of the image and of all layers.
    ///
    /// # Errors
    /// As [`Inference::run`].
    pub fn widen(&self, batch: &Batch, ranges: &mut Ranges) -> Result<()> {
        ranges.resize(self.network.nodes.len() + 1, 0.0);
        let look = |at: usize, result: &Tensor<4>| {
            let most = numbers(result.clone().abs().max().reshape([1])).into_iter().fold(ranges[at], f32::max);
            ranges[at] = most;
        };
        self.run(batch, look).map(|_| ())
    }

    fn run(&self, batch: &Batch, look: impl FnMut(usize, &Tensor<4>)) -> Result<Vec<f32>> {
        let images = Tensor::from_data(TensorData::new(batch.values.clone(), batch.shape), &self.device);
        let results = infer(&self.network, &self.arrays, images, look);
        results.try_into_vec_as::<f32>().map_err(|_| Error::usage("the device gave no numbers back", "run again on the CPU"))
    }
}
