//! A made-up left ventricle that beats: frames of magnitude images and the labels that are true of them.

use super::noise;
use crate::volume::{Dtype, Geometry, Header, Position, Shape, Unit};

/// A ventricle of known volume in every frame: an ellipsoid of blood within a wall of muscle.
#[derive(Debug, Clone, PartialEq)]
pub struct HeartPhantom {
    /// Voxels along x, y, z.
    pub size: [u64; 3],
    pub spacing_mm: [f64; 3],
    /// Of one beat.
    pub frames: u64,
    /// Of one beat.
    pub period_s: f64,
    /// Largest volume of blood, at the first frame, and smallest, in mL.
    pub volumes_ml: [f64; 2],
    /// Of muscle, which keeps its volume, in mL.
    pub wall_ml: f64,
    /// Decides the noise.
    pub seed: u64,
}

impl Default for HeartPhantom {
    /// An ejection fraction of 60 %.
    fn default() -> Self {
        Self {
            size: [96, 96, 56],
            spacing_mm: [1.25, 1.25, 2.0],
            frames: 20,
            period_s: 0.8,
            volumes_ml: [120.0, 48.0],
            wall_ml: 100.0,
            seed: 1,
        }
    }
}

/// Labels.
const BLOOD: u8 = 1;
const MUSCLE: u8 = 2;

/// How long the ventricle is beside its width.
const LENGTH: f64 = 1.8;

impl HeartPhantom {
    /// The volume of blood in a frame, in mL: a cosine from the largest to the smallest and back.
    pub fn volume_ml(&self, frame: u64) -> f64 {
        let [most, least] = self.volumes_ml;
        // From 1 to 0 and back.
        let phase = 2.0 * std::f64::consts::PI * frame as f64 / self.frames as f64;
        least + (most - least) * (1.0 + phase.cos()) / 2.0
    }

    /// The share of the largest volume that is ejected.
    pub fn ejection_fraction(&self) -> f64 {
        let smallest = (0..self.frames).map(|frame| self.volume_ml(frame)).fold(f64::INFINITY, f64::min);
        1.0 - smallest / self.volume_ml(0)
    }

    /// Header of the images, or of the labels: axes to the left, to the back and upwards.
    pub fn header(&self, labels: bool) -> Header {
        let [nx, ny, nz] = self.size;
        let shape = Shape::new(&[nx, ny, nz, self.frames]).unwrap_or_else(|| unreachable!("a phantom has voxels"));
        Header::new(shape, if labels { Dtype::U8 } else { Dtype::I16 }).with(|header| {
            let origin_mm = [0, 1, 2].map(|axis| (0.5 - self.size[axis] as f64 / 2.0) * self.spacing_mm[axis]);
            let direction = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            header.grid.geometry =
                Some(Geometry { position: Some(Position { origin_mm, direction }), ..Geometry::spacing(self.spacing_mm) });
            header.grid.time_step_s = Some(self.period_s / self.frames as f64);
            header.meaning.labels = labels;
            header.meaning.unit = Unit::Unknown;
        })
    }

    /// Labels of a frame: 1 is blood, 2 muscle.
    pub fn labels(&self, frame: u64) -> Vec<u8> {
        // Semi-axes across of an ellipsoid of so many mL.
        let across = |ml: f64| (ml * 1000.0 * 3.0 / (4.0 * std::f64::consts::PI * LENGTH)).cbrt();
        let blood = self.volume_ml(frame);
        let [inner, outer] = [across(blood), across(blood + self.wall_ml)];
        let [nx, ny, nz] = self.size;
        let mut out = Vec::with_capacity((nx * ny * nz) as usize);
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let mm = |at: u64, axis: usize| (at as f64 + 0.5 - self.size[axis] as f64 / 2.0) * self.spacing_mm[axis];
                    let far = (mm(x, 0).powi(2) + mm(y, 1).powi(2) + (mm(z, 2) / LENGTH).powi(2)).sqrt();
                    out.push(if far <= inner {
                        BLOOD
                    } else if far <= outer {
                        MUSCLE
                    } else {
                        0
                    });
                }
            }
        }
        out
    }

    /// The image of a frame: bright blood, dark muscle, noise.
    pub fn voxels(&self, frame: u64) -> Vec<i16> {
        let labels = self.labels(frame);
        let each = labels.len() as u64;
        let value = |(i, label): (usize, &u8)| {
            let mean = [60.0, 400.0, 150.0][usize::from(*label)];
            (mean + 20.0 * noise(self.seed, frame * each + i as u64)).round().max(0.0) as i16
        };
        labels.iter().enumerate().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_holds_the_volume_that_it_says() {
        let heart = HeartPhantom::default();
        let voxel_ml = heart.spacing_mm.iter().product::<f64>() / 1000.0;
        for frame in 0..heart.frames {
            let labels = heart.labels(frame);
            let count = |label: u8| labels.iter().filter(|own| **own == label).count() as f64 * voxel_ml;
            let off = |got: f64, want: f64| (got - want).abs() / want;
            assert!(off(count(BLOOD), heart.volume_ml(frame)) < 0.01, "{frame}: {}", count(BLOOD));
            assert!(off(count(MUSCLE), heart.wall_ml) < 0.02, "{frame}: {}", count(MUSCLE));
        }
        assert!((heart.ejection_fraction() - 0.6).abs() < 1e-12);
        assert_eq!(heart.voxels(3).len() as u64 * heart.frames, heart.header(false).grid.shape.voxels());
        assert_eq!(heart.voxels(2), heart.voxels(2));
    }
}
