//! How the gain varies over the volume.

use super::{BlockGrid, BlockSums, LevelSpace, MOST_NODE, NODES_PER_NAT, TissueClass};

/// Full widths at half maximum in a standard deviation.
const WIDTHS: f64 = 2.354_820_045_030_949_3;

/// Beyond so many standard deviations nothing counts.
const REACH: f64 = 4.0;

/// A gain that is estimated from what voxels of each class are too bright or too dark by, smoothed with a Gaussian.
#[derive(Debug, Clone, Copy)]
pub struct SmoothField {
    grid: BlockGrid,
    spacing_mm: [f64; 3],
    width_mm: f64,
}

impl SmoothField {
    /// Over blocks of voxels so far apart; `width_mm` is the full width at half maximum of the Gaussian.
    pub fn new(grid: BlockGrid, spacing_mm: [f64; 3], width_mm: f64) -> Self {
        Self { grid, spacing_mm, width_mm }
    }

    /// The nodes of a channel, in 1/4096 nat: the mean of ln w - ln of its class's mean over the voxels near a node, each weighted by how surely its class tells brightness, (mean / std)²; 0 in the mean
    /// of all of them.
    pub fn nodes(&self, sums: &BlockSums, classes: &[TissueClass], (channel, space): (usize, LevelSpace)) -> Vec<i32> {
        let (per_level, of) = (space.per_level(), |class: &TissueClass| class.of_channel(channel));
        let sure = |class: &TissueClass| (of(class).0 / of(class).1).powi(2);
        let [mut off, mut weight] = [vec![0.0; self.grid.len()], vec![0.0; self.grid.len()]];
        let blocks = sums.weights.chunks_exact(classes.len()).zip(sums.logs.chunks_exact(classes.len()));
        for ((weights, logs), (off, weight)) in blocks.zip(off.iter_mut().zip(&mut weight)) {
            for ((own, log), class) in weights.iter().zip(logs).zip(classes) {
                let own = f64::from(*own);
                let mean = libm::log(per_level * of(class).0.max(1.0 / per_level));
                *off += sure(class) * (f64::from(*log) / 1024.0 - own * mean);
                *weight += sure(class) * own;
            }
        }
        let counted = weight.clone();
        for axis in 0..3 {
            self.smooth(axis, &mut off);
            self.smooth(axis, &mut weight);
        }
        let field: Vec<f64> =
            off.iter().zip(&weight).map(|(off, weight)| if *weight > 0.0 { off / weight } else { 0.0 }).collect();
        let all: f64 = counted.iter().sum();
        let mean = if all > 0.0 { field.iter().zip(&counted).map(|(own, n)| own * n).sum::<f64>() / all } else { 0.0 };
        let most = f64::from(MOST_NODE);
        let node = |(own, weight): (&f64, &f64)| {
            if *weight > 0.0 { ((own - mean) * NODES_PER_NAT).round().clamp(-most, most) as i32 } else { 0 }
        };
        field.iter().zip(&weight).map(node).collect()
    }

    fn smooth(&self, axis: usize, values: &mut [f64]) {
        let side_mm = self.spacing_mm[axis] * f64::from(1u32 << self.grid.shift[axis]);
        let sigma = self.width_mm / WIDTHS / side_mm;
        let reach = (REACH * sigma).ceil() as usize;
        let kernel: Vec<f64> = (0..=reach).map(|i| libm::exp(-0.5 * (i as f64 / sigma) * (i as f64 / sigma))).collect();
        let step: usize = self.grid.blocks[..axis].iter().product();
        let n = self.grid.blocks[axis];
        let mut line = vec![0.0; n];
        for first in (0..values.len()).filter(|i| (i / step).is_multiple_of(n)) {
            for (i, own) in line.iter_mut().enumerate() {
                *own = values[first + i * step];
            }
            for i in 0..n {
                let near = i.saturating_sub(reach)..=(i + reach).min(n - 1);
                values[first + i * step] = near.map(|j| kernel[i.abs_diff(j)] * line[j]).sum();
            }
        }
    }
}
