//! Training: arrays in, arrays out, on burn's tensors. Nothing here reads a file, knows a command line, or says what a result means.

mod adamw;
mod average;
mod convolution;
mod forward;
mod infer;
mod learner;
mod loss;
mod rate;
#[cfg(test)]
mod tests;

pub use adamw::AdamW;
pub use infer::{Folded, Inference};
pub use learner::{Batch, Learner, Settings};
pub use loss::{CrossEntropy, DiceCrossEntropy, Objective};
pub use rate::Rate;
