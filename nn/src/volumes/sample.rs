//! Patches to learn from: most of them where there is something to find.

use super::slices::{Stack, place};
use super::{Cut, Labelled};
use crate::augment::Augmentation;
use crate::random::Random;

/// How patches are drawn.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sampling {
    /// Columns and rows.
    pub side: usize,
    /// Slices seen together.
    pub slices: usize,
    /// The share of patches with a voxel of a structure near their middle.
    pub foreground: f64,
}

/// A patch: its channels, and the label of each pixel of the middle one.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// Channel by channel.
    pub channels: Vec<Vec<f32>>,
    /// Row by row.
    pub labels: Vec<u8>,
}

/// What each volume holds, so that a voxel of a class is found at once.
#[derive(Debug, Clone)]
pub struct Index {
    /// For each volume and class but the background, the places of its voxels.
    places: Vec<Vec<Vec<u32>>>,
}

impl Index {
    /// Of volumes with so many classes.
    pub fn new(volumes: &[Labelled], classes: usize) -> Self {
        let of = |volume: &Labelled| {
            let mut places = vec![Vec::new(); classes - 1];
            for (i, &label) in volume.labels.iter().enumerate().filter(|(_, label)| **label > 0) {
                places[usize::from(label) - 1].push(i as u32);
            }
            places
        };
        Self { places: volumes.iter().map(of).collect() }
    }
}

impl Sampling {
    /// Draws a patch of some volume along some of these axes, changed as training sees it.
    pub fn draw(&self, random: &mut Random, volumes: &[Labelled], index: &Index, axes: &[usize], how: &Augmentation) -> Draw {
        let number = random.below(volumes.len());
        let (volume, axis) = (&volumes[number], axes[random.below(axes.len())]);
        let stack = Stack::new(&volume.values, volume.size, axis);
        let [across, down] = Cut { axis, slices: self.slices }.plane();
        let wanted = random.happens(self.foreground);
        let classes: Vec<&Vec<u32>> = index.places[number].iter().filter(|places| !places.is_empty()).collect();
        let centre = if wanted && !classes.is_empty() {
            let places = classes[random.below(classes.len())];
            let at = places[random.below(places.len())] as usize;
            [at % volume.size[0], at / volume.size[0] % volume.size[1], at / (volume.size[0] * volume.size[1])]
        } else {
            volume.size.map(|n| random.below(n))
        };
        // The voxel lies anywhere in the middle half of the patch.
        let corner = |axis: usize, random: &mut Random| {
            let jitter = random.below(self.side / 2 + 1) as i64 - (self.side / 4) as i64;
            let from = centre[axis] as i64 + jitter - self.side as i64 / 2;
            // Patches lie within slices that are larger, and about the middle of smaller ones.
            let room = volume.size[axis] as i64 - self.side as i64;
            if room >= 0 { from.clamp(0, room) } else { room / 2 }
        };
        let corner = [corner(across, random), corner(down, random)];
        let mut channels = stack.window(centre[axis], self.slices, corner, [self.side; 2]);
        let inside = |at: i64, n: usize| at.clamp(0, n as i64 - 1) as usize;
        let label = |i: usize| {
            let (u, v) = (corner[0] + (i % self.side) as i64, corner[1] + (i / self.side) as i64);
            let at = [centre[axis], inside(u, volume.size[across]), inside(v, volume.size[down])];
            volume.labels[place(volume.size, axis, at)]
        };
        let mut labels: Vec<u8> = (0..self.side * self.side).map(label).collect();
        how.apply(random, self.side, &mut channels, Some(&mut labels));
        Draw { channels, labels }
    }
}
