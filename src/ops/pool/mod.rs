//! What a trained network does between its convolutions, in whole numbers: the greatest of 2 x 2, the mean of an image, sums, copies in another scale, doubled pixels.
//!
//! - **Input**: [`Activations`](crate::ops::conv2d::Activations).
//! - **Output**: activations in some channels of other ones.
//! - **Formula**: [`PixelStep`] has that of each. A number in another scale is [`Requant`](crate::ops::conv2d::Requant)(256 a): factors up to 127.
//! - **Border**: an odd last row or column is left out by the greatest of 2 x 2, as by PyTorch's `max_pool2d`.
//! - **NaN/Inf**: none.
//! - **Exactness**: Exact: whole numbers of 32 bits.
//! - **Cost**: each number is read once and written once.
//! - **Errors**: [`GpuError::Input`](crate::engine::GpuError) for buffers of other sizes; the CPU panics.
//! - **Agrees with**: PyTorch's `max_pool2d`, `adaptive_avg_pool2d` and nearest `interpolate` within the rounding of activations.

mod case;
mod cpu;
mod gpu;
mod step;

#[cfg(test)]
mod tests;

pub(crate) use case::cases;
pub use cpu::apply;
pub use gpu::{SHADER, encode};
pub use step::PixelStep;
