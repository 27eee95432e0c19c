//! The mean over the box that a target voxel covers, where axes run along axes.

use std::ops::Range;

use super::Sampled;
use crate::ops::resample::positions::VOXEL;

/// Along one axis: which voxels of the target lie inside, and what each covers.
struct Covers {
    inside: Range<usize>,
    all: Vec<Cover>,
}

/// Voxels of the box and how much of each is covered, in whole 2⁻³² voxels, which an f64 holds.
struct Cover {
    first: usize,
    weights: Vec<f64>,
    sum: f64,
}

impl Covers {
    fn new(from: &Sampled<'_>, along: usize, count: usize) -> Self {
        let (start, step) = (from.positions.start[along], from.positions.step[along][along]);
        let ends = [from.inside[along].start, from.inside[along].end].map(|end| end * VOXEL - VOXEL / 2);
        let inside = from.positions.covered_along(along, count, &from.inside[along]);
        let half = step.abs().max(VOXEL) / 2;
        let cover = |i: usize| {
            let at = start + step * i as i64;
            let (low, high) = ((at - half).max(ends[0]), (at + half).min(ends[1]));
            let voxel = |position: i64| (position + VOXEL / 2) >> 32;
            let (first, last) = (voxel(low), voxel(high - 1));
            let weight = |voxel: i64| {
                let begin = voxel * VOXEL - VOXEL / 2;
                ((begin + VOXEL).min(high) - begin.max(low)) as f64
            };
            let weights: Vec<f64> = (first..=last).map(weight).collect();
            Cover { first: first as usize, sum: weights.iter().sum(), weights }
        };
        Self { all: inside.clone().map(cover).collect(), inside }
    }
}

pub(super) fn all(from: &Sampled<'_>, fill: u64, size: [usize; 3], out: &mut [u8]) {
    let (dtype, width, [nx, ny, _]) = (from.dtype, from.dtype.bytes(), from.shape);
    let fill = &fill.to_le_bytes()[..width];
    out.chunks_exact_mut(width).for_each(|one| one.copy_from_slice(fill));
    let [xs, ys, zs] = [0, 1, 2].map(|along| Covers::new(from, along, size[along]));
    let Some((left, right)) =
        xs.all.iter().map(|c| (c.first, c.first + c.weights.len())).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    else {
        return;
    };
    let mut line = vec![0.0; right - left];
    let mut plane = vec![0.0; xs.all.len() * ys.all.len()];
    for (z, deep) in zs.inside.clone().zip(&zs.all) {
        plane.fill(0.0);
        for (k, weight_z) in deep.weights.iter().enumerate() {
            for (high, row) in ys.all.iter().zip(plane.chunks_exact_mut(xs.all.len())) {
                line.fill(0.0);
                for (j, weight_y) in high.weights.iter().enumerate() {
                    let begin = (((deep.first + k) * ny + high.first + j) * nx + left) * width;
                    let stored = from.bytes[begin..begin + line.len() * width].chunks_exact(width);
                    line.iter_mut().zip(stored).for_each(|(sum, one)| *sum += weight_y * dtype.decode(one));
                }
                for (sum, wide) in row.iter_mut().zip(&xs.all) {
                    let part = &line[wide.first - left..][..wide.weights.len()];
                    *sum += weight_z * wide.weights.iter().zip(part).map(|(weight, value)| weight * value).sum::<f64>();
                }
            }
        }
        for ((y, high), row) in ys.inside.clone().zip(&ys.all).zip(plane.chunks_exact(xs.all.len().max(1))) {
            let begin = ((z * size[1] + y) * size[0] + xs.inside.start) * width;
            let out = out[begin..begin + row.len() * width].chunks_exact_mut(width);
            for ((out, sum), wide) in out.zip(row).zip(&xs.all) {
                let mean = sum / (wide.sum * high.sum * deep.sum);
                dtype.encode(if dtype.is_integer() { (mean + 0.5).floor() } else { mean }, out);
            }
        }
    }
}
