//! What is done to every image before a network sees it, the same in training and afterwards: the model keeps it.

mod normalise;
mod resize;
mod steps;

pub use normalise::{Normalise, Scale};
pub use resize::resize;
pub use steps::{plane_through, steps, through};

use serde::{Deserialize, Serialize};

use crate::data::Plane;

/// What of an image is taken where it is not square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// The square in the middle.
    Centre,
    /// All of it, squeezed into a square.
    None,
}

/// From pixels to those that a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Columns and rows.
    pub side: usize,
    /// What is taken.
    pub crop: Crop,
}

impl Frame {
    /// The pixels, row by row. Larger images are averaged, so that nothing aliases; smaller ones are interpolated.
    pub fn apply(&self, image: &Plane) -> Vec<f32> {
        let middle;
        let image = match self.crop {
            Crop::Centre if image.width != image.height => {
                middle = centre(image);
                &middle
            }
            _ => image,
        };
        resize(image, [self.side; 2]).values
    }
}

/// The square in the middle.
fn centre(image: &Plane) -> Plane {
    let side = image.width.min(image.height);
    let (left, top) = ((image.width - side) / 2, (image.height - side) / 2);
    let row = |y: usize| &image.values[(top + y) * image.width + left..][..side];
    Plane { width: side, height: side, values: (0..side).flat_map(row).copied().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_wide_image_is_taken() {
        let image = Plane { width: 4, height: 2, values: (0..8).map(|i| i as f32).collect() };
        assert_eq!(Frame { side: 2, crop: Crop::Centre }.apply(&image), [1.0, 2.0, 5.0, 6.0]);
        let all = Frame { side: 2, crop: Crop::None }.apply(&image);
        assert!(all[0] > 0.0 && all[0] < 1.0 && all[1] > 2.0, "{all:?}");
    }
}
