//! What is done between convolutions.

use crate::ops::conv2d::{ActivationShape, Requant};

/// What is done with each channel of some activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelStep {
    /// The greatest of 2 x 2 pixels.
    Greatest,
    /// The sum over all pixels of an image, at most 65,536, scaled.
    Mean(Requant),
    /// Each number in another scale.
    Copy(Requant),
    /// Each number in another scale, and that of a second input in one of its own, but not below 0 if that is so.
    Add {
        /// Of both inputs.
        scales: [Requant; 2],
        /// Whether what is below 0 becomes 0.
        relu: bool,
    },
    /// Each pixel four times.
    Double,
}

impl PixelStep {
    /// How many inputs, of one shape.
    pub fn inputs(&self) -> usize {
        if matches!(self, Self::Add { .. }) { 2 } else { 1 }
    }

    /// What comes of activations of this shape.
    pub fn output(&self, input: &ActivationShape) -> ActivationShape {
        let of = |height, width| input.of(height, width, input.channels);
        match self {
            Self::Greatest => of(input.height / 2, input.width / 2),
            Self::Mean(_) => of(1, 1),
            Self::Copy(_) | Self::Add { .. } => *input,
            Self::Double => of(2 * input.height, 2 * input.width),
        }
    }
}
