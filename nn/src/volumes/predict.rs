//! A whole volume by a network for slices: slice by slice, large slices by overlapping tiles, in memory that does not grow with a slice.

use hounsfield::pipelines::DeviceChoice;
use hounsfield::{Error, Result};

use super::slices::{Stack, place};
use crate::learn::{Batch, Inference};
use crate::model::{Model, Task};
use crate::prepare::Normalise;
use crate::train::softmax;

/// How slices are covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// The longest side of a tile.
    pub tile: usize,
    /// By what sides must be divisible.
    pub divisor: usize,
}

/// A network that segments.
#[derive(Debug, Clone)]
pub struct Segmenter {
    /// The network.
    pub inference: Inference,
    /// Classes, the background included.
    pub classes: usize,
    /// Slices seen together.
    pub slices: usize,
    /// How slices are covered.
    pub tiling: Tiling,
}

/// Where tiles begin along an axis, and how long they are.
fn tiles(length: usize, Tiling { tile, divisor }: Tiling) -> (Vec<i64>, usize) {
    let tile = tile.max(divisor).next_multiple_of(divisor);
    if length <= tile {
        let side = length.next_multiple_of(divisor);
        // What is added lies on both sides, and has the values of the nearest pixels.
        return (vec![-(((side - length) / 2) as i64)], side);
    }
    // Half of each tile, at least, is seen by another one.
    let count = (length - tile).div_ceil(tile / 2) + 1;
    ((0..count).map(|i| (i * (length - tile) / (count - 1)) as i64).collect(), tile)
}

/// How much a place in a tile counts: least at the edge, where half of what a network looks at is missing.
fn weight(at: usize, side: usize) -> f32 {
    let from_edge = (at + 1).min(side - at) as f32;
    (from_edge / (side as f32 / 2.0)).clamp(0.05, 1.0)
}

impl Segmenter {
    /// Of a model, with how it measures intensities and along which axes it looks.
    ///
    /// # Errors
    /// [`Error::Usage`] for a model of another kind.
    pub fn of(model: &Model, device: &DeviceChoice) -> Result<(Self, Normalise, Vec<usize>)> {
        let Task::Segment { normalise, slices, tile, planes, .. } = &model.description.task else {
            return Err(Error::usage("a model that tells whole images apart", "give one that segment made"));
        };
        let network = &model.description.network;
        let segmenter = Self {
            inference: model.inference(device)?,
            classes: model.description.classes.len(),
            slices: *slices,
            tiling: Tiling { tile: *tile, divisor: network.divisor() },
        };
        Ok((segmenter, *normalise, planes.clone()))
    }

    /// For one slice the probability of each class, class by class.
    ///
    /// # Errors
    /// As [`Inference::run`].
    pub fn slice(&self, stack: &Stack<'_>, index: usize) -> Result<Vec<f32>> {
        let [width, height] = stack.plane();
        let ((lefts, w), (tops, h)) = (tiles(width, self.tiling), tiles(height, self.tiling));
        let mut sums = vec![0.0_f32; self.classes * width * height];
        let mut weights = vec![0.0_f32; width * height];
        for &top in &tops {
            for &left in &lefts {
                let values = stack.window(index, self.slices, [left, top], [w, h]).concat();
                let results = self.inference.run(&Batch { values, shape: [1, self.slices, h, w] })?;
                for y in 0..h {
                    let v = top + y as i64;
                    for x in 0..w {
                        let u = left + x as i64;
                        if u < 0 || v < 0 || u >= width as i64 || v >= height as i64 {
                            continue;
                        }
                        let own: Vec<f32> = (0..self.classes).map(|c| results[(c * h + y) * w + x]).collect();
                        let (at, share) = (v as usize * width + u as usize, weight(x, w) * weight(y, h));
                        for (c, p) in softmax(&own).into_iter().enumerate() {
                            sums[c * width * height + at] += share * p as f32;
                        }
                        weights[at] += share;
                    }
                }
            }
        }
        sums.chunks_exact_mut(width * height).for_each(|class| class.iter_mut().zip(&weights).for_each(|(p, w)| *p /= w));
        Ok(sums)
    }

    /// The labels of a whole volume: of the mean of what is seen along each of these axes. `step` is told of each slice and may stop.
    ///
    /// # Errors
    /// As [`Inference::run`], or what `step` gives.
    pub fn volume(
        &self,
        values: &[f32],
        size: [usize; 3],
        axes: &[usize],
        step: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<Vec<u8>> {
        use rayon::prelude::*;
        let voxels = values.len();
        // Along one axis, what is not chosen goes at once; along several, the sums are kept.
        let kept = if axes.len() > 1 { voxels } else { 0 };
        let mut sums = vec![0.0_f32; kept * self.classes];
        let mut labels = vec![0_u8; voxels];
        for &axis in axes {
            let stack = Stack::new(values, size, axis);
            let [width, height] = stack.plane();
            let all: Vec<usize> = (0..stack.count()).collect();
            // A few slices at a time, so that memory stays small.
            for some in all.chunks(2 * rayon::current_num_threads()) {
                let one = |&index: &usize| {
                    step()?;
                    self.slice(&stack, index)
                };
                let found: Vec<Vec<f32>> = some.par_iter().map(one).collect::<Result<_>>()?;
                for (&index, found) in some.iter().zip(&found) {
                    for at in 0..width * height {
                        let here = place(size, axis, [index, at % width, at / width]);
                        let of = |c: usize| found[c * width * height + at];
                        if kept > 0 {
                            (0..self.classes).for_each(|c| sums[c * voxels + here] += of(c));
                        } else {
                            labels[here] = choice(self.classes, of);
                        }
                    }
                }
            }
        }
        if kept > 0 {
            labels.iter_mut().enumerate().for_each(|(i, label)| *label = choice(self.classes, |c| sums[c * voxels + i]));
        }
        Ok(labels)
    }
}

/// The most probable class, of equal ones the first.
fn choice(classes: usize, of: impl Fn(usize) -> f32) -> u8 {
    (0..classes).rev().max_by(|&a, &b| of(a).total_cmp(&of(b))).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_place_and_overlap() {
        for (length, tile) in [(128, 256), (130, 64), (64, 64), (65, 64), (1000, 96), (3, 64)] {
            let (starts, side) = tiles(length, Tiling { tile, divisor: 8 });
            assert_eq!(side % 8, 0);
            let covered = |at: i64| starts.iter().any(|start| (*start..start + side as i64).contains(&at));
            assert!((0..length as i64).all(covered), "{length} {tile} {starts:?}");
            assert!(starts.windows(2).all(|pair| pair[1] - pair[0] <= side as i64 / 2 + 1 && pair[1] > pair[0]), "{starts:?}");
        }
    }
}
