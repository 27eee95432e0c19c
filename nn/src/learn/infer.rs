//! A trained network that answers: folded, without gradients.

use burn_tensor::{Device, Tensor, TensorData};
use hounsfield::{Error, Result};

use super::Batch;
use super::forward::infer;
use crate::graph::{Network, Place, Weights, fold};

/// A folded network with its arrays on the device.
#[derive(Debug, Clone)]
pub struct Inference {
    network: Network,
    arrays: Vec<Tensor<1>>,
    device: Device,
}

impl Inference {
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

    /// The results for a batch, as they lie: n x classes x height x width.
    ///
    /// # Errors
    /// [`Error::Usage`] if the device gives nothing back.
    pub fn run(&self, batch: &Batch) -> Result<Vec<f32>> {
        let images = Tensor::from_data(TensorData::new(batch.values.clone(), batch.shape), &self.device);
        let results = infer(&self.network, &self.arrays, images);
        results.try_into_vec_as::<f32>().map_err(|_| Error::usage("the device gave no numbers back", "run again on the CPU"))
    }
}
