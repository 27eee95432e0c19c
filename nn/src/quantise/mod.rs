//! A trained network in whole numbers: scales from the greatest activations that were seen, weights of 8 bits, and the engine's exact layers.

mod exact;
mod layers;

pub use exact::Exact;
pub use layers::Ranges;
