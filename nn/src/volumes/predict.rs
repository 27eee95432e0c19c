//! A whole volume by a network for slices: slice by slice, large slices by overlapping tiles; along one axis in memory that does not grow with the number of slices.

use std::ops::Range;

use hounsfield::io::Sink;
use hounsfield::pipelines::DeviceChoice;
use hounsfield::{Error, Result};
use rayon::prelude::*;

use super::slices::{Stack, place};
use super::stream::{Streamed, stack};
use super::{Labelled, Pair, read_pair};
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

/// How a network looks at volumes.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// How intensities are measured, over the whole volume.
    pub normalise: Normalise,
    /// Along which axes slices are cut.
    pub axes: Vec<usize>,
    /// Where axes point, if it is known of the volumes that it learnt from.
    pub orientation: Option<String>,
    /// Steps of `hounsfield map` that volumes go through.
    pub steps: Option<String>,
}

impl Look {
    /// Reads a volume with its labels as the network sees it.
    ///
    /// # Errors
    /// As [`read_pair`].
    pub fn read(&self, pair: &Pair, classes: usize) -> Result<Labelled> {
        read_pair(pair, self, Some(classes))
    }
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
    /// Of a model, with how it looks at volumes.
    ///
    /// # Errors
    /// [`Error::Usage`] for a model of another kind.
    pub fn of(model: &Model, device: &DeviceChoice) -> Result<(Self, Look)> {
        let Task::Segment { normalise, slices, tile, planes, orientation, .. } = &model.description.task else {
            return Err(Error::usage("a model that tells whole images apart", "give one that segment made"));
        };
        let network = &model.description.network;
        let segmenter = Self {
            inference: model.inference(device)?,
            classes: model.description.classes.len(),
            slices: *slices,
            tiling: Tiling { tile: *tile, divisor: network.divisor() },
        };
        let steps = model.description.steps.clone();
        Ok((segmenter, Look { normalise: *normalise, axes: planes.clone(), orientation: orientation.clone(), steps }))
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

    /// Labels of a volume in its file, written where they lie in it. `step` is told of each slice and may stop.
    ///
    /// # Errors
    /// What reading, the network or writing gives, or `step`.
    pub fn stream(
        &self,
        volume: &Streamed,
        axes: &[usize],
        step: &(dyn Fn() -> Result<()> + Sync),
        sink: &dyn Sink,
    ) -> Result<()> {
        let size = volume.size();
        if !volume.by_slices(axes) {
            let values = volume.whole(self.classes)?;
            return volume.write(0..size[2], self.volume(&values, size, axes, step)?, sink);
        }
        for first in (0..size[2]).step_by(at_once()) {
            let slices = first..(first + at_once()).min(size[2]);
            let (values, all) = volume.around(&slices, self.slices / 2)?;
            let found = self.chosen(&stack(&values, size, &all), first - all.start..slices.end - all.start, step)?;
            volume.write(slices, found, sink)?;
        }
        Ok(())
    }

    /// The labels of some slices of a stack.
    fn chosen(&self, stack: &Stack<'_>, slices: Range<usize>, step: &(dyn Fn() -> Result<()> + Sync)) -> Result<Vec<u8>> {
        let pixels: usize = stack.plane().iter().product();
        let one = |index: usize| {
            step()?;
            let found = self.slice(stack, index)?;
            Ok((0..pixels).map(|at| choice(self.classes, |c| found[c * pixels + at])).collect::<Vec<u8>>())
        };
        Ok(slices.into_par_iter().map(one).collect::<Result<Vec<_>>>()?.concat())
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
        if axes == [2] {
            return self.chosen(&Stack::new(values, size, 2), 0..size[2], step);
        }
        let voxels = values.len();
        let mut sums = vec![0.0_f32; voxels * self.classes];
        for &axis in axes {
            let stack = Stack::new(values, size, axis);
            let [width, height] = stack.plane();
            let all: Vec<usize> = (0..stack.count()).collect();
            // A few slices at a time, so that memory stays small.
            for some in all.chunks(at_once()) {
                let one = |&index: &usize| {
                    step()?;
                    self.slice(&stack, index)
                };
                let found: Vec<Vec<f32>> = some.par_iter().map(one).collect::<Result<_>>()?;
                for (&index, found) in some.iter().zip(&found) {
                    for at in 0..width * height {
                        let here = place(size, axis, [index, at % width, at / width]);
                        (0..self.classes).for_each(|c| sums[c * voxels + here] += found[c * width * height + at]);
                    }
                }
            }
        }
        Ok((0..voxels).map(|i| choice(self.classes, |c| sums[c * voxels + i])).collect())
    }
}

/// Slices that are worked on together.
fn at_once() -> usize {
    2 * rayon::current_num_threads()
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
