//! A trained network in whole numbers, run on the CPU or a GPU with the same bits.
//!
//! A [`Network`] is steps over activations, number 0 being its input, and a last convolution whose sums are told as they are: logits in the scale of that convolution's weights. Trained networks
//! become one by quantisation, which is the business of whoever trains; here they are only run.

mod plan;
mod run;
#[cfg(test)]
mod tests;

pub use plan::{Network, NetworkLayer, NetworkStep};
pub use run::{GpuNetwork, infer};
