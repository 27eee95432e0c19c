//! Images as they could have been: turned, moved, darker, noisier. Each draw belongs to a seed, an epoch and an image, so that a training can be repeated and
//! resumed.

mod elastic;
mod intensity;
mod warp;

use serde::{Deserialize, Serialize};

use crate::random::Random;
use warp::Warp;

/// How far images may be changed. 0 leaves a change out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Degrees, either way.
    pub rotation: f64,
    /// Share of the side, along each axis, either way.
    pub shift: f64,
    /// 0.1: from 1 / 1.1 to 1.1 times, and along one axis against the other by half of that.
    pub zoom: f64,
    /// 0.3: exponents from 1 / 1.3 to 1.3 over the range of the image.
    pub gamma: f64,
    /// Contrast around the mean and brightness, as a share of the standard deviation; without effect where images are normalised by their own spread.
    pub contrast: f64,
    /// Standard deviation of the noise, as a share of that of the image; each image draws its own up to this.
    pub noise: f64,
    /// Standard deviation, in pixels, of a blur; each image draws its own up to this, half of them none.
    pub blur: f64,
    /// The largest side of a patch that becomes the mean, as a share of the side; half of the images have one.
    pub cut_out: f64,
    /// Whether left and right are exchanged in half of the images.
    pub flip: bool,
    /// Displacements of an elastic deformation: standard deviation as a share of the side.
    pub elastic: f64,
    /// A gain that changes smoothly over the image, as coils of MR have it: standard deviation of its logarithm.
    pub bias: f64,
}

impl Augmentation {
    /// Nothing changes.
    pub const NONE: Self = Self {
        rotation: 0.0,
        shift: 0.0,
        zoom: 0.0,
        gamma: 0.0,
        contrast: 0.0,
        noise: 0.0,
        blur: 0.0,
        cut_out: 0.0,
        flip: false,
        elastic: 0.0,
        bias: 0.0,
    };

    /// Radiographs: left and right stay, for hearts lie left.
    pub const RADIOGRAPH: Self = Self {
        rotation: 12.0,
        shift: 0.08,
        // Enlarged normal lungs looked ill to a network that had seen 0.15.
        zoom: 0.3,
        gamma: 0.5,
        contrast: 0.2,
        noise: 0.15,
        blur: 0.8,
        cut_out: 0.3,
        ..Self::NONE
    };

    /// Slices of volumes.
    pub const SLICE: Self = Self {
        rotation: 15.0,
        shift: 0.06,
        zoom: 0.2,
        gamma: 0.4,
        contrast: 0.2,
        noise: 0.1,
        blur: 0.5,
        bias: 0.3,
        ..Self::NONE
    };

    /// Changes the channels of an image of `width` columns, and its labels along with them.
    pub fn apply(&self, random: &mut Random, width: usize, channels: &mut [Vec<f32>], labels: Option<&mut Vec<u8>>) {
        let height = channels.first().map_or(0, |channel| channel.len() / width);
        let warp = self.warp(random, width, height);
        if let Some(warp) = &warp {
            channels.iter_mut().for_each(|channel| *channel = warp.smooth(channel));
            if let Some(labels) = labels {
                *labels = warp.nearest(labels);
            }
        }
        intensity::change(self, random, width, channels);
    }

    /// Where each pixel of the result comes from; none if everything stays in its place.
    fn warp(&self, random: &mut Random, width: usize, height: usize) -> Option<Warp> {
        let both = |random: &mut Random, most: f64| random.between(-most, most);
        let times = |random: &mut Random, most: f64| (1.0 + most).powf(random.between(-1.0, 1.0));
        let angle = both(random, self.rotation).to_radians();
        let shift = [both(random, self.shift) * width as f64, both(random, self.shift) * height as f64];
        let (zoom, stretch) = (times(random, self.zoom), times(random, self.zoom / 2.0));
        let flip = random.happens(0.5) && self.flip;
        let moved = [self.rotation, self.shift, self.zoom, self.elastic].iter().any(|most| *most > 0.0);
        if !moved && !flip {
            return None;
        }
        let mut warp = Warp::affine([width, height], angle, [zoom * stretch, zoom / stretch], shift, flip);
        if self.elastic > 0.0 {
            warp.displace(&elastic::field(random, [width, height], self.elastic * width as f64));
        }
        Some(warp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Vec<Vec<f32>> {
        vec![(0..256).map(|i| (i % 16) as f32 + (i / 16) as f32 * 0.5).collect()]
    }

    #[test]
    fn the_same_draw_gives_the_same_image_and_none_gives_the_image_itself() {
        let of = |augmentation: Augmentation, number| {
            let mut channels = ramp();
            augmentation.apply(&mut Random::new(3, "test", number), 16, &mut channels, None);
            channels
        };
        let strong = Augmentation { flip: true, elastic: 0.05, ..Augmentation::RADIOGRAPH };
        assert_eq!(of(strong, 1), of(strong, 1));
        assert_ne!(of(strong, 1), of(strong, 2));
        assert_eq!(of(Augmentation::NONE, 1), ramp());
    }

    #[test]
    fn labels_move_with_the_image() {
        // A bright square and its label: after any warp the label lies where it is bright.
        let square = |i: usize| (10..20).contains(&(i % 32)) && (6..18).contains(&(i / 32));
        for number in 0..20 {
            let mut channels = vec![(0..1024).map(|i| if square(i) { 100.0 } else { 0.0 }).collect::<Vec<f32>>()];
            let mut labels: Vec<u8> = (0..1024).map(|i| u8::from(square(i))).collect();
            let only = Augmentation { rotation: 30.0, shift: 0.1, zoom: 0.3, flip: true, elastic: 0.03, ..Augmentation::NONE };
            only.apply(&mut Random::new(1, "labels", number), 32, &mut channels, Some(&mut labels));
            let wrong =
                channels[0].iter().zip(&labels).filter(|(v, l)| (**v > 50.0) != (**l == 1) && (**v - 50.0).abs() > 1e-3).count();
            assert!(wrong <= 12, "{wrong} of 1024 pixels, draw {number}");
            assert!(labels.iter().filter(|l| **l == 1).count() > 40);
        }
    }
}
