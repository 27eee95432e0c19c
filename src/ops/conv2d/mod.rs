//! Convolutions of a trained network in whole numbers: the same sums on every device.
//!
//! - **Input**: [`Activations`]: images of 16-bit numbers, channels of a pixel beside each other; a [`Convolution`] with weights of 8 bits, a bias of 32 bits and a [`Requant`] for each output channel.
//! - **Output**: activations into some channels of other ones, or sums of 32 bits as they are ([`sums`]).
//! - **Formula**: sum(y, x, o) = bias(o) + Σ w(o, ky, kx, i) · a(stride · y + ky - pad, stride · x + kx - pad, i); the result is Requant(sum) within the range, whose lower end is 0 for a ReLU.
//!   With [`shuffle`](Convolution::shuffle) output channel q · C + c of a pixel is channel c of pixel (2 y + q / 2, 2 x + q mod 2): a transposed convolution of 2 x 2 with stride 2.
//! - **Border**: zeros. **NaN/Inf**: none.
//! - **Exactness**: Exact: sums fit 32 bits, which [`Convolution::new`] makes sure of.
//! - **Cost**: a multiplication for each weight and output pixel; the CPU does 128 in about five cycles.
//! - **Errors**: [`GpuError::Input`](crate::engine::GpuError) for buffers of other sizes; the CPU panics.
//! - **Agrees with**: onnxruntime's and PyTorch's float convolutions within the rounding of weights and activations.

mod activations;
mod case;
mod cpu;
mod gpu;
mod layer;

#[cfg(test)]
mod tests;

pub use activations::{ActivationShape, Activations, ChannelSlot};
pub(crate) use case::cases;
pub use cpu::{convolve, sums};
pub use gpu::{GpuConvolution, SHADER, upload};
pub use layer::{Convolution, Requant};
